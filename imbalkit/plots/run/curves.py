"""ROC and precision-recall curves of the test rows, with bootstrap bands and the chosen operating point."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from imbalkit.base.randomness import generator
from imbalkit.base.text import fixed, share_text
from imbalkit.errors import RunError
from imbalkit.functional.curves import precision_recall_band, precision_recall_points, roc_band, roc_points
from imbalkit.functional.ranking import average_precision, roc_auc
from imbalkit.plots import style
from imbalkit.plots.run import drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from imbalkit.runs.results import RunData

RESAMPLES, LEVEL = 500, 0.95
GRID = np.linspace(0, 1, 201)


def roc(run: RunData, axes: Axes, resamples: int = RESAMPLES, point: bool = True, decided: bool = False) -> None:
    """Recall against false alarm rate at every threshold; without a positive class, each class against the rest.

    Args:
        run: the run
        axes: where to draw
        resamples: of the band of the positive class, drawn by group where groups have several rows; 0 for no band
        point: whether to mark the chosen operating point
        decided: of the probabilities that decisions are made from; they differ at a stated prevalence
    """
    drawing.unit_square(axes)
    axes.plot((0, 1), (0, 1), color=style.GUIDE, linewidth=0.8, zorder=1)
    if run.positive is None:
        _each_class(run, axes, roc_points, roc_auc, "AUC")
        axes.set(xlabel="false alarm rate, FPR", ylabel="recall")
        return
    positives, scores = _positive(run, decided)
    alarms, recall, _ = roc_points(positives, scores)
    colour = drawing.POSITIVE
    if resamples:
        low, high = roc_band(positives, scores, _weights(run, resamples), GRID)
        axes.fill_between(GRID, low, high, color=colour, alpha=drawing.BAND, linewidth=0)
    axes.plot(alarms, recall, color=colour, linewidth=1.6)
    chosen = operating_point(run)
    if point and chosen is not None:
        axes.plot(*chosen[:2], marker="o", markersize=6, color=colour, markeredgecolor="white", zorder=5)
    positive = run.names[run.positive]
    axes.set(xlabel=f"false alarm rate, FPR ({run.other} predicted as {positive})", ylabel=f"recall of {positive}")


def precision_recall(run: RunData, axes: Axes, resamples: int = RESAMPLES) -> None:
    """Precision against recall at every threshold, over the line of random scores. Arguments as `roc`."""
    drawing.unit_square(axes)
    if run.positive is None:
        _each_class(run, axes, precision_recall_points, average_precision, "AP")
        axes.set(xlabel="recall", ylabel="precision")
        return
    positives, scores = _positive(run)
    recall, precision, _ = precision_recall_points(positives, scores)
    colour, share = drawing.POSITIVE, positives.mean()
    axes.plot((0, 1), (share, share), color=style.GUIDE, linewidth=0.8, zorder=1)
    axes.text(0.01, share - 0.02, f"random {share_text(share)}", color=style.NOTE, va="top", fontsize="small")
    if resamples:
        low, high = precision_recall_band(positives, scores, _weights(run, resamples), GRID)
        axes.fill_between(GRID, low, high, color=colour, alpha=drawing.BAND, linewidth=0)
    axes.plot(recall, precision, color=colour, linewidth=1.6)
    point = operating_point(run)
    if point is not None and np.isfinite(point[2]):
        axes.plot(point[1], point[2], marker="o", markersize=6, color=colour, markeredgecolor="white", zorder=5)
    positive = run.names[run.positive]
    axes.set(xlabel=f"recall of {positive}", ylabel=f"precision of {positive}")


def operating_point(run: RunData) -> tuple[float, float, float] | None:
    """False alarm rate, recall and precision of the positive class as the test rows were decided; None without it."""
    rows = run.split_rows()
    positives, predicted = rows.labels == run.positive, rows.decisions == run.positive
    if run.positive is None or positives.all() or not positives.any():
        return None
    hits = (positives & predicted).sum()
    precision = hits / predicted.sum() if predicted.any() else float("nan")
    return float((predicted & ~positives).sum() / (~positives).sum()), float(hits / positives.sum()), float(precision)


def _positive(run: RunData, decided: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rows = run.split_rows()
    positives = rows.labels == run.positive
    if positives.all() or not positives.any():
        raise RunError("a curve needs test rows of the positive class and of another one")
    return positives, (rows.probabilities if decided else rows.at_data_prior)[:, run.positive]


def _weights(run: RunData, resamples: int) -> np.ndarray:
    from imbalkit.functional.bootstrap import draw_weights

    rows = run.split_rows()
    seed = generator(run.facts.get("seed", 0), "report", "bands")
    return draw_weights(len(rows), resamples, seed, groups=rows.groups if rows.grouped else None)


def has_bands(run: RunData) -> bool:
    """Whether there are bands of the positive class: not where too many resamples lack one of the two classes."""
    from imbalkit.functional.bootstrap import UNDEFINED

    positives, weights = run.split_rows().labels == run.positive, _weights(run, RESAMPLES)
    defined = (weights[:, positives].sum(axis=1) > 0) & (weights[:, ~positives].sum(axis=1) > 0)
    return bool(defined.mean() >= 1 - UNDEFINED)


def _each_class(run: RunData, axes: Axes, points: Callable[..., Any], area: Callable[..., Any], name: str) -> None:
    rows, colours = run.split_rows(), drawing.class_colours(run)
    entries = []
    for code in sorted(colours, key=lambda code: colours[code] != drawing.QUIET):  # grey ones behind
        positives = rows.labels == code
        if positives.all() or not positives.any():
            continue
        scores = rows.at_data_prior[:, code]
        quiet = colours[code] == drawing.QUIET
        width, order = (0.8, 2) if quiet else (1.6, 3)
        axes.plot(
            *points(positives, scores)[:2],
            color=colours[code],
            linewidth=width,
            zorder=order,
            alpha=0.6 if quiet else 1,
        )
        if not quiet:
            entries.append((f"{run.names[code]}   {name} {fixed(float(area(positives, scores)), 3)}", colours[code]))
    if not entries:
        raise RunError("a curve needs test rows of two classes")
    if any(colour == drawing.QUIET for colour in colours.values()):
        entries.append(("other classes", drawing.QUIET))
    low = name == "AUC"
    for line, (text, colour) in enumerate(reversed(entries) if low else entries):
        at = (0.97, 0.06 + 0.075 * line) if low else (0.04, 0.3 - 0.075 * line)
        axes.text(*at, text, color=colour, ha="right" if low else "left", va="center")
