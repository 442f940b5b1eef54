"""Runs in Weights & Biases, kept offline and read back from W&B's own files."""

import json
import time

import pytest

from tests.command_line import imbalkit_process
from tests.tracking.tracked_runs import QUICK, need
from tests.tracking.wandb_files import history, records, summary

pytestmark = pytest.mark.slow
ON = ("--set", "logging.wandb=true")


@pytest.fixture(autouse=True)
def _offline(monkeypatch):
    need("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    for name in ("WANDB_DIR", "WANDB_PROJECT", "WANDB_RUN_GROUP", "WANDB_NAME"):
        monkeypatch.delenv(name, raising=False)


def files(folder):
    return sorted(folder.glob("wandb/offline-run-*/*.wandb"))


def started(found):
    (record,) = [record.run for record in found if record.WhichOneof("record_type") == "run"][:1]
    return record


def ended(found):
    return [record.exit.exit_code for record in found if record.WhichOneof("record_type") == "exit"]


def saved(found):
    kinds = [record for record in found if record.WhichOneof("record_type") == "files"]
    return {file.path for record in kinds for file in record.files.files}


def test_a_run_has_its_recipe_epochs_results_report_and_model(tracked, tmp_path):
    tracked(*ON)
    (file,) = files(tmp_path / "run")
    found = records(file)
    run = started(found)
    assert (run.display_name, run.project, run.job_type) == ("run", "imbalkit", "run")
    assert run.run_id == json.loads((tmp_path / "run" / "tracking.json").read_text())["wandb"]["run"]
    config = {item.key: json.loads(item.value_json) for item in run.config.update}
    assert config["training"]["optimizer"]["lr"] == 0.003
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    steps = [step for step in history(found) if "final/loss" in step]
    assert [(step["final/epoch"], step["final/loss"]) for step in steps] == [(e["epoch"], e["loss"]) for e in log]
    assert [step["rows/9"] for step in history(found) if "rows/9" in step] == [2, 104]
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert summary(found)["test/balanced_accuracy"] == metrics["test"]["balanced_accuracy"]
    assert {"recipe.yaml", "report.html", "metrics.json"} <= saved(found)
    artifacts = [record.request.log_artifact for record in found if record.WhichOneof("record_type") == "artifact"]
    artifacts = artifacts or [record for record in found if record.WhichOneof("record_type") == "artifact"]
    assert artifacts
    assert ended(found) == [0]


def test_a_run_that_is_stopped_goes_on_under_its_id_and_sends_no_epoch_twice(tracked, tmp_path, monkeypatch):
    def stops(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("imbalkit.engine.outputs.write_run", stops)
        assert tracked(*ON, check=False).returncode == 130
    tracked(*ON, "--resume")
    first, second = (records(file) for file in files(tmp_path / "run"))
    assert started(first).run_id == started(second).run_id
    assert (ended(first), ended(second)) == ([130], [0])
    epochs = [[step["final/epoch"] for step in history(part) if "final/epoch" in step] for part in (first, second)]
    assert epochs == [[1, 2, 3], []]


def test_the_cells_of_a_sweep_are_a_group_and_stay_when_their_folders_go(tmp_path):
    grid = "base: digits\nset: {training.epochs: 1, logging.wandb: true, metrics: [balanced_accuracy]}\nseeds: [0, 1]\n"
    (tmp_path / "grid.yaml").write_text(
        f"{grid}keep: results\ntables: {{overview: {{metrics: [balanced_accuracy]}}}}\n"
    )
    imbalkit_process("sweep", "grid.yaml", cwd=tmp_path)
    found = [started(records(file)) for file in files(tmp_path / "sweeps" / "grid")]
    assert sorted((run.display_name, run.job_type) for run in found) == [
        ("grid", "sweep"),
        ("seed-0", "run"),
        ("seed-1", "run"),
    ]
    (group,) = {run.run_group for run in found}
    assert group.startswith("grid-")


@pytest.mark.parametrize("key", ["", "a" * 40])
def test_a_server_that_is_not_reached_is_one_warning_and_little_time(tmp_path, monkeypatch, key):
    monkeypatch.setenv("HOME", str(tmp_path))  # no key of the user's
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WANDB_API_KEY", key)
    began = time.monotonic()
    done = imbalkit_process(
        "run", "digits", *QUICK, "--folder", "run", *ON, cwd=tmp_path
    )  # W&B reads its variables once
    assert time.monotonic() - began < 90
    assert done.stderr.count("warning: run_started of plugin 'wandb'") == 1
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert list(facts["observers_off"]) == ["wandb"]
    assert (tmp_path / "run" / "metrics.json").exists()
