"""Finished runs without training: labels and logits that a test makes up, written by the code that writes every run."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from imbalkit.base.files import write_parquet
from imbalkit.catalogue import default_catalogue
from imbalkit.data.split import Split
from imbalkit.data.table import Table
from imbalkit.decision.decision import Decision
from imbalkit.engine.outputs import finish_run, predictions_table
from imbalkit.engine.run_folder import open_folder
from imbalkit.engine.run_metrics import HeldOut, RunMetrics, evaluate_run
from imbalkit.plan import Plan
from imbalkit.plan.audit import audit
from imbalkit.recipe.document import Document
from imbalkit.recipe.prepared import Prepared
from imbalkit.recipe.validation import validate
from imbalkit.runs import folder as run_folder

RECIPE: dict[str, Any] = {
    "data": {"name": "table", "file": "labels.csv"},
    "images": {"size": 32, "interpolation": "bilinear"},
    "backbone": {"name": "small_cnn"},
    "training": {"epochs": 2, "batch_size": 8},
    "evaluation": {"resamples": 0},
}


def write_finished_run(
    folder: Path,
    labels: Sequence[int] | np.ndarray,
    logits: np.ndarray,
    classes: Sequence[str],
    decision: Decision,
    *,
    columns: Mapping[str, Sequence[Any]] | None = None,
    sources: Sequence[int] | np.ndarray | None = None,
    validation: int = 0,
    train_counts: Sequence[int] | None = None,
    stages: Mapping[str, Sequence[int]] | None = None,
    recipe: Mapping[str, Any] | None = None,
    finished: bool = True,
    name: str | None = None,
    **metrics: Any,
) -> Path:
    """Write the folder of a run that was tested on these rows: what `imbalkit run` leaves, but for network and report.

    Args:
        folder: the run folder, not there yet
        labels: codes of the test rows, int [n]
        logits: of the test rows, float [n, C]
        classes: class names
        decision: what was fitted on validation; it says which class is positive
        columns: of the table, for the test rows: path, group, metadata
        sources: where the test rows stand in the table (default: at its beginning)
        validation: so many of the test rows, the first ones, stand in the table once more, as validation rows
        train_counts: training rows of each class (default: as many as test rows)
        stages: class counts after each sampler
        recipe: sections of the recipe in place of those of RECIPE
        finished: whether there is a metrics.json
        name: of the run (default: the folder's)
        metrics: entries of metrics.json in place of those of the rows
    """
    labels, logits = np.asarray(labels, dtype=np.int64), np.asarray(logits)
    validation = min(validation, len(labels))
    test = np.arange(len(labels)) if sources is None else np.asarray(sources, dtype=np.int64)
    counts = np.bincount(labels, minlength=len(classes)) if train_counts is None else train_counts
    table, split = _data(labels, tuple(classes), columns or {}, test, validation, counts)
    data = {
        **RECIPE,
        "positive": None if decision.positive is None else classes[decision.positive],
        "decision": {"threshold": decision.rule or "fixed"},
        **(recipe or {}),
    }
    prepared = _prepared(data, name or folder.name, table, split)
    open_folder(prepared, folder.parent, folder, resume=False)
    _log_epochs(folder, classes)
    plan = _plan(table, split.train)
    write_parquet(folder / run_folder.PLAN, audit(plan, [], table.frame.get("path")))
    held_out = {
        "validation": HeldOut.of(_plan(table, split.validation), table.groups, logits[:validation]),
        "test": HeldOut.of(_plan(table, split.test), table.groups, logits),
    }
    predictions = predictions_table(table.frame, table.classes, held_out, decision)
    write_parquet(folder / run_folder.PREDICTIONS, predictions)
    run_folder.note_finished(folder, image_shape=[32, 32, 3])
    if finished:
        run, settings = RunMetrics.of(prepared), prepared.recipe.evaluation
        by_stage = {"train": plan.counts(), **(stages or {})}
        facts = {
            **evaluate_run(run, decision, held_out, settings, table.frame, seed=0),
            "decision": decision.to_json(),
            "class_counts": [{"stage": stage, "counts": list(counts)} for stage, counts in by_stage.items()],
            "bad_images": [],
            "notes": list(decision.notes),
        }
        finish_run(folder, {**facts, **metrics})
    return folder


def _data(
    labels: np.ndarray,
    classes: tuple[str, ...],
    columns: Mapping[str, Sequence[Any]],
    test: np.ndarray,
    validation: int,
    train_counts: Sequence[int] | np.ndarray,
) -> tuple[Table, Split]:
    """The test rows at their places, then validation rows, then training rows; other columns of these say nothing."""
    first = int(test.max(initial=-1)) + 1
    again, train = first + np.arange(validation), first + validation + np.arange(sum(train_counts))
    codes = np.zeros(first + validation + len(train), dtype=np.int64)
    codes[test], codes[again], codes[train] = labels, labels[:validation], np.repeat(range(len(classes)), train_counts)
    frame = pd.DataFrame({"label": np.array(classes, dtype=object)[codes]})
    for column, values in columns.items():
        entries = np.array(
            [f"other/{row}.png" if column == "path" else None for row in range(len(frame))], dtype=object
        )
        entries[test], entries[again] = values, values[:validation]
        frame[column] = entries
    table, rows = Table(frame, classes), {"train": train, "validation": again, "test": test}
    return table, Split(**rows, counts={split: table.counts(samples) for split, samples in rows.items()})


def _prepared(data: dict[str, Any], name: str, table: Table, split: Split) -> Prepared:
    catalogue = default_catalogue()
    return Prepared(name, validate(Document(data, name=name), catalogue), catalogue, table, split, class_counts=())


def _plan(table: Table, samples: np.ndarray) -> Plan:
    return Plan.from_labels(table.labels[samples], table.classes, sources=samples)


def _log_epochs(folder: Path, classes: Sequence[str]) -> None:
    """Two epochs of a round, and two of the final training."""
    for stage, epoch in itertools.product(("loss_rank-0-round-1", "final"), (1, 2)):
        entry = {"stage": stage, "epoch": epoch, "loss": 1 / epoch, "seconds": 3.0}
        entry["train_recall"] = dict.fromkeys(classes, 0.5 + epoch / 10)
        entry["validation"] = {"recall": dict.fromkeys(classes, 0.5)}
        run_folder.append_log(folder, entry)
