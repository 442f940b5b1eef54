"""Whether acting on the model is worth more than treating everybody, or nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imbalkit.errors import RunError
from imbalkit.figures import style
from imbalkit.functional.curves import decision_curve
from imbalkit.functional.usefulness import net_benefit as benefit_of
from imbalkit.report.charts import look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from imbalkit.report.run_data import RunData


def net_benefit(run: RunData, axes: Axes) -> None:
    """Decision curve of the positive class (Vickers and Elkin 2006): net benefit against the probability to act from.

    Raises RunError without a positive class.
    """
    from matplotlib.ticker import PercentFormatter

    if run.positive is None:
        raise RunError("net benefit is for a positive class")
    side = run.side()
    positives, scores = side.labels == run.positive, side.at_data_prior[:, run.positive]
    share = positives.mean()
    grid = np.linspace(0.0, min(0.99, max(0.2, 5 * share)), 200)
    model, everybody = decision_curve(positives, scores, grid), benefit_of(share, 1 - share, grid)
    axes.axhline(0, color=style.NOTE, linewidth=0.8)
    axes.plot(grid, everybody, color=look.QUIET, linewidth=1)
    axes.plot(grid, model, color=look.POSITIVE, linewidth=1.6)
    top = max(float(np.nanmax(model)), float(share), 1e-3) * 1.1
    low = -0.35 * top
    axes.set(
        xlim=(0, grid[-1]), ylim=(low, top), xlabel="probability from which one would act", ylabel="net benefit a row"
    )
    axes.xaxis.set_major_formatter(PercentFormatter(1, 0))
    style.grid(axes)
    texts = [("act on the model", look.POSITIVE), ("act on everybody", look.QUIET), ("act on nobody", style.NOTE)]
    look.key(axes, texts)
