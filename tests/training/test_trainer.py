"""The loop itself, on a small net and random images."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn
from torch.nn import functional

from imbalkit.builtin.backbones import SmallCNN
from imbalkit.builtin.heads import Linear
from imbalkit.builtin.ops.horizontal_flip import HorizontalFlip
from imbalkit.builtin.ops.radial_blur import RadialBlur
from imbalkit.errors import TrainingError
from imbalkit.functional.rce import RecallCrossEntropy
from imbalkit.kinds import Loss
from imbalkit.recipe.recipe import EarlyStopping, OptimizerSettings, ScheduleSettings, TrainingSettings
from imbalkit.training.fit import Fit
from imbalkit.training.phase import Phase
from imbalkit.training.rendered_cache import RenderedCache
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer


class PlainCE(Loss):
    """Cross entropy for these tests."""

    name = "plain_ce"

    def build(self, context):
        return nn.CrossEntropyLoss(reduction="none")


class MeanCE(PlainCE):
    name = "mean_ce"

    def build(self, context):
        return nn.CrossEntropyLoss()


class Recall(Loss):
    name = "recall"
    estimator: str = "batch"

    def build(self, context):
        return RecallCrossEntropy(len(context.classes), self.estimator, reduction="none")


@pytest.fixture
def make(images, tmp_path):
    def build(folder="a", session=None, **settings):
        settings = {
            "epochs": 3,
            "batch_size": 16,
            "optimizer": OptimizerSettings(lr=0.01),
            "accelerator": "cpu",
        } | settings
        shared = {
            "fabric": Fabric(accelerator="cpu", devices=1),
            "images": images,
            "settings": TrainingSettings(**settings),
            "seed": 3,
            "head": Linear(dropout=0.0),
            "positive": 1,
        } | (session or {})
        return Trainer(TrainingSession(**shared), tmp_path / folder)

    return build


GROUP = SmallCNN(width=8, norm="group")
BATCH = SmallCNN(width=8)


def weights(model):
    return torch.cat([value.flatten().float() for value in model.state_dict().values()])


def test_a_batch_of_one_cannot_be_shared(plan):
    two = SimpleNamespace(fabric=SimpleNamespace(world_size=2), settings=TrainingSettings(epochs=1, batch_size=1))
    with pytest.raises(TrainingError, match="48 rows in batches of 1 cannot be shared by 2 devices"):
        Fit.build(two, "final", plan, GROUP, [Phase(PlainCE())], 1, None)


def test_training_learns_and_repeats_bit_by_bit(make, plan):
    seen = []
    trainer = make(epochs=8, session={"head": Linear(dropout=0.2)})
    trainer.epoch_finished = lambda stage, epoch, figures: seen.append(figures)
    model = trainer.fit("final", plan, BATCH, PlainCE(), 8).model
    assert seen[-1]["loss"] < 0.5 * seen[0]["loss"]
    assert (trainer.predict(model, plan).argmax(1) == plan.label).mean() > 0.9
    again = make("b", epochs=8, session={"head": Linear(dropout=0.2)}).fit("final", plan, BATCH, PlainCE(), 8).model
    assert torch.equal(weights(model), weights(again))
    other = (
        make("c", epochs=8, session={"head": Linear(dropout=0.2), "seed": 4})
        .fit("final", plan, BATCH, PlainCE(), 8)
        .model
    )
    assert not torch.equal(weights(model), weights(other))


class Stop(Exception):
    pass


@pytest.mark.parametrize("settings", [{}, {"ema": 0.9}, {"schedule": ScheduleSettings(name="cosine")}])
def test_a_training_cut_off_goes_on_as_if_it_had_not_been(make, plan, settings):
    settings = {"epochs": 4, "session": {"head": Linear(dropout=0.3)}, **settings}
    whole = make("whole", **settings).fit("final", plan, BATCH, Recall(estimator="ema"), 4).model

    def stop(stage, epoch, figures):
        if epoch == 2:
            raise Stop

    cut = make("cut", **settings)
    cut.epoch_finished = stop
    with pytest.raises(Stop):
        cut.fit("final", plan, BATCH, Recall(estimator="ema"), 4)
    on = make("cut", **settings).fit("final", plan, BATCH, Recall(estimator="ema"), 4).model
    assert torch.equal(weights(whole), weights(on))


@pytest.mark.parametrize("loss", [PlainCE(), MeanCE(), Recall(), Recall(estimator="ema"), Recall(estimator="epoch")])
def test_accumulation_changes_memory_and_nothing_else(make, plan, loss):
    at_once = make("a").fit("final", plan, GROUP, loss, 3).model
    in_parts = make("b", micro_batches=4).fit("final", plan, GROUP, loss, 3).model
    torch.testing.assert_close(weights(at_once), weights(in_parts), atol=2e-4, rtol=0)


def test_accumulated_counts_see_the_same_dropout_and_still_batch_norm(make, plan):
    trainer = make(micro_batches=2, session={"head": Linear(dropout=0.5)}, epochs=1)
    counted, used = [], []

    class Spy(RecallCrossEntropy):
        def statistics(self, logits, targets):
            (used if logits.requires_grad or torch.is_grad_enabled() else counted).append(logits.clone())
            return super().statistics(logits, targets)

    class SpyLoss(Recall):
        name = "spy"

        def build(self, context):
            return Spy(2, reduction="none")

    trainer.fit("final", plan, BATCH, SpyLoss(), 1)
    assert len(counted) == len(used) == 6
    for first, second in zip(counted, used, strict=True):
        torch.testing.assert_close(first, second, atol=1e-5, rtol=0)


def test_every_row_is_used_once_an_epoch(make, plan):
    trainer, seen = make(batch_size=10, micro_batches=3), []
    render = trainer.session.images.take
    trainer.session.images.take = lambda indices: seen.append(np.array(indices)) or render(indices)
    trainer.fit("final", plan, GROUP, PlainCE(), 1)
    assert np.array_equal(np.sort(np.concatenate(seen)), np.arange(len(plan)))


def test_a_loss_that_is_not_finite_stops_with_epoch_batch_and_rows(make, plan):
    class Bad(PlainCE):
        name = "bad"

        def build(self, context):
            class Module(nn.Module):
                calls = 0

                def forward(self, logits, targets):
                    self.calls += 1
                    rows = functional.cross_entropy(logits, targets, reduction="none")
                    return rows * float("nan") if self.calls == 5 else rows

            return Module()

    with pytest.raises(
        TrainingError, match=r"loss is nan in final, epoch 2, batch 2 of 3; its rows are made from sample \d+"
    ):
        make().fit("final", plan, GROUP, Bad(), 3)


def test_the_best_epoch_is_kept_and_training_stops_early(make, plan):
    values = iter([0.5, 0.8, 0.7, 0.6, 0.9])
    kept = []

    def validate(model):
        kept.append(weights(model).clone())
        return {"balanced_accuracy": next(values)}

    trainer = make(epochs=5, early_stopping=EarlyStopping(patience=2))
    model = trainer.fit("final", plan, GROUP, PlainCE(), 5, validate).model
    assert len(kept) == 4
    assert torch.equal(weights(model), kept[1])
    last = (
        make("b", monitor="last")
        .fit("final", plan, GROUP, PlainCE(), 3, lambda model: {"balanced_accuracy": 0.1})
        .model
    )
    assert not torch.equal(weights(last), weights(model))


def test_a_metric_that_is_better_when_lower_picks_its_smallest_value(make, plan):
    values, kept = iter([0.9, 0.2, 0.5]), []

    def validate(model):
        kept.append(weights(model).clone())
        return {"log_loss": next(values)}

    trainer = make(monitor="log_loss", session={"higher_is_better": False})
    assert torch.equal(weights(trainer.fit("final", plan, GROUP, PlainCE(), 3, validate).model), kept[1])


def test_a_frozen_body_does_not_move_and_the_head_does(make, plan):
    model = make("a").fit("final", plan, BATCH, PlainCE(), 3, freeze_epochs=3).model
    still = make("b", optimizer=OptimizerSettings(lr=1e-12, weight_decay=0))
    fresh = still.fit("final", plan, BATCH, PlainCE(), 1, freeze_epochs=1).model
    assert torch.equal(weights(model.body), weights(fresh.body))
    assert not torch.equal(weights(model.head), weights(fresh.head))
    thawed = make("c").fit("final", plan, BATCH, PlainCE(), 3, freeze_epochs=1).model
    assert not torch.equal(weights(thawed.body), weights(fresh.body))


@pytest.mark.parametrize(
    "settings",
    [
        {"precision": "bf16"},
        {"optimizer": OptimizerSettings(name="sgd", lr=0.05, options={"momentum": 0.8})},
        {"schedule": ScheduleSettings(name="cosine", options={"warmup_epochs": 1})},
        {"schedule": ScheduleSettings(name="constant")},
        {"gradient_clip_norm": 0.5},
        {"ema": 0.5},
        {"channels_last": False},
        {"compile": True},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_options_train(make, plan, settings):
    precision = "bf16-mixed" if settings.get("precision") == "bf16" else "32-true"
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
    trainer = make(epochs=6, session={"fabric": fabric}, **settings)
    losses = []
    trainer.epoch_finished = lambda stage, epoch, figures: losses.append(figures["loss"])
    model = trainer.fit("final", plan, BATCH, PlainCE(), 6).model
    assert losses[-1] < losses[0]
    assert torch.isfinite(weights(model)).all()


def test_wrong_options_are_clear_errors(make, plan):
    with pytest.raises(TrainingError, match="training.optimizer.options: adamw does not take"):
        make(optimizer=OptimizerSettings(options={"nonsense": 1})).fit("final", plan, GROUP, PlainCE(), 1)


def test_predictions_come_in_the_order_of_the_rows_in_any_batch_size(make, plan):
    trainer = make()
    model = trainer.fit("final", plan, BATCH, PlainCE(), 1).model
    logits = trainer.predict(model, plan)
    assert logits.shape == (48, 2)
    np.testing.assert_allclose(make("b", batch_size=5).predict(model, plan), logits, atol=1e-5)
    scores = trainer.predict(
        model, plan, lambda logits, labels: functional.cross_entropy(logits, labels, reduction="none")
    )
    expected = functional.cross_entropy(torch.tensor(logits), torch.tensor(plan.label.astype(int)), reduction="none")
    np.testing.assert_allclose(scores, expected.numpy(), atol=1e-5)
    assert trainer.predict(model, plan.select(np.array([], dtype=int))).shape == (0, 2)


def losses(logits, labels):
    return functional.cross_entropy(logits, labels, reduction="none")


@pytest.fixture
def copies(plan):
    """The plan with two copies of each of ten rows: three rows of one sample, each with a score of its own."""
    return plan.append(np.repeat(np.arange(10), 2))


def test_scores_kept_from_the_last_epoch_are_those_of_its_rows(make, copies):
    met = []

    def score(logits, labels):
        met.append((logits.clone(), labels.clone()))
        return losses(logits, labels)

    trainer = make(batch_size=10, micro_batches=3)
    batches, render = [], trainer.session.images.take
    trainer.session.images.take = lambda sources: batches.append(np.array(sources)) or render(sources)
    scores = trainer.fit("round", copies, BATCH, PlainCE(), 2, score=score).scores
    assert len(met) == 7 * 3  # parts of the batches of one epoch alone
    assert scores.dtype == np.float32
    assert scores.shape == (68,)
    last = np.concatenate(batches[len(met) :])
    found = torch.cat([losses(*pair) for pair in met]).numpy()
    # A sample's rows are told apart by their order alone, so compare them sorted.
    expected, kept = np.lexsort((found, last)), np.lexsort((scores, copies.source))
    assert np.array_equal(last[expected], copies.source[kept])
    np.testing.assert_array_equal(found[expected], scores[kept])


def test_kept_scores_are_those_of_a_pass_where_training_changes_nothing(make, copies):
    still = {"optimizer": OptimizerSettings(lr=1e-12, weight_decay=0)}
    result = make(**still).fit("round", copies, GROUP, PlainCE(), 2, score=losses)
    np.testing.assert_allclose(result.scores, make("b").predict(result.model, copies, losses), atol=1e-5)
    result = make("c").fit("round", copies, BATCH, PlainCE(), 2, score=losses)
    assert not np.allclose(result.scores, make("d").predict(result.model, copies, losses), atol=1e-2)


@pytest.mark.parametrize("stage", ["epoch_finished", "progress"], ids=["before the last epoch", "after it"])
def test_kept_scores_survive_a_kill(make, copies, stage):
    whole = make("whole", session={"head": Linear(dropout=0.3)}).fit("round", copies, BATCH, PlainCE(), 3, score=losses)

    def stop(*arguments):
        if 3 in arguments:  # the last epoch: not in a checkpoint yet, or there already
            raise Stop

    cut = make("cut", session={"head": Linear(dropout=0.3)})
    if stage == "progress":
        cut.session.progress.epoch = stop
    else:
        cut.epoch_finished = stop
    with pytest.raises(Stop):
        cut.fit("round", copies, BATCH, PlainCE(), 3, score=losses)
    again = []
    resumed = make("cut", session={"head": Linear(dropout=0.3)})
    resumed.epoch_finished = lambda stage, epoch, figures: again.append(epoch)
    on = resumed.fit("round", copies, BATCH, PlainCE(), 3, score=losses)
    assert again == ([] if stage == "progress" else [3])
    assert np.array_equal(on.scores, whole.scores)
    assert torch.equal(weights(on.model), weights(whole.model))


def test_the_rendered_cache_changes_nothing_that_training_learns(make, plan, images):
    copies = plan.append(plan.rows_of(1), [(HorizontalFlip(), RadialBlur(rho=(0.05, 0.2)))])
    rendered = RenderedCache(images.shape, 1e-3)
    anew, cached = make("a"), make("b", session={"rendered": rendered})
    models = [trainer.fit("final", copies, GROUP, PlainCE(), 3).model for trainer in (anew, cached)]
    assert len(rendered) == len(copies) - len(plan)
    torch.testing.assert_close(weights(models[0]), weights(models[1]), atol=1e-4, rtol=0)
    np.testing.assert_allclose(cached.predict(models[1], copies), anew.predict(models[1], copies), atol=1e-4)
