"""The confusion matrix of the test rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from imbalkit.runs.results import RunData

MOST_TEXTS = 15  # classes of which each cell's count is written


def confusion(run: RunData, axes: Axes) -> None:
    """Labels down, decisions across; shaded by the share of the label's rows, with the counts written in."""
    counts = np.asarray(run.metrics["test"]["confusion_matrix"], dtype=np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places = np.arange(len(run.classes))
    tilt = 45 if max(map(len, run.classes)) > 4 and len(run.classes) > 3 else 0
    axes.set_xticks(places, run.names, rotation=tilt, ha="right" if tilt else "center")
    axes.set_yticks(places, run.names)
    axes.set(xlabel="prediction", ylabel="label")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    if len(run.classes) <= MOST_TEXTS:
        for row, column in np.ndindex(*counts.shape):
            colour = "white" if shares[row, column] > 0.55 else "black"
            axes.text(column, row, f"{int(counts[row, column]):,}", ha="center", va="center", color=colour)
