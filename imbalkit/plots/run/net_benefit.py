"""Whether acting on the model is worth more than treating all, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imbalkit.errors import RunError
from imbalkit.functional.curves import cost_curve as least_cost
from imbalkit.functional.curves import decision_curve
from imbalkit.functional.usefulness import expected_cost
from imbalkit.functional.usefulness import net_benefit as benefit_of
from imbalkit.plots import style
from imbalkit.plots.run import drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from imbalkit.runs.results import RunData


def net_benefit(run: RunData, axes: Axes) -> None:
    """Decision curve of the positive class (Vickers and Elkin 2006): net benefit against the threshold probability.

    Raises RunError without a positive class.
    """
    from matplotlib.ticker import PercentFormatter

    if run.positive is None:
        raise RunError("net benefit is for a positive class")
    rows = run.split_rows()
    positives, scores = rows.labels == run.positive, rows.at_data_prior[:, run.positive]
    share = positives.mean()
    grid = np.linspace(0.0, min(0.99, max(0.2, 5 * share)), 200)
    model, act_on_all = decision_curve(positives, scores, grid), benefit_of(share, 1 - share, grid)
    axes.axhline(0, color=style.NOTE, linewidth=0.8)
    axes.plot(grid, act_on_all, color=drawing.QUIET, linewidth=1)
    axes.plot(grid, model, color=drawing.POSITIVE, linewidth=1.6)
    top = max(float(np.nanmax(model)), float(share), 1e-3) * 1.1
    low = -0.35 * top
    axes.set(xlim=(0, grid[-1]), ylim=(low, top), xlabel="threshold probability", ylabel="net benefit per row")
    axes.xaxis.set_major_formatter(PercentFormatter(1, 0))
    style.grid(axes)
    texts = [("act on the model", drawing.POSITIVE), ("act on all", drawing.QUIET), ("act on none", style.NOTE)]
    drawing.key(axes, texts)


def cost_curve(run: RunData, axes: Axes) -> None:
    """Cost curve of the positive class (Drummond and Holte 2006): what each mix of prevalence and costs makes of the model.

    Raises RunError without a positive class, or without rows of it and of others.
    """
    if run.positive is None:
        raise RunError("a cost curve is for a positive class")
    rows = run.split_rows()
    positives, predicted = rows.labels == run.positive, rows.decisions == run.positive
    if positives.all() or not positives.any():
        raise RunError("a cost curve needs test rows of the positive class and of others")
    grid = np.linspace(0.0, 1.0, 201)
    best = least_cost(positives, rows.probabilities[:, run.positive], grid)
    decided = expected_cost(1 - predicted[positives].mean(), predicted[~positives].mean(), grid)
    axes.plot(grid, np.minimum(grid, 1 - grid), color=style.NOTE, linewidth=0.8)
    axes.plot(grid, decided, color=drawing.OTHER, linewidth=1)
    axes.plot(grid, best, color=drawing.POSITIVE, linewidth=1.6)
    top = 1.1 * max(0.5, float(decided.max()))
    axes.set(
        xlim=(0, 1), ylim=(0, top), xlabel="probability cost of the positive class", ylabel="normalised expected cost"
    )
    style.grid(axes)
    texts = [("best threshold at each point", drawing.POSITIVE), ("threshold of this run", drawing.OTHER)]
    drawing.key(axes, [*texts, ("predict one class for all", style.NOTE)])
