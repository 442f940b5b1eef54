"""What a model gains by leaving the most uncertain rows undecided, and which these are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imbalkit.errors import RunError
from imbalkit.functional.abstain import RiskCoverage, uncertainty
from imbalkit.functional.abstain import risk_coverage as curve_of
from imbalkit.plots import style
from imbalkit.plots.run import drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from imbalkit.runs.results import RunData


def risk_coverage(run: RunData, axes: Axes) -> None:
    """Share of wrong decisions among those that are made, against the share of rows that is decided.

    With a positive class also the share of its rows that are missed, and that are left undecided: a low error is no
    merit where these are. A line stands at the coverage that the run's own rule gives.

    Raises RunError without test rows.
    """
    from matplotlib.ticker import PercentFormatter

    rows = run.split_rows()
    if not len(rows):
        raise RunError("this run has no test rows")
    curve = risk_coverage_of(run)
    # Only a few rows decided give a ragged end without meaning.
    shown = curve.decided >= max(1, min(20, len(rows) // 10))
    axes.set(xlim=(-0.01, 1.01), xlabel="share of the test rows that is decided")
    lines = [(curve.error, drawing.OTHER, "wrong, of the decided")]
    if run.positive is not None:
        name = run.names[run.positive]
        total = max(1, curve.positives)
        lines += [
            (curve.missed_positives / total, drawing.POSITIVE, f"{name} missed"),
            (curve.rejected_positives / total, style.COLOURS[2], f"{name} undecided"),
        ]
    top = max(0.02, *(float(np.max(values[shown])) for values, _, _ in lines)) * 1.05
    for values, colour, _ in lines:
        axes.plot(curve.coverage[shown], values[shown], color=colour, linewidth=1.6)
    axes.set_ylim(-0.01 * top, top)
    drawing.key(axes, [(text, colour) for _, colour, text in lines])
    axes.xaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0 if top > 0.06 else 1))
    style.grid(axes)
    if rows.abstained.any():
        axes.axvline(1 - rows.abstained.mean(), color=style.NOTE, linewidth=1)


def risk_coverage_of(run: RunData) -> RiskCoverage:
    """The curve of the test rows, at the run's threshold or costs."""
    rows, costs = run.split_rows(), run.metrics["decision"].get("costs")
    costs = None if costs is None else np.asarray(costs, dtype=np.float64)
    uncertainties = uncertainty(rows.probabilities, run.threshold, run.positive, costs)
    return curve_of(rows.labels, rows.decisions, uncertainties, run.positive)
