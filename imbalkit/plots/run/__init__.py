"""Charts of one run: each draws what a RunData holds on matplotlib axes. The report and `Run.figure` share them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from imbalkit.plots.run.calibration import reliability, scores
from imbalkit.plots.run.curves import precision_recall, roc
from imbalkit.plots.run.matrix import confusion
from imbalkit.plots.run.net_benefit import cost_curve, net_benefit
from imbalkit.plots.run.risk_coverage import risk_coverage
from imbalkit.plots.run.training import class_weights, learning, loss

# name -> chart(run_data, axes); a chart raises RunError where the run has nothing to draw
CHARTS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        roc,
        precision_recall,
        reliability,
        confusion,
        scores,
        learning,
        loss,
        class_weights,
        risk_coverage,
        net_benefit,
        cost_curve,
    )
}

__all__ = ["CHARTS", *CHARTS]
