"""Charts of one run: each draws what a RunData holds on matplotlib axes. The report and `Run.figure` share them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from imbalkit.report.charts.abstaining import risk_coverage
from imbalkit.report.charts.benefit import cost_curve, net_benefit
from imbalkit.report.charts.curves import precision_recall, roc
from imbalkit.report.charts.matrix import confusion
from imbalkit.report.charts.probabilities import reliability, scores
from imbalkit.report.charts.training import class_weights, learning, loss

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
