"""Finished runs side by side: metrics with intervals, and paired tests against one of them on the same test rows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from imbalkit.base.arguments import words
from imbalkit.catalogue import default_catalogue
from imbalkit.errors import RunError, listing, nearest
from imbalkit.evaluation.intervals import few_units
from imbalkit.evaluation.paired import metric_rows, paired_tests
from imbalkit.evaluation.settings import EvaluationSettings
from imbalkit.kinds import Metric
from imbalkit.plots import style
from imbalkit.runs.results import RunData
from imbalkit.studies.comparison import scatter
from imbalkit.studies.comparison.data import align, data_notes
from imbalkit.studies.comparison.files import write
from imbalkit.studies.comparison.result import ComparisonResult
from imbalkit.studies.comparison.rows import At, check_same_rows, groups_of, load_runs, predictions_of
from imbalkit.studies.comparison.text import to_html

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WITH_POSITIVE = ("miss_rate", "false_alarm_rate", "balanced_accuracy", "roc_auc", "pr_auc", "log_loss")
WITHOUT = ("recall", "balanced_accuracy", "macro_f1", "roc_auc", "log_loss")
MOST_CLASSES = 12  # whose recalls are shown one by one
LEAST_RESAMPLES = 100


class Comparison(ComparisonResult):
    """What `compare` found, to be drawn, written and shown in a notebook."""

    def figure(self) -> Figure:
        """Miss rate against false alarm rate with intervals, as a matplotlib figure. Raises RunError without these metrics."""
        return style.shown(scatter.draw(self, scatter.data(self)))

    def write(self, folder: str | os.PathLike[str]) -> list[Path]:
        """comparison.md, metrics.csv, tests.csv and, with a positive class, rates.png, .svg and .csv; returns their paths.

        Raises RunError for a folder that cannot be written.
        """
        return write(self, Path(folder))

    def _repr_html_(self) -> str:
        return to_html(self)


def compare(
    runs: Sequence[str | os.PathLike[str]],
    reference: str | os.PathLike[str] | None = None,
    at: At = "chosen",
    metrics: Sequence[str] | None = None,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Compare finished runs that were tested on the same rows.

    Whole groups (patients) are resampled where a group has several test rows. Every metric gets a paired bootstrap: both
    runs are resampled alike. Shares of rows (recall, miss rate, false alarm rate, accuracy) get McNemar's exact test, and the
    ROC area of a positive class DeLong's test, where rows are independent; with groups, shares get the exact permutation
    test that swaps the runs in whole groups.

    Args:
        runs: run folders
        reference: what the others are compared with (default: the first)
        at: decisions at the threshold "chosen" on validation, or uncalibrated at one "half"
        metrics: names of metrics (default: the six most telling)
        resamples: of the bootstrap, 100 at least
        level: of the intervals
        seed: of the resamples

    Raises:
        RunError: fewer than two runs, a run that is not finished or has other classes, test rows that differ (the first
            difference is named), a metric that is not there
    """
    runs = words(runs, "runs", "runs/seed-0")
    metrics = None if metrics is None else words(metrics, "metrics", "roc_auc")
    if resamples < LEAST_RESAMPLES:
        raise RunError(f"expected {LEAST_RESAMPLES} resamples or more, got {resamples}")
    loaded, found_again = align(load_runs(runs, reference))
    first = next(iter(loaded.values()))
    check_same_rows(loaded)
    found_again += data_notes(loaded)
    predictions = {name: predictions_of(run, at) for name, run in loaded.items()}
    groups, notes = groups_of(loaded)
    notes += found_again
    for name, run in loaded.items():
        if abstained := int(run.split_rows().abstained.sum()):
            notes.append(f"{name} abstains on {abstained:,} rows; here its forced decisions on them count.")
        if at == "half" and "ensemble" in run.metrics:
            notes.append(
                f"{name} is an ensemble: one half is of the mean of its members' calibrated probabilities, which may be for "
                "another class prior than those of a run as it was trained."
            )
    settings = EvaluationSettings(resamples=resamples, level=level)
    parts = _metrics(metrics, first)
    values = pd.concat(
        [metric_rows(name, found, parts, groups, settings, seed) for name, found in predictions.items()],
        ignore_index=True,
    )
    tests = paired_tests(predictions, parts, groups, settings, seed)
    counts = np.bincount(first.split_rows().labels, minlength=len(first.classes)).tolist()
    return Comparison(
        runs={name: run.folder for name, run in loaded.items()},
        reference=next(iter(loaded)),
        classes=first.classes,
        positive=None if first.positive is None else first.classes[first.positive],
        support=dict(zip(first.classes, counts, strict=True)),
        at=at,
        unit="row" if groups is None else "group",
        units=len(first.split_rows()) if groups is None else len(np.unique(groups)),
        level=level,
        resamples=resamples,
        metrics=values,
        tests=tests,
        notes=tuple(notes),
        few={name: n for n, name in few_units(first.split_rows().labels, groups, first.classes)},
    )


def _metrics(names: Sequence[str] | None, run: RunData) -> list[Metric]:
    """The metrics of these names, with their defaults."""
    catalogue = default_catalogue()
    if names is None:
        names = WITHOUT if run.positive is None else WITH_POSITIVE
        if len(run.classes) > MOST_CLASSES:
            names = ["worst_class_recall" if name == "recall" else name for name in names]
    known = catalogue.names("metric")
    for name in names:
        if name not in known:
            raise RunError(f"there is no metric {name!r}{nearest(name, known)} (metrics: {listing(known, 40)})")
    return [cast(Metric, catalogue.get("metric", name)()) for name in dict.fromkeys(names)]
