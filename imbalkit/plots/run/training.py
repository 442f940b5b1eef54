"""What training did, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from imbalkit.errors import RunError
from imbalkit.plots import style
from imbalkit.plots.run import drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from imbalkit.runs.results import RunData


def learning(run: RunData, axes: Axes, stage: str = "final") -> None:
    """Recall of each class after each epoch: on validation as lines, on the training rows dotted.

    Training recall is counted while the epoch goes on, on rows as the samplers left them.
    """
    entries = epochs(run, stage)
    colours = drawing.class_colours(run)
    validated = any("validation" in entry for entry in entries)
    lines = []
    for code in sorted(colours, key=lambda code: colours[code] != drawing.QUIET):
        name, colour, quiet = run.classes[code], colours[code], colours[code] == drawing.QUIET
        seen = _series(entries, lambda entry: entry.get("validation", {}).get("recall"), name)
        train = _series(entries, lambda entry: entry.get("train_recall"), name)
        width = 0.8 if quiet else 1.6
        if validated:
            axes.plot(*seen, color=colour, linewidth=width, marker="." if len(entries) < 25 else None, zorder=3 - quiet)
        if not quiet or not validated:
            axes.plot(*train, color=colour, linewidth=1, linestyle=":" if validated else "-", zorder=2)
        last = seen if validated else train
        if not quiet and len(last[1]) and np.isfinite(last[1]).any():
            lines.append((float(last[1][np.isfinite(last[1])][-1]), run.names[code], colour))
    _share_axis(axes, "recall")
    _epoch_axis(axes, entries)
    best = entries[-1].get("best_epoch")
    if best and best != len(entries):
        _mark(axes, best, "best")
    elif stage == "final" and run.deferred_epoch is not None:  # beside "best" there is no room for its word
        _mark(axes, run.deferred_epoch - 0.5, "deferred")
    drawing.end_labels(axes, lines)


def loss(run: RunData, axes: Axes, stage: str = "final") -> None:
    """Mean training loss of each epoch. Raises RunError for a run without a log."""
    entries = epochs(run, stage)
    values = _series(entries, lambda entry: entry.get("loss"))
    axes.plot(*values, color=style.COLOURS[0], linewidth=1.6, marker="." if len(entries) < 25 else None)
    axes.set_ylim(0, 1.08 * max(np.nanmax(values[1]), 1e-9))
    axes.set_ylabel("training loss, mean over rows")
    if stage == "final" and run.deferred_epoch is not None:
        _mark(axes, run.deferred_epoch - 0.5, "deferred")
    style.grid(axes)
    _epoch_axis(axes, entries)


def class_weights(run: RunData, axes: Axes, stage: str = "final") -> None:
    """The weight that the loss gave to each class after each epoch. Raises RunError where the loss has none."""
    entries = epochs(run, stage)
    if not any("class_weights" in entry for entry in entries):
        raise RunError("the loss of this run logs no class weights")
    colours, lines = drawing.class_colours(run), []
    for code, colour in colours.items():
        name, quiet = run.classes[code], colour == drawing.QUIET
        values = _series(entries, lambda entry: entry.get("class_weights"), name)
        axes.plot(*values, color=colour, linewidth=0.8 if quiet else 1.6, marker="." if len(entries) < 25 else None)
        if not quiet and np.isfinite(values[1][-1]):
            lines.append((float(values[1][-1]), run.names[code], colour))
    axes.set_ylim(0, None)
    axes.set_ylabel("class weight")
    style.grid(axes)
    _epoch_axis(axes, entries)
    drawing.end_labels(axes, lines)


def _mark(axes: Axes, epoch: float, text: str) -> None:
    """A line at an epoch, with a word above it."""
    axes.axvline(epoch, color=style.GUIDE, linewidth=0.8, zorder=0)
    axes.annotate(
        text,
        (epoch, 1.0),
        xycoords=("data", "axes fraction"),
        color=style.NOTE,
        fontsize="small",
        ha="center",
        va="bottom",
    )


def epochs(run: RunData, stage: str = "final") -> list[dict[str, Any]]:
    """The log of one training, epoch by epoch. Raises RunError without any."""
    found = sorted((entry for entry in run.log if entry.get("stage") == stage), key=lambda entry: entry.get("epoch", 0))
    if not found:
        raise RunError(f"log.jsonl has no epoch of the training {stage!r}")
    return found


def _series(
    entries: list[dict[str, Any]], value: Callable[[dict[str, Any]], Any], name: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Epochs, and a value of each; of values by class, that of `name`."""
    values = [value(entry) if name is None else _of(value(entry), name) for entry in entries]
    numbers = np.array([float("nan") if found is None else found for found in values], dtype=np.float64)
    return np.array([entry["epoch"] for entry in entries]), numbers


def _of(values: Any, name: str) -> float | None:
    return values.get(name) if isinstance(values, dict) else None


def _share_axis(axes: Axes, label: str) -> None:
    from matplotlib.ticker import PercentFormatter

    axes.set(ylim=(0, 1.02), ylabel=label)
    axes.yaxis.set_ticks([0, 0.25, 0.5, 0.75, 1])
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
    style.grid(axes)


def _epoch_axis(axes: Axes, entries: list[dict[str, Any]]) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("epoch")
    last = entries[-1]["epoch"]
    axes.set_xlim(0.8 if last < 10 else 0, last + (0.2 if last < 10 else 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
