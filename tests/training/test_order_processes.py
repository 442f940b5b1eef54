"""Orders and mixers on two processes against one: the same rows, and what both mixed is summed."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from imbalkit.base.randomness import generator
from imbalkit.builtin.backbones import SmallCNN
from imbalkit.builtin.heads import Linear
from imbalkit.builtin.losses import CE
from imbalkit.builtin.mixers import CMO, BalancedMixup, CutMix, Mixup
from imbalkit.builtin.orders import Balanced, Power, Progressive, RepeatFactor, Stratified
from imbalkit.data.image_store import ArrayStore
from imbalkit.functional.mixing import blend
from imbalkit.kinds import Mixer
from imbalkit.plan import Plan
from imbalkit.recipe.recipe import OptimizerSettings, ScheduleSettings, TrainingSettings
from imbalkit.training.fit import Fit
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer
from tests.two_processes import one_of_two, run_as_two

SEED, PARTS = 3, (1, 2)


class Halves(Mixer):
    """Draws nothing but its partners, of another order: the same mixture whatever device a row is on."""

    name = "halves"

    @property
    def partners(self):
        return Power(q=-0.5)

    def build(self, context):
        class Module(nn.Module):
            def forward(self, images, labels, partners, partner_labels, rng):
                share = torch.full((len(labels),), 0.5)
                return blend(images, partners, share), share

        return Module()


ORDERS = {
    order.name: {"order": order}
    for order in (Stratified(), Balanced(), Power(), Progressive(), RepeatFactor(threshold=0.4))
}
FIXED = ORDERS | {"halves": {"mixer": Halves()}, "halves of balanced": {"mixer": Halves(), "order": Balanced()}}
DRAWN = {
    mixer.name: {"mixer": mixer}
    for mixer in (
        Mixup(),
        CutMix(last_epochs_off=1),
        BalancedMixup(alpha=1.0),
        CMO(first_epochs_off=0, last_epochs_off=1, order=Power(q=-1.0)),
    )
}


def fit(folder, parts, fabric=None, order=None, mixer=None):
    """The weights, each epoch's training loss, and the rows of each step's parts (with their partners), of three epochs."""
    plan = Plan.from_labels(np.arange(45) % 4 // 3, seed=1)
    pixels = np.random.default_rng(0).integers(0, 120, (45, 8, 8, 1), dtype=np.uint8)
    pixels[plan.label == 1, :4] += 90
    settings = TrainingSettings(
        epochs=3,
        batch_size=16,  # batches of 15 rows or so: parts and devices have unequal shares
        micro_batches=parts,
        optimizer=OptimizerSettings(name="sgd", lr=0.05, weight_decay=0.0),
        schedule=ScheduleSettings(name="constant"),
        accelerator="cpu",
    )
    session = TrainingSession(
        fabric or Fabric(accelerator="cpu", devices=1),
        ArrayStore(pixels),
        settings,
        SEED,
        Linear(dropout=0.0),
        positive=1,
    )
    trainer, losses, rows = Trainer(session, folder), [], []
    trainer.epoch_finished = lambda stage, epoch, values: losses.append(values["loss"])
    step = Fit.train_step

    def watched(run, window, *rest):
        rows.append([part.batch.rows for part in window])
        return step(run, window, *rest)

    Fit.train_step = watched
    try:
        model = trainer.fit("final", plan, SmallCNN(width=8, norm="group"), CE(), 3, order=order, mixer=mixer).model
    finally:
        Fit.train_step = step
    return torch.cat([value.flatten().float() for value in model.state_dict().values()]), losses, rows


def two_processes(folder: Path, rank: int) -> None:
    fabric = one_of_two()
    result = {
        (name, parts): fit(folder / f"{name}{parts}", parts, fabric, **what)
        for name, what in (FIXED | DRAWN).items()
        for parts in PARTS
    }
    torch.save(result, folder / f"{rank}.pt")


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """What each of two processes gave."""
    folder = tmp_path_factory.mktemp("two")
    run_as_two(__file__, folder)
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in (0, 1)]


def close(found, expected):
    weights, losses, _ = found
    assert (weights - expected[0]).abs().max() < 2e-5
    assert losses == pytest.approx(expected[1], rel=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch is built without distributed")
class TestTwoProcesses:
    @pytest.mark.parametrize("parts", PARTS)
    @pytest.mark.parametrize("name", FIXED)
    def test_they_visit_the_rows_of_one_and_learn_what_it_does(self, both, tmp_path, name, parts):
        alone = fit(tmp_path, 1, **FIXED[name])
        first, second = (result[name, parts] for result in both)
        assert torch.equal(first[0], second[0])
        close(first, alone)
        assert len(first[2]) == len(alone[2]) >= 9
        for (whole,), *shared in zip(alone[2], first[2], second[2], strict=True):
            mixed = 1 + ("mixer" in FIXED[name])  # rows, then as many partners
            for rank, window in enumerate(shared):
                assert len(window) == parts
                own = np.concatenate([part.reshape(mixed, -1) for part in window], axis=1)
                assert np.array_equal(own, whole.reshape(mixed, -1)[:, rank::2])

    @pytest.mark.parametrize("parts", PARTS)
    @pytest.mark.parametrize("name", DRAWN)
    def test_what_they_mix_is_summed(self, both, tmp_path, monkeypatch, name, parts):
        """One process that is given the parts of two, and their draws."""

        def window(run, batch):
            return [part for rank in (0, 1) for part in np.array_split(batch[rank::2], parts)]

        def draws(run, purpose):
            path = partial(generator, SEED, purpose, "final")
            if purpose != "mixer":
                return path
            return lambda epoch, _, part: path(epoch, part // parts % 2, part // (2 * parts) * parts + part % parts)

        monkeypatch.setattr(Fit, "_window", window)
        monkeypatch.setattr(Fit, "_draws", draws)
        alone = fit(tmp_path, 1, **DRAWN[name])
        first, second = (result[name, parts] for result in both)
        assert torch.equal(first[0], second[0])
        close(first, alone)
        assert (first[0] - both[0]["stratified", 1][0]).abs().max() > 1e-3  # it was mixed


if __name__ == "__main__":  # one of the two processes
    two_processes(Path(sys.argv[1]), int(sys.argv[2]))
