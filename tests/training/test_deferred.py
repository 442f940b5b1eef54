"""A loss or an order for the end of a training: what stays as it was before, what changes, and going on after a stop."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from imbalkit.builtin.backbones import SmallCNN
from imbalkit.builtin.heads import Linear
from imbalkit.builtin.losses import CE, ClassBalanced
from imbalkit.builtin.orders import Balanced, Natural
from imbalkit.engine.deferral import deferral_notes, deferred_phase, stage_notes
from imbalkit.engine.options import RunOptions
from imbalkit.engine.run import run
from imbalkit.engine.stages import named
from imbalkit.errors import RecipeError
from imbalkit.recipe.prepare import prepare
from imbalkit.recipe.recipe import ScheduleSettings, TrainingSettings
from imbalkit.training.fit import Fit
from imbalkit.training.phase import Phase
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer

EPOCHS, FIRST = 5, 3  # the deferral begins after three epochs
PHASES = {
    "loss": Phase(ClassBalanced(), Natural(), FIRST),
    "order": Phase(CE(), Balanced(), FIRST),
    "both": Phase(ClassBalanced(), Balanced(length="all"), FIRST),
}
every_phase = pytest.mark.parametrize("phase", PHASES.values(), ids=PHASES)


@pytest.fixture
def fit(plan, images, tmp_path):
    def make(folder, deferred, stop_after=EPOCHS, **settings):
        """The network and each epoch's log after `stop_after` epochs."""
        chosen = {"epochs": EPOCHS, "batch_size": 16, "accelerator": "cpu"} | settings
        fabric = Fabric(accelerator="cpu", devices=1)
        session = TrainingSession(fabric, images, TrainingSettings(**chosen), 3, Linear(), positive=1)
        trainer, log = Trainer(session, tmp_path / folder), []

        def finished(stage, epoch, values):
            log.append(values)
            if epoch > stop_after:
                raise KeyboardInterrupt  # before this epoch's checkpoint: the last one kept is that of `stop_after`

        trainer.epoch_finished = finished
        try:
            model = trainer.fit(
                "final", plan, SmallCNN(width=8), CE(), EPOCHS, order=Natural(), deferred=deferred
            ).model.state_dict()
        except KeyboardInterrupt:
            model = torch.load(tmp_path / folder / "final.pt", weights_only=False)["model"]
        return model, log

    return make


def same(first, second):
    return all(torch.equal(value, second[name]) for name, value in first.items())


@every_phase
def test_before_it_begins_the_training_is_the_plain_one_bit_by_bit(fit, phase):
    # The learning rate is constant: one over the steps knows how many come later, and `length: all` makes more of them.
    constant = {"schedule": ScheduleSettings(name="constant")}
    plain, plain_log = fit("plain", None, FIRST, **constant)
    deferred, log = fit("deferred", phase, FIRST, **constant)
    assert same(plain, deferred)
    assert [entry["loss"] for entry in log[:FIRST]] == [entry["loss"] for entry in plain_log[:FIRST]]
    assert log[FIRST]["loss"] != plain_log[FIRST]["loss"]


@every_phase
def test_afterwards_the_other_loss_and_order_count(fit, plan, phase, monkeypatch):
    used, visited = [], []
    step = Fit.train_step

    def watched(self, window, rows, metrics, scores=None):
        used.append((self.epoch, type(self.phases[self.phase].loss).__name__, self.loss is self.losses[self.phase]))
        visited.append((self.epoch, np.concatenate([part.rows for part in window])))
        return step(self, window, rows, metrics, scores)

    monkeypatch.setattr(Fit, "train_step", watched)
    fit("deferred", phase)
    late = type(phase.loss).__name__
    assert {(epoch, loss) for epoch, loss, _ in used} == {
        (epoch, "CE" if epoch < FIRST else late) for epoch in range(EPOCHS)
    }
    assert all(own for _, _, own in used)
    for epoch in range(EPOCHS):
        rows = np.concatenate([found for at, found in visited if at == epoch])
        minority = int((rows % 4 == 3).sum())
        balanced = epoch >= FIRST and isinstance(phase.order, Balanced)
        assert (len(rows), minority) == ((phase.epoch_rows(plan), len(rows) // 2) if balanced else (48, 12))


@every_phase
@pytest.mark.parametrize("stop_after", [FIRST - 1, FIRST, FIRST + 1])
def test_a_resume_across_the_switch_gives_the_same_bytes(fit, phase, stop_after):
    whole, _ = fit("whole", phase, ema=0.9)
    fit("stopped", phase, stop_after, ema=0.9)
    resumed, log = fit("stopped", phase, ema=0.9)
    assert [entry["epoch"] for entry in log] == list(range(stop_after + 1, EPOCHS + 1))
    assert same(whole, resumed)


def test_the_schedule_ends_with_the_last_step_of_a_longer_order(fit, monkeypatch):
    made = []
    build = Fit.build.__func__
    monkeypatch.setattr(Fit, "build", classmethod(lambda cls, *a, **k: made.append(build(cls, *a, **k)) or made[-1]))
    _, log = fit("deferred", PHASES["both"], schedule=ScheduleSettings(name="one_cycle"))
    assert made[0].steps == 3 * FIRST + 5 * (EPOCHS - FIRST)  # 48 rows make 3 steps an epoch, 2 x 36 make 5
    assert made[0].schedule.schedule.total_steps == made[0].steps + 1
    assert log[-1]["lr"] < 1e-3 * max(entry["lr"] for entry in log)


DIGITS = {"data": {"name": "digits", "imbalance": 20}, "split": {"column": "split"}}


class TestRecipe:
    @pytest.mark.parametrize(
        "training, first",
        [
            ({"epochs": 2}, 1),
            ({"epochs": 200, "schedule": {"name": "multistep", "options": {"decay_milestones": [160, 180]}}}, 160),
            ({"epochs": 90, "schedule": {"name": "step", "options": {"decay_epochs": 30}}}, 30),
            ({"epochs": 200}, 160),
            ({"epochs": 3}, 2),
        ],
    )
    def test_begins_with_the_first_drop_else_at_four_fifths(self, training, first):
        recipe = prepare(DIGITS | {"training": training, "deferred": {"order": "balanced"}}).recipe
        assert recipe.deferred.first_epoch(recipe.training) == first
        assert deferred_phase(recipe).first_epoch == first

    def test_a_start_of_the_recipe_comes_first(self):
        schedule = {"name": "multistep", "options": {"decay_milestones": [160]}}
        more = {"training": {"epochs": 200, "schedule": schedule}, "deferred": {"start": 0.5, "loss": "class_balanced"}}
        recipe = prepare(DIGITS | {"loss": "focal", "order": "stratified"} | more).recipe
        phase = deferred_phase(recipe)
        assert (phase.first_epoch, phase.loss.name, phase.order.name) == (100, "class_balanced", "stratified")

    @pytest.mark.parametrize(
        "deferred, training, words",
        [
            ({"loss": "focal"}, {"epochs": 1}, "begins with epoch 2 of 1, that is never"),
            ({"start": 0.96, "loss": "focal"}, {"epochs": 10}, "begins with epoch 11 of 10, that is never"),
            (
                {"loss": "focal"},
                {"epochs": 10, "schedule": {"name": "step", "options": {"decay_epochs": 30}}},
                "begins with epoch 31 of 10, that is never: expected an earlier `start`",
            ),
            ({"start": 0.5, "loss": "ce"}, {}, "deferred.loss: is the `loss` that the training begins with"),
            ({"order": "natural", "loss": "focal"}, {}, "deferred.order: is the `order` that the training begins with"),
            ({"start": 0.5}, {}, "expected a loss, an order or both, got neither"),
            ({"start": 1.0, "loss": "focal"}, {}, "deferred.start"),
            ({"start": 0.5, "loss": "focl"}, {}, "did you mean 'focal'"),
        ],
    )
    def test_what_cannot_work_is_refused(self, deferred, training, words):
        with pytest.raises(RecipeError) as caught:
            prepare(DIGITS | {"training": training, "deferred": deferred})
        assert words in str(caught.value)


class TestNote:
    @pytest.mark.parametrize(
        "chosen, expected",
        [
            (3, ["the chosen epoch 3 is before the deferred loss begins with epoch 6: set training.monitor: last"]),
            (6, []),
            (0, []),  # no epoch had a value of the metric: the last one is kept
        ],
    )
    def test_of_an_epoch_chosen_before_it_begins(self, chosen, expected):
        recipe = prepare(DIGITS | {"training": {"epochs": 10}, "deferred": {"start": 0.5, "loss": "focal"}}).recipe
        assert deferral_notes(recipe, [{"epoch": 1, "best_epoch": 1}, {"epoch": 10, "best_epoch": chosen}]) == expected

    def test_names_what_is_deferred(self):
        more = {"training": {"epochs": 10}, "deferred": {"loss": "focal", "order": "balanced"}}
        (note,) = deferral_notes(prepare(DIGITS | more).recipe, [{"best_epoch": 2}])
        assert "before the deferred loss and order begin with epoch 9" in note

    def test_of_a_warm_up(self):
        warmed = DIGITS | {"training": {"epochs": 10}, "loss": {"name": "vs", "warm_up": 0.3}}
        (note,) = deferral_notes(prepare(warmed).recipe, [{"best_epoch": 3}])
        assert note.startswith(
            "the chosen epoch 3 is before the loss 'vs', after its warm-up, begins with epoch 4: set"
        )
        assert deferral_notes(prepare(warmed).recipe, [{"best_epoch": 4}]) == []

    def test_nothing_to_say(self):
        recipe = prepare(DIGITS).recipe
        assert deferral_notes(recipe, [{"best_epoch": 1}]) == []
        recipe = prepare(DIGITS | {"deferred": {"order": "balanced"}}).recipe
        assert deferral_notes(recipe, [{"epoch": 1}]) == deferral_notes(recipe, []) == []

    @pytest.mark.parametrize("monitor", ["balanced_accuracy", "last"])
    def test_is_written_into_the_metrics(self, tmp_path, monitor, no_charts):
        recipe = DIGITS | {
            "backbone": {"name": "small_cnn", "width": 4},
            # No step moves the weights: the first epoch is as good as any.
            "training": {
                "epochs": 2,
                "threads": 1,
                "accelerator": "cpu",
                "monitor": monitor,
                "optimizer": {"name": "sgd", "lr": 1e-12},
                "early_stopping": None if monitor == "last" else {"min_delta": 0.9},
            },
            "deferred": {"start": 0.5, "order": "balanced"},
            "evaluation": {"resamples": 0},
        }
        folder = run(recipe, options=RunOptions(folder=tmp_path / "run"))
        notes = json.loads((folder / "metrics.json").read_text())["notes"]
        said = "the chosen epoch 1 is before the deferred order begins with epoch 2: set training.monitor: last"
        assert (said in notes) == (monitor != "last")

    def test_of_a_warm_up_in_a_stage(self):
        stages = [{"name": "retrain", "loss": {"name": "vs", "warm_up": 0.3}}, {"name": "retrain", "head": "kept"}]
        found = list(named(prepare(DIGITS | {"stages": stages}).recipe.stages))
        assert [name for name, _ in found] == ["stage-retrain-1", "stage-retrain-2"]

        def notes(*chosen):
            return stage_notes(
                found, [{"stage": name, "best_epoch": n} for (name, _), n in zip(found, chosen, strict=False)]
            )

        (note,) = notes(3, 1)
        assert note.startswith(
            "stage-retrain-1: the chosen epoch 3 is before the loss 'vs', after its warm-up, begins with epoch 4"
        )
        assert notes(4, 1) == notes(None, None) == notes(0) == []
