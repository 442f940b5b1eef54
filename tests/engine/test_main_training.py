"""The main training that runs share: done once for the very same training, and for nothing else."""

from __future__ import annotations

import json

import numpy as np
import pytest

from imbalkit.engine.main_training import NOT_DECIDING, training_key
from imbalkit.engine.options import RunOptions
from imbalkit.engine.round_cache import Surroundings
from imbalkit.engine.run import run as run_recipe
from imbalkit.plan import Plan
from imbalkit.recipe.prepare import prepare
from imbalkit.recipe.recipe import ImageSettings, Recipe, TrainingSettings
from imbalkit.runs.data_record import content_of
from imbalkit.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("no_charts")


def key(*overrides, plan=None, **around):
    prepared = prepare("digits", overrides)
    content = content_of(prepared.table.arrays)
    facts = {"content": content, "shape": (8, 8, 1), "place": "cpu 1"} | around
    surroundings = Surroundings(prepared.recipe, prepared.catalogue, **facts)
    rows = prepared.split.validation
    validation = Plan.from_labels(prepared.table.labels[rows], prepared.classes, sources=rows)
    counts = prepared.table.counts(prepared.split.train)
    return training_key(surroundings, "final", plan or prepared.source_plan(), validation, counts)


@pytest.mark.parametrize(
    "override",
    [
        "description=another", "card.contact=someone", "stages=[retrain]", "decision.threshold=fixed", "decision.prior=data",
        "export=[onnx]", "launcher={name: local, jobs: 2}", "logging.tensorboard=true", "images.cache=elsewhere",
        "training.threads=1", "training.accelerator=cpu",
    ],
)  # fmt: skip
def test_what_comes_after_it_keeps_its_key(override):
    assert key(override) == key()


@pytest.mark.parametrize(
    "override",
    [
        "seed=1", "loss=inverse_ce", "order=balanced", "mixer=mixup", "deferred={loss: inverse_ce}", "head.dropout=0.5",
        "head.name=cosine", "backbone.width=5", "training.epochs=9", "training.monitor=last", "training.freeze_epochs=1",
        "training.early_stopping.patience=2", "training.ema=0.9", "training.optimizer.lr=0.5", "augment=[random_radial_blur]",
        "metrics=[balanced_accuracy]", "data.imbalance=20", "split={column: null, validation: 0.3}",
    ],
)  # fmt: skip
def test_what_decides_it_changes_its_key(override):
    assert key(override) != key()


def test_rows_pictures_and_place_change_its_key():
    prepared = prepare("digits")
    plan, content = prepared.source_plan(), content_of(prepared.table.arrays)
    other = content.copy()
    other[plan.source[0]] ^= np.uint64(1)
    keys = {key(), key(plan=plan.drop(np.array([0]))), key(content=other), key(place="cpu 2"), key(shape=(9, 9, 1))}
    assert len(keys) == 5


def test_every_key_that_is_left_out_is_one():
    assert set(NOT_DECIDING["recipe"]) <= set(Recipe.model_fields)
    assert set(NOT_DECIDING["images"]) <= set(ImageSettings.model_fields)
    assert set(NOT_DECIDING["training"]) <= set(TrainingSettings.model_fields)


RECIPE = {
    "data": {"name": "digits", "imbalance": 20},
    "split": {"column": "split"},
    "backbone": {"name": "small_cnn", "width": 4},
    "training": {"epochs": 2, "batch_size": 64, "threads": 1, "accelerator": "cpu"},
    "evaluation": {"resamples": 0},
}


def run(folder, rounds, **more):
    return run_recipe(RECIPE | more, options=RunOptions(folder=folder, rounds=rounds, resume=True))


def without_times(line):
    entry = json.loads(line)
    return {name: value for name, value in entry.items() if name not in ("seconds", "rows_per_second")}


def test_a_run_takes_it_from_another_and_gives_the_same(tmp_path, monkeypatch):
    trained, fit = [], Trainer.fit

    def counted(self, stage, *rest, **named):
        trained.append(stage)
        return fit(self, stage, *rest, **named)

    monkeypatch.setattr(Trainer, "fit", counted)
    alone = run(tmp_path / "alone", None, stages=["tau_normalisation"])
    first = run(tmp_path / "first", tmp_path / "rounds")
    assert trained == ["final", "final"]
    taken = run(tmp_path / "taken", tmp_path / "rounds", stages=["tau_normalisation"])
    again = run(tmp_path / "again", tmp_path / "rounds", decision={"prior": "data"})
    assert trained == ["final", "final"]
    logs = [
        [without_times(line) for line in (path / "log.jsonl").read_text().splitlines()]
        for path in (alone, taken, first)
    ]
    assert logs[0] == logs[1]
    assert logs[1][:2] == logs[2]
    for name in ("model.safetensors", "predictions.parquet"):
        assert (alone / name).read_bytes() == (taken / name).read_bytes()
    assert (first / "model.safetensors").read_bytes() == (again / "model.safetensors").read_bytes()
    assert [path.suffix for path in sorted((tmp_path / "rounds").iterdir())] == [".jsonl", ".lock", ".pt"]
