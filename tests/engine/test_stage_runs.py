"""Whole runs with stages: the run folder, restoring the network, going on after a stop, folds, two processes."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from imbalkit.engine.options import RunOptions
from imbalkit.engine.run import run
from imbalkit.runs.restore import restore
from imbalkit.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("no_charts")

RECIPE = {
    "data": {"name": "digits", "imbalance": 20},
    "split": {"column": None, "validation": 0.2, "test": 0.2},
    "samplers": ["random_over"],
    "backbone": {"name": "small_cnn", "width": 4},
    "training": {"epochs": 2, "batch_size": 128, "threads": 1, "accelerator": "cpu", "ema": 0.9},
    "decision": {"calibrator": "temperature", "prior": "data"},
    "evaluation": {"resamples": 0},
}
STAGES = [
    {"name": "retrain", "epochs": 3},
    {"name": "learnable_weight_scaling", "epochs": 2},
    "tau_normalisation",
    {"name": "retrain", "body": "trained", "head": "kept", "epochs": 1},
    {"name": "nearest_class_mean", "distance": "cosine"},
]


def run_in(folder, stages=STAGES, **more):
    return run(RECIPE | {"stages": stages} | more, options=RunOptions(folder=folder, resume=True))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return run_in(tmp_path_factory.mktemp("stages") / "run")


def logits_of(folder):
    table = pd.read_parquet(folder / "predictions.parquet")
    return table, table.filter(regex="^logit_").to_numpy()


def test_the_log_has_every_stage(finished):
    log = [json.loads(line) for line in (finished / "log.jsonl").read_text().splitlines()]
    found = list(dict.fromkeys(entry["stage"] for entry in log))
    assert found == [
        "final", "stage-retrain-1", "stage-learnable_weight_scaling-1", "stage-tau_normalisation-1", "stage-retrain-2",
        "stage-nearest_class_mean-1",
    ]  # fmt: skip
    assert all("balanced_accuracy" in entry["validation"] for entry in log)


def test_the_report_names_them(finished):
    page = (finished / "report.html").read_text()
    assert "Then the stage retrain " in page
    assert "Found from features, without epochs: stage tau normalisation (tau " in page


def test_the_network_is_restored_with_the_last_head(finished):
    restored = restore(finished)
    table, logits = logits_of(finished)
    assert restored.model.head.scale == 30.0
    np.testing.assert_allclose(restored.logits(restored.images(), table["source"]), logits, rtol=1e-4, atol=1e-4)


def test_probabilities_are_fitted_where_a_rule_is_no_factor(finished):
    metrics = json.loads((finished / "metrics.json").read_text())
    assert metrics["prior"]["entries"][-1]["stage"] == "stages[4] nearest_class_mean"
    assert not metrics["prior"]["exact"]


class Stop(Exception):
    pass


@pytest.mark.parametrize(
    "at", ["stage-retrain-1.pt", "final-features.pt", "stage-retrain-2.pt", "stage-retrain-2-features.pt"]
)
def test_a_run_that_was_stopped_goes_on_to_the_same_files(finished, tmp_path, monkeypatch, at):
    from imbalkit.engine import stages
    from imbalkit.training import trainer

    for module in (stages, trainer):
        save = module.save_checkpoint

        def stopping(path, state, save=save):
            save(path, state)
            if path.name == at:
                raise Stop

        monkeypatch.setattr(module, "save_checkpoint", stopping)
    with pytest.raises(Stop):
        run_in(tmp_path / "run")
    monkeypatch.undo()
    again = run_in(tmp_path / "run")
    for name in ("model.safetensors", "predictions.parquet"):
        assert (again / name).read_bytes() == (finished / name).read_bytes()


def test_a_run_without_stages_computes_no_features(tmp_path, monkeypatch):
    monkeypatch.setattr(Trainer, "features", None)
    run_in(tmp_path / "run", [])


@pytest.mark.slow
def test_every_fold_has_its_stages(tmp_path):
    split = {"column": None, "folds": 2, "validation": 0.2}
    folder = run_in(tmp_path / "run", ["retrain", "tau_normalisation"], split=split)
    for fold in range(2):
        assert "stage-tau_normalisation-1" in (folder / f"fold-{fold}" / "log.jsonl").read_text()


@pytest.mark.slow
def test_two_processes_give_what_one_gives(tmp_path):
    training = RECIPE["training"] | {"devices": 2, "ema": None, "monitor": "last"}
    stages = [{"name": "retrain", "epochs": 3}, "tau_normalisation"]
    found = []
    for devices in (1, 2):
        folder = run_in(
            tmp_path / str(devices), stages, training=training | {"devices": devices}, head={"dropout": 0.0}
        )
        found.append(logits_of(folder)[1])
    # Batch norm of the main training sees a device's own rows, so that the networks differ a little.
    assert (found[0].argmax(axis=1) == found[1].argmax(axis=1)).mean() > 0.9
