"""Time of the intervals of all default metrics against the loop that one writes first, over scikit-learn's functions.

python -m tests.benchmarks bootstrap [--rows 7530] [--resamples 2000] [--groups 2000] [--loop 20]

The loop draws rows (or groups), takes them, and calls scikit-learn for each figure that it has: accuracy, balanced accuracy,
recall and precision of each class, F1, Matthews, ROC AUC, average precision, log loss, Brier, and the ROC curve for
one rate at another. It is timed over a few resamples, and the time is scaled to all of them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from sklearn import metrics as sklearn

from imbalkit.builtin.metrics import METRICS
from imbalkit.evaluation.intervals import interval_facts
from imbalkit.evaluation.settings import EvaluationSettings
from imbalkit.kinds import Predictions
from tests.benchmarks.coverage import draw


def main(arguments: list[str]) -> None:
    """Print both times for rows alone and for groups, and the ratio."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks bootstrap")
    parser.add_argument("--rows", type=int, default=7530)
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--groups", type=int, default=2000)
    parser.add_argument("--loop", type=int, default=20, help="resamples that the loop is timed over")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args(arguments)
    metrics = [part() for part in METRICS]
    settings = EvaluationSettings(resamples=options.resamples)
    for groups in (0, options.groups):
        rows, of = draw(np.random.default_rng(0), options.rows, groups, 0.136, 2.0)
        ours, ours_cpu = timed(partial(interval_facts, rows, metrics, of, settings), options.repeats)
        loop, loop_cpu = timed(partial(plain, rows, of, options.loop), options.repeats)
        scale = options.resamples / options.loop
        sys.stdout.write(
            f"{options.rows} rows, {groups or 'no'} groups, {options.resamples} resamples, {len(metrics)} metrics\n"
            f"imbalkit           {spread(ours)} s, processor {spread(ours_cpu)} s\n"
            f"scikit-learn loop  {spread([scale * t for t in loop])} s, processor {spread([scale * t for t in loop_cpu])} s\n"
            f"ratio              {scale * min(loop) / min(ours):.0f} of the fastest, "
            f"{scale * min(loop_cpu) / min(ours_cpu):.0f} of processor time\n"
        )


def timed(work: Callable[[], object], repeats: int) -> tuple[list[float], list[float]]:
    """Seconds by the clock and of the processor, of each repeat."""
    found = []
    for _ in range(repeats):
        started, used = time.perf_counter(), time.process_time()
        work()
        found.append((time.perf_counter() - started, time.process_time() - used))
    return [clock for clock, _ in found], [processor for _, processor in found]


def spread(values: Sequence[float]) -> str:
    return f"median {statistics.median(values):.2f} (min {min(values):.2f}, max {max(values):.2f})"


def plain(rows: Predictions, groups: np.ndarray | None, resamples: int) -> list[list[float]]:
    """The obvious loop."""
    rng = np.random.default_rng(0)
    members = None if groups is None else [np.flatnonzero(groups == group) for group in np.unique(groups)]
    found = []
    for _ in range(resamples):
        if members is None:
            taken = rng.integers(len(rows.labels), size=len(rows.labels))
        else:
            taken = np.concatenate([members[group] for group in rng.integers(len(members), size=len(members))])
        truth, called, score = rows.labels[taken], rows.decisions[taken], rows.probabilities[taken, 1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            alarms, hits, _ = sklearn.roc_curve(truth, score)
            figures = [
                sklearn.accuracy_score(truth, called),
                sklearn.balanced_accuracy_score(truth, called),
                *sklearn.recall_score(truth, called, average=None),
                *sklearn.precision_score(truth, called, average=None),
                sklearn.f1_score(truth, called, average="macro"),
                sklearn.matthews_corrcoef(truth, called),
                sklearn.roc_auc_score(truth, score),
                sklearn.roc_auc_score(1 - truth, -score, max_fpr=0.2),
                sklearn.average_precision_score(truth, score),
                sklearn.log_loss(truth, score),
                sklearn.brier_score_loss(truth, score),
                hits[alarms <= 0.1].max(),
                1 - alarms[hits >= 0.9].min(),
            ]
        found.append(figures)
    return found
