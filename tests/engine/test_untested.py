"""`evaluation.test: false`, `logging.decision`, and the file that stops a run: what a search needs of a run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from imbalkit.engine.options import RunOptions
from imbalkit.engine.run import run
from imbalkit.errors import RecipeError, StoppedError
from imbalkit.recipe.prepare import prepare
from imbalkit.runs import folder as run_folder
from imbalkit.runs.results import RunData
from tests.command_line import imbalkit

SHORT = [
    "positive='9'",
    "backbone.width=8",
    "training.threads=1",
    "training.accelerator=cpu",
    "training.monitor=last",
    "training.epochs=3",
    "decision={calibrator: temperature, threshold: {name: target_recall, recall: 0.9}}",
]


@pytest.fixture(scope="module")
def untested(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("untested") / "run"
    return run("digits", [*SHORT, "evaluation.test=false", "logging.decision=true"], RunOptions(folder=folder))


def test_the_test_rows_are_neither_predicted_nor_reported(untested):
    found = RunData(untested)
    assert set(found.predictions["split"]) == {"validation"}
    assert found.metrics["test"]["n"] == 0
    assert found.metrics["test"]["accuracy"] is None
    assert not found.is_tested
    assert not (untested / run_folder.REPORT).exists()
    assert found.metrics["validation"]["n"] == 200


def test_it_trains_and_decides_as_with_the_test_rows(untested, tmp_path, no_charts):
    tested = RunData(run("digits", SHORT, RunOptions(folder=tmp_path / "run")))
    assert tested.is_tested
    assert tested.metrics["test"]["n"] > 0
    for key in ("validation", "decision", "class_counts"):
        assert tested.metrics[key] == RunData(untested).metrics[key]
    weights = [(folder / run_folder.WEIGHTS).read_bytes() for folder in (tested.folder, untested)]
    assert weights[0] == weights[1]


def test_a_split_without_test_rows(tmp_path):
    none = ["split.column=null"]
    with pytest.raises(RecipeError, match=r"split\.test: expected a share above 0.*evaluation\.test: false"):
        prepare("digits", [*none, "split.test=0"])
    found = RunData(
        run("digits", [*SHORT, *none, "split.test=0", "evaluation.test=false"], RunOptions(folder=tmp_path / "run"))
    )
    trained = sum(found.metrics["class_counts"][0]["counts"])
    assert trained == pytest.approx(4 * len(found.predictions), abs=4)
    assert set(found.predictions["split"]) == {"validation"}
    assert found.metrics["decision"]["threshold"] is not None


def test_what_is_not_set_is_not_written():
    text = prepare("digits").recipe.to_yaml()
    assert "resamples" in text
    assert "test: true" not in text
    assert "decision: false" not in text
    assert "test: false" in prepare("digits", ["evaluation.test=false"]).recipe.to_yaml()


def test_the_log_has_the_metrics_at_the_decision(untested):
    last = RunData(untested).log[-1]["validation"]["decided"]
    final = RunData(untested).metrics["validation"]
    assert last["false_alarm_rate"] == final["false_alarm_rate"] != RunData(untested).log[-1]["validation"]
    assert last["miss_rate"] <= 0.1
    assert "confusion_matrix" not in last


def test_the_command_shows_validation_and_says_so(untested, tmp_path):
    said = imbalkit("run", untested / "recipe.yaml", "--folder", untested, "--resume", cwd=tmp_path)
    assert "the test rows were left untouched (evaluation.test: false)" in said.stdout
    assert "validation: metrics" in said.stdout
    assert "test: metrics" not in said.stdout


def test_a_comparison_says_what_is_missing(untested, tmp_path):
    other = shutil.copytree(untested, tmp_path / "other")
    said = imbalkit("compare", untested, other, cwd=tmp_path, check=False)
    assert said.returncode == 1
    assert "left its test rows untouched" in said.stderr


def test_folds_need_their_test_rows():
    with pytest.raises(RecipeError, match="evaluation.test: is false, and folds are judged on their test rows"):
        prepare("digits", ["split={folds: 3, column: null}", "evaluation.test=false"])


def test_a_file_stops_a_run_and_resume_goes_on(tmp_path, monkeypatch, no_charts):
    whole = RunData(run("digits", SHORT, RunOptions(folder=tmp_path / "whole")))
    folder = tmp_path / "stopped"
    append = run_folder.append_log

    def after_the_first_epoch(where, entry):
        append(where, entry)
        if entry["epoch"] == 1:
            (where / run_folder.STOP).touch()

    monkeypatch.setattr(run_folder, "append_log", after_the_first_epoch)
    with pytest.raises(StoppedError, match="stopped after epoch 1 of final, as the file .*stop asks; --resume goes on"):
        run("digits", SHORT, RunOptions(folder=folder))
    monkeypatch.undo()
    assert len(run_folder.read_log(folder)) == 1
    assert not run_folder.is_finished(folder)
    resumed = RunData(run("digits", SHORT, RunOptions(folder=folder, resume=True)))
    assert resumed.metrics["test"] == whole.metrics["test"]
    assert not (folder / run_folder.STOP).exists()


def test_a_stop_after_the_last_epoch_comes_too_late(tmp_path, monkeypatch, no_charts):
    append = run_folder.append_log

    def after_the_last_epoch(where, entry):
        append(where, entry)
        if entry["epoch"] == 3:
            (where / run_folder.STOP).touch()

    monkeypatch.setattr(run_folder, "append_log", after_the_last_epoch)
    assert run_folder.is_finished(run("digits", SHORT, RunOptions(folder=tmp_path / "run")))
