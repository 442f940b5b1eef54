"""Runs in MLflow, read back from a real server with a SQLite store."""

import json
import time
from pathlib import Path

import pytest

from imbalkit.errors import RunError
from tests.command_line import imbalkit, imbalkit_process
from tests.tracking.tracked_runs import QUICK, kill, mlflow_server, need

pytestmark = pytest.mark.slow
ON = ("--set", "logging.mlflow=true")


@pytest.fixture
def store(server, monkeypatch, request):
    """The server's client; runs of this test are in an experiment of its own."""
    need("mlflow")
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", request.node.name)
    return MlflowClient(server)


@pytest.fixture(scope="module", autouse=True)
def _installed():
    need("mlflow")


def runs_of(store, name):
    """Runs of an experiment, the first begun first."""
    experiment = store.get_experiment_by_name(name)
    return [] if experiment is None else store.search_runs([experiment.experiment_id], order_by=["start_time"])


def epochs_of(store, run, metric="final/loss"):
    return [point.step for point in store.get_metric_history(run.info.run_id, metric)]


def paths(store, run, folder=None):
    return sorted(file.path for file in store.list_artifacts(run.info.run_id, folder))


def test_a_run_has_parameters_epochs_results_report_and_model(tracked, store, tmp_path, request):
    tracked(*ON)
    (run,) = runs_of(store, request.node.name)
    assert (run.info.run_name, run.info.status) == ("run", "FINISHED")
    assert run.data.params["training.optimizer.lr"] == "0.003"
    assert run.data.params["samplers.0.name"] == "random_over"
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    history = store.get_metric_history(run.info.run_id, "final/validation/recall/9")
    assert [(point.step, point.value) for point in history] == [
        (entry["epoch"], entry["validation"]["recall"]["9"]) for entry in log
    ]
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert run.data.metrics["test/balanced_accuracy"] == metrics["test"]["balanced_accuracy"]
    assert run.data.metrics["intervals/test/recall/9/low"] == metrics["intervals"]["test"]["recall"]["9"]["low"]
    rows = store.get_metric_history(run.info.run_id, "rows/9")
    assert [point.value for point in sorted(rows, key=lambda point: point.step)] == [2, 104]
    assert paths(store, run) == ["metrics.json", "model", "recipe.yaml", "report.html"]
    assert paths(store, run, "model") == ["model/model.safetensors"]
    copy = store.download_artifacts(run.info.run_id, "model/model.safetensors", str(tmp_path))
    assert Path(copy).read_bytes() == (tmp_path / "run" / "model.safetensors").read_bytes()
    assert run.data.tags["imbalkit.folder"] == str(tmp_path / "run")


def test_a_run_that_does_not_ask_for_it_is_not_tracked(tracked, store, tmp_path, request):
    tracked()
    assert runs_of(store, request.node.name) == []
    assert not (tmp_path / "run" / "tracking.json").exists()
    assert "mlflow" not in (tmp_path / "run" / "recipe.yaml").read_text()  # the text and hash of before


def test_a_run_that_is_stopped_and_fails_goes_on_as_one(tracked, store, tmp_path, request, monkeypatch):
    def status():
        (run,) = runs_of(store, request.node.name)
        return run

    def stops(*arguments):
        raise KeyboardInterrupt

    def fails(*arguments):
        raise RunError("there is no room")

    with monkeypatch.context() as patch:
        patch.setattr("imbalkit.engine.outputs.write_run", stops)
        assert tracked(*ON, check=False).returncode == 130
        assert status().info.status == "KILLED"
        patch.setattr("imbalkit.engine.outputs.write_run", fails)
        assert tracked(*ON, "--resume", check=False).returncode == 1
    assert status().info.status == "FAILED"
    assert status().data.tags["imbalkit.error"] == "RunError: there is no room"
    assert epochs_of(store, status()) == [1, 2, 3]
    tracked(*ON, "--resume")
    run = status()
    assert run.info.status == "FINISHED"
    assert epochs_of(store, run) == [1, 2, 3]  # none twice


def test_epochs_that_an_outage_lost_are_sent_when_the_run_goes_on(tracked, store, tmp_path, request, monkeypatch):
    def away(*arguments):
        raise ConnectionError("the server is away")

    def stops(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("imbalkit_tracking.mlflow_runs.MLflow.epoch", away)
        patch.setattr("imbalkit.engine.outputs.write_run", stops)
        tracked(*ON, check=False)
    (run,) = runs_of(store, request.node.name)
    assert "final/loss" not in run.data.metrics
    tracked(*ON, "--resume")
    (run,) = runs_of(store, request.node.name)
    assert epochs_of(store, run) == [1, 2, 3]


def test_a_run_that_the_store_has_lost_is_a_new_one(tracked, store, request, monkeypatch):
    def stops(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("imbalkit.engine.outputs.write_run", stops)
        tracked(*ON, check=False)
    (first,) = runs_of(store, request.node.name)
    store.delete_run(first.info.run_id)
    tracked(*ON, "--resume")
    (second,) = runs_of(store, request.node.name)
    assert second.info.run_id != first.info.run_id
    assert epochs_of(store, second) == [1, 2, 3]


def test_names_that_mlflow_refuses_are_replaced(tmp_path, store, request, no_charts, monkeypatch):
    import numpy as np

    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    labels = np.repeat(["grade [1]", "grade (1)", ".."], 40)
    pixels = (
        random.integers(0, 90, (120, 8, 8, 1)) + 60 * np.unique(labels, return_inverse=True)[1][:, None, None, None]
    )
    np.savez(tmp_path / "images.npz", images=pixels.astype(np.uint8), labels=labels)
    recipe = "data: {name: arrays, file: images.npz}\nbackbone: {name: small_cnn, width: 4}\nlogging: {mlflow: true}\n"
    (tmp_path / "odd.yaml").write_text(recipe)
    imbalkit("run", "odd.yaml", *QUICK, "--folder", "run", cwd=tmp_path)
    (run,) = runs_of(store, request.node.name)
    found = {name: value for name, value in run.data.metrics.items() if name.startswith("test/recall/")}
    recall = json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]["recall"]
    assert sorted(found) == ["test/recall/_2", "test/recall/grade _1_", "test/recall/grade _1__2"]
    assert sorted(found.values()) == sorted(recall.values())
    assert "observers_off" not in json.loads((tmp_path / "run" / "run.json").read_text())


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://no-such-host.invalid"])
def test_a_server_that_is_not_reached_is_one_warning_and_little_time(tracked, tmp_path, monkeypatch, address):
    need("mlflow")
    tracked()
    began = time.monotonic()
    tracked("--folder", "plain")
    plain = time.monotonic() - began
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    began = time.monotonic()
    done = tracked("--folder", "tracked", *ON)
    assert time.monotonic() - began < plain + 30
    assert done.stderr.count("warning: run_started of plugin 'mlflow'") == 1
    facts = json.loads((tmp_path / "tracked" / "run.json").read_text())
    assert list(facts["observers_off"]) == ["mlflow"]
    same = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("plain", "tracked")]
    assert same[0] == same[1]


def test_a_server_that_dies_loses_no_training(tracked, tmp_path, monkeypatch):
    from imbalkit_tracking.mlflow_runs import MLflow

    with mlflow_server(tmp_path / "server") as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
        send = MLflow.epoch

        def sent(self, stage, epoch, entry):
            if epoch == 2:
                kill(server.process)
            send(self, stage, epoch, entry)

        monkeypatch.setattr(MLflow, "epoch", sent)
        done = tracked(*ON)
    assert done.stderr.count("warning: epoch_finished of plugin 'mlflow'") == 1
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]


def test_the_cells_of_a_sweep_are_children_of_its_run(tmp_path, store, request):
    grid = (
        "base: digits\nset: {training.epochs: 1, logging.mlflow: true, metrics: [balanced_accuracy]}\nseeds: [0, 1]\n"
    )
    (tmp_path / "grid.yaml").write_text(f"{grid}tables: {{overview: {{metrics: [balanced_accuracy]}}}}\n")
    imbalkit_process("sweep", "grid.yaml", "--jobs", 2, cwd=tmp_path)
    runs = {run.info.run_name: run for run in runs_of(store, request.node.name)}
    assert sorted(runs) == ["grid", "seed-0", "seed-1"]
    parent = runs.pop("grid")
    assert {run.data.tags["mlflow.parentRunId"] for run in runs.values()} == {parent.info.run_id}
    assert {run.info.status for run in [parent, *runs.values()]} == {"FINISHED"}
    assert "tables" in paths(store, parent)
    imbalkit_process("sweep", "grid.yaml", "--resume", cwd=tmp_path)
    assert len(runs_of(store, request.node.name)) == 3


def test_folds_are_children_of_their_cross_validation(tmp_path, store, request, photographs):
    recipe = (
        f"data: {{name: image_folder, root: {photographs}}}\nsplit: {{folds: 2}}\nlogging: {{mlflow: true}}\n"
        "images: {size: 8, cache: cache}\nbackbone: {name: small_cnn, width: 4}\n"
    )
    (tmp_path / "folds.yaml").write_text(recipe)
    imbalkit_process("run", "folds.yaml", *QUICK, "--folder", "run", cwd=tmp_path)
    runs = {run.info.run_name: run for run in runs_of(store, request.node.name)}
    assert sorted(runs) == ["fold-0", "fold-1", "run"]
    parent = runs.pop("run")
    assert {run.data.tags["mlflow.parentRunId"] for run in runs.values()} == {parent.info.run_id}
    values = [run.data.metrics["test/balanced_accuracy"] for _, run in sorted(runs.items())]
    assert parent.data.metrics["test/balanced_accuracy/mean"] == pytest.approx(sum(values) / 2)
    assert parent.data.tags["imbalkit.kind"] == "cross-validation"
