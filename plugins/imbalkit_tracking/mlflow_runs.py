"""Runs of MLflow, through its client alone: no global state, and each request is bounded."""

from __future__ import annotations

import getpass
import logging
import os
import time
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from imbalkit_tracking.observer import End, Opening
from imbalkit_tracking.values import (
    allowed_names,
    class_rows,
    document_files,
    epoch_numbers,
    final_numbers,
    model_files,
    parameters,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

EXPERIMENT = "imbalkit"
STATUS = {"finished": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}
LONGEST_VALUE = 6000  # characters of a parameter
# MLflow's own defaults wait for minutes on a server that does not answer. What the environment says goes first.
DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",  # seconds
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}


class MLflow:
    """A run of MLflow; that of a sweep or a cross-validation is the parent of its cells' or folds'."""

    def __init__(self, opening: Opening):
        self.opening, self.client = opening, _client()
        found = self._found()
        run = found or self._created()
        if found is not None:
            self.client.update_run(run.info.run_id, status="RUNNING")
        self.kept: dict[str, Any] = {"run": run.info.run_id, "experiment": run.info.experiment_id}
        self.id: str = run.info.run_id
        self._send_parameters(run)

    def epoch(self, stage: str, epoch: int, entry: Mapping[str, Any]) -> None:
        """As metrics of step `epoch`."""
        self._send(epoch_numbers(stage, entry), epoch)

    def results(self, metrics: Mapping[str, Any]) -> None:
        """Metrics, the class counts by stage, and files as artifacts."""
        self._send(final_numbers(metrics), 0)
        for step, rows in enumerate(class_rows(self.opening.folder, metrics)):
            self._send(rows, step)
        for path in document_files(self.opening.folder):
            self.client.log_artifact(self.id, str(path), "tables" if path.parent.name == "tables" else None)
        for path in model_files(self.opening.folder, metrics):
            self.client.log_artifact(self.id, str(path), "model")

    def end(self, how: End, error: str = "") -> None:
        """With the error as a tag."""
        if error:
            self.client.set_tag(self.id, "imbalkit.error", error[:LONGEST_VALUE])
        self.client.set_terminated(self.id, STATUS[how])

    def _found(self) -> Run | None:
        """The run of before; None where there was none, or the store has it no more."""
        from mlflow.exceptions import MlflowException

        if "run" not in self.opening.kept:
            return None
        try:
            run = self.client.get_run(self.opening.kept["run"])
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        return run if run.info.lifecycle_stage == "active" else None

    def _created(self) -> Run:
        folder, parent = self.opening.folder, self.opening.parent
        tags = {
            "mlflow.source.name": "imbalkit",
            "mlflow.user": getpass.getuser(),
            "imbalkit.folder": str(folder.absolute()),
            "imbalkit.kind": self.opening.kind,
            **({"mlflow.note.content": text} if (text := self.opening.recipe["description"]) else {}),
            **({"mlflow.parentRunId": parent["run"]} if parent else {}),
        }
        experiment = parent["experiment"] if parent else _experiment(self.client)
        return self.client.create_run(experiment, run_name=folder.name, tags=tags)

    def _send_parameters(self, run: Run) -> None:
        """Those that the run has not: what it has cannot change."""
        from mlflow.entities import Param

        known = run.data.params
        found = parameters(self.opening.recipe)
        names = allowed_names(found)
        new = [Param(names[key], value[:LONGEST_VALUE]) for key, value in found.items() if names[key] not in known]
        while new:
            self.client.log_batch(self.id, params=new[:100])
            new = new[100:]

    def _send(self, figures: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now, names = int(time.time() * 1000), allowed_names(figures)
        metrics = (Metric(names[key], float(value), now, step) for key, value in figures.items())
        while batch := list(islice(metrics, 1000)):
            self.client.log_batch(self.id, metrics=batch)


def _client() -> MlflowClient:
    """The client of MLFLOW_TRACKING_URI, or of MLflow's default, a SQLite file in the working directory."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    logging.getLogger("alembic").setLevel(logging.WARNING)  # tells each table that it makes
    return MlflowClient()


def _experiment(client: MlflowClient) -> str:
    """The id of the experiment that the environment names, made where there is none."""
    from mlflow.exceptions import MlflowException

    if os.environ.get("MLFLOW_EXPERIMENT_ID"):
        return os.environ["MLFLOW_EXPERIMENT_ID"]
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
    found = client.get_experiment_by_name(name)
    if found is not None:
        return found.experiment_id
    try:
        return client.create_experiment(name)
    except MlflowException:  # another run was first
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return found.experiment_id
