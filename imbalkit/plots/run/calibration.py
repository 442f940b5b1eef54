"""Whether probabilities are calibrated, and how they spread over the classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from imbalkit.errors import RunError
from imbalkit.functional.proportions import wilson
from imbalkit.plots import style
from imbalkit.plots.run import drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from imbalkit.runs.results import RunData

BINS = 40  # of the histogram of scores
STAGES = (style.COLOURS[2], style.OTHER_COLOUR, style.COLOURS[0], drawing.POSITIVE)  # from the first to the last


def reliability(run: RunData, axes: Axes, split: str = "test") -> None:
    """Share of rows that are of the class against the predicted probability, in bins, at each stage of the decision.

    The last stage has Wilson intervals; the size of a mark grows with its rows. Without a positive class: all classes' bins of
    the last stage.

    Raises RunError for a run that has no calibration metrics of that split.
    """
    stages = stages_of(run, split)
    drawing.unit_square(axes)
    axes.plot((0, 1), (0, 1), color=style.GUIDE, linewidth=0.8, zorder=1)
    if run.positive is None:
        _every_class(run, axes, stages[-1])
        return
    colours = STAGES[-len(stages) :] if len(stages) > 1 else (drawing.POSITIVE,)
    for stage, colour in zip(stages, colours, strict=False):
        bins = _bins(stage["reliability"][0])
        last = stage is stages[-1]
        if last:
            _whiskers(axes, bins, colour)
        axes.plot(
            bins["predicted"], bins["observed"], color=colour, linewidth=1.4 if last else 0.9, zorder=4 if last else 3
        )
        axes.scatter(
            bins["predicted"],
            bins["observed"],
            s=_sizes(bins["n"]),
            color=colour,
            linewidths=0,
            zorder=4 if last else 3,
        )
    drawing.key(axes, [(stage["stage"], colour) for stage, colour in zip(stages, colours, strict=False)])
    positive = run.names[run.positive]
    axes.set(xlabel=f"probability of {positive}", ylabel=f"share that is {positive}")


def _every_class(run: RunData, axes: Axes, stage: Mapping[str, Any]) -> None:
    colours = drawing.class_colours(run)
    named = []
    for entry in stage["reliability"]:
        code = run.classes.index(entry["class"])
        bins, quiet = _bins(entry), colours[code] == drawing.QUIET
        axes.plot(
            bins["predicted"], bins["observed"], color=colours[code], linewidth=0.7 if quiet else 1.3, zorder=3 - quiet
        )
        axes.scatter(
            bins["predicted"],
            bins["observed"],
            s=_sizes(bins["n"]),
            color=colours[code],
            linewidths=0,
            zorder=3 - quiet,
        )
        named += [] if quiet else [(run.names[code], colours[code])]
    if len(named) < len(run.classes):
        named.append(("other classes", drawing.QUIET))
    drawing.key(axes, named)
    axes.set(xlabel="probability of a class", ylabel="share that is of it")


def stages_of(run: RunData, split: str = "test") -> list[Mapping[str, Any]]:
    """The stages of the decision that have reliability bins. Raises RunError without any."""
    stages = [stage for stage in (run.metrics.get("calibration") or {}).get(split) or [] if stage.get("reliability")]
    if not stages:
        raise RunError(f"this run has no calibration metrics of its {split} rows")
    return stages


def _bins(entry: Mapping[str, Any]) -> dict[str, np.ndarray]:
    rows = [row for row in entry["bins"] if row["n"]]
    return {
        "predicted": np.array([row["mean_probability"] for row in rows], dtype=float),
        "observed": np.array([row["observed"] for row in rows], dtype=float),
        "n": np.array([row["n"] for row in rows], dtype=float),
    }


def _whiskers(axes: Axes, bins: Mapping[str, np.ndarray], colour: str) -> None:
    low, high = wilson(bins["observed"] * bins["n"], bins["n"])
    axes.vlines(bins["predicted"], low, high, color=colour, linewidth=0.8, alpha=0.55, zorder=2)


def _sizes(n: np.ndarray) -> np.ndarray:
    """Areas of marks in square points, 8 to 60."""
    return 8 + 52 * n / max(1.0, n.max(initial=1.0))


def scores(run: RunData, axes: Axes, split: str = "test", line: bool = True) -> None:
    """How probabilities spread: of the positive class, its own rows above the line and the others below it.

    Without a positive class, the probability of the predicted class: correct above, wrong below. Both halves have a scale of
    their own, up to the fullest bin. A `line` stands at the threshold.
    """
    rows = run.split_rows(split)
    if not len(rows):
        raise RunError(f"this run has no {split} rows")
    if run.positive is None:
        up, values = rows.labels == rows.decisions, rows.probabilities[np.arange(len(rows)), rows.decisions]
        names = ("predicted correctly", "predicted wrongly")
        axes.set_xlabel("probability of the predicted class")
    else:
        up, values = rows.labels == run.positive, rows.probabilities[:, run.positive]
        names = (run.names[run.positive], run.other)
        axes.set_xlabel(f"probability of {run.names[run.positive]}")
    edges = np.linspace(0, 1, BINS + 1)
    for chosen, sign, colour in ((up, 1, drawing.POSITIVE), (~up, -1, drawing.OTHER)):
        counts, _ = np.histogram(values[chosen], edges)
        heights = counts / max(1, counts.max())
        axes.bar(edges[:-1], sign * heights, width=1 / BINS * 0.9, align="edge", color=colour, linewidth=0)
    axes.axhline(0, color=style.GUIDE, linewidth=0.8)
    axes.set(xlim=(0, 1), ylim=(-1.2, 1.2), yticks=[])
    axes.spines["left"].set_visible(False)
    threshold = run.threshold
    if line and threshold is not None:
        axes.axvline(threshold, color=style.NOTE, linewidth=1)
    at = 0.985 if np.median(values) < 0.5 else 0.015
    for name, chosen, y, colour in zip(names, (up, ~up), (0.95, 0.05), (drawing.POSITIVE, drawing.OTHER), strict=True):
        text = f"{name} (n = {chosen.sum():,})"
        axes.text(at, y, text, transform=axes.transAxes, color=colour, ha="right" if at > 0.5 else "left", va="center")
