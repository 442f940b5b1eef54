"""Losses that depend on the other rows of a batch have one gradient, whatever its parts and devices."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from imbalkit.builtin.backbones import SmallCNN
from imbalkit.builtin.heads import Linear
from imbalkit.builtin.losses import RCE, AUCMargin, ClassBalanced, PairwiseAUC, PartialAUC, TopK
from imbalkit.data.image_store import ArrayStore
from imbalkit.kinds import Loss
from imbalkit.plan import Plan
from imbalkit.recipe.recipe import OptimizerSettings, SAMSettings, ScheduleSettings, TrainingSettings
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer
from tests.two_processes import one_of_two, run_as_two


class Deviations(Loss):
    """A row's loss, [n], for these tests: by how much its logits differ from the batch's mean logits."""

    name = "deviations"
    by_row = False

    def build(self, context):
        class Module(nn.Module):
            def forward(self, logits, targets):
                return ((logits - logits.mean(0)) ** 2).sum(1)

        return Module()


class Centres(Loss):
    """Cross entropy and the distance of features to the mean of their class in the batch, as in Wen et al. 2016."""

    name = "centres"
    by_row = False

    def build(self, context):
        class Module(nn.Module):
            needs_features = True

            def forward(self, logits, targets, features):
                of_class = nn.functional.one_hot(targets, logits.shape[1]).to(features.dtype)
                centres = of_class.T @ features / of_class.sum(0).clamp_min(1)[:, None]
                return nn.functional.cross_entropy(logits, targets) + ((features - centres[targets]) ** 2).mean()

        return Module()


class FeaturesAlone(Centres):
    """Asks for logits and looks at features alone, [n]."""

    name = "features_alone"

    def build(self, context):
        class Module(nn.Module):
            needs_features = True

            def forward(self, logits, targets, features):
                return (features - features.mean(0)).square().sum(1)

        return Module()


LOSSES = {
    "auc_margin": AUCMargin(),
    "pairwise_auc": PairwiseAUC(surrogate="logistic"),
    "partial_auc": PartialAUC(side="low_fpr", share=0.4),
    "top_k": TopK(share=0.4),
    "deviations": Deviations(),
    "centres": Centres(),
    "features_alone": FeaturesAlone(),
    "rce": RCE(),
    "class_balanced": ClassBalanced(scale="batch"),
}
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
GROUP, BATCH = SmallCNN(width=8, norm="group"), SmallCNN(width=8)


def fit(folder, loss, backbone=GROUP, fabric=None, dropout=0.0, epochs=2, seen=None, **settings):
    """The network and each epoch's training loss after two epochs of plain descent, so that rounding stays rounding."""
    plan = Plan.from_labels(np.arange(45) % 4 // 3, seed=1)
    random = np.random.default_rng(0)
    pixels = random.integers(0, 120, (45, 8, 8, 1), dtype=np.uint8)
    pixels[plan.label == 1, :4] += 90
    settings = {
        "epochs": epochs,
        "batch_size": 16,  # three batches of 15 rows: parts and devices have unequal shares
        "optimizer": OptimizerSettings(name="sgd", lr=0.05, weight_decay=0.0),
        "schedule": ScheduleSettings(name="constant"),
        "accelerator": "cpu",
    } | settings
    fabric = fabric or Fabric(accelerator="cpu", devices=1)
    session = TrainingSession(
        fabric, ArrayStore(pixels), TrainingSettings(**settings), seed=3, head=Linear(dropout=dropout), positive=1
    )
    losses = []
    trainer = Trainer(session, folder)
    trainer.epoch_finished = lambda stage, epoch, values: losses.append(values["loss"])
    return trainer.fit("final", plan, backbone, loss, epochs).model, losses


def weights(model):
    return torch.cat([value.flatten().float() for value in model.state_dict().values()])


@every_loss
def test_parts_change_neither_weights_nor_loss(tmp_path, loss):
    (whole, at_once), (parts, in_parts) = (fit(tmp_path / str(number), loss, micro_batches=number) for number in (1, 4))
    fresh, _ = fit(tmp_path / "0", loss, optimizer=OptimizerSettings(name="sgd", lr=1e-12, weight_decay=0.0))
    moved = (weights(whole) - weights(fresh)).abs().max()
    assert moved > 1e-3
    assert (weights(whole) - weights(parts)).abs().max() < 1e-4 * moved
    assert at_once == pytest.approx(in_parts, rel=1e-5)


def test_parts_alone_would_change_them(tmp_path):
    """The control: pairs within the parts are other pairs."""

    class InParts(AUCMargin):
        by_row = True

    whole, parts = (fit(tmp_path / str(number), InParts(), micro_batches=number)[0] for number in (1, 4))
    assert (weights(whole) - weights(parts)).abs().max() > 1e-3


def test_the_pass_ahead_sees_the_same_dropout_and_batch_norm_forgets_it(tmp_path):
    met = []

    class Spy(Loss):
        name = "spy"
        by_row = False

        def build(self, context):
            class Module(nn.Module):
                def forward(self, logits, targets):
                    met.append(logits.detach().clone())
                    return nn.functional.cross_entropy(logits, targets)

            return Module()

    # Cross entropy needs no other row: with the same dropout the gradient by way of the whole batch is that of the parts.
    class Plain(Spy):
        by_row = True

    settings = {"backbone": BATCH, "dropout": 0.5, "micro_batches": 3}
    models = [fit(tmp_path / type(loss).__name__, loss, **settings)[0] for loss in (Spy(), Plain())]
    torch.testing.assert_close(weights(models[0]), weights(models[1]), atol=1e-5, rtol=0)
    assert [len(logits) for logits in met[:6]] == [15] * 6
    tracked = [value for name, value in models[0].state_dict().items() if name.endswith("num_batches_tracked")]
    assert [int(value) for value in tracked] == [2 * 3 * 3] * len(tracked)


def two_processes(folder: Path, rank: int) -> None:
    """One of two processes: each loss in one part and in two."""
    fabric, result = one_of_two(), {}
    for name, loss in LOSSES.items():
        for parts, sam in ((1, None), (2, None), (2, SAMSettings(radius=0.1))):
            work = folder / f"{name}{parts}{sam is not None}"
            model, losses = fit(work, loss, fabric=fabric, micro_batches=parts, sam=sam)
            result[name, parts, sam is not None] = (weights(model), losses)
    torch.save(result, folder / f"{rank}.pt")


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch is built without distributed")
def test_two_processes_learn_what_one_does(tmp_path):
    run_as_two(__file__, tmp_path)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    assert len(first) == 3 * len(LOSSES)
    for (name, parts, sam), (found, losses) in first.items():
        sharpness = SAMSettings(radius=0.1) if sam else None
        model, expected = fit(tmp_path / f"{name}{parts}{sam} alone", LOSSES[name], sam=sharpness)
        what = f"{name} in {parts} parts, sam: {sam}"
        assert torch.equal(found, second[name, parts, sam][0]), what
        assert (found - weights(model)).abs().max() < 2e-5, what
        assert losses == pytest.approx(expected, rel=1e-4), what


if __name__ == "__main__":  # one of the two processes
    two_processes(Path(sys.argv[1]), int(sys.argv[2]))
