"""How well the model ranks rows, whatever the threshold."""

from __future__ import annotations

from typing import Any

import numpy as np

from imbalkit.base.text import percent
from imbalkit.plots.run import drawing
from imbalkit.plots.run.curves import RESAMPLES, has_bands
from imbalkit.report.charts import inline
from imbalkit.report.context import Report


def values(report: Report) -> dict[str, Any] | None:
    """ROC and precision-recall curves; None where the test has rows of one class alone."""
    run, test = report.run, report.run.split_rows()
    if len(np.unique(test.labels)) < 2 or (run.positive is not None and not (test.labels == run.positive).any()):
        return None
    roc_auc, pr_auc = report.metric("roc_auc"), report.metric("pr_auc")
    what = f"recall of {report.positive}" if report.positive else "recall of each class"
    area = f" The area is {roc_auc.with_interval}." if roc_auc else ""
    precision = f" The average precision is {pr_auc.with_interval}." if pr_auc else ""
    positive = run.positive is not None
    return {
        "roc": inline(
            "roc", run, "ROC curve",
            f"{what[:1].upper()}{what[1:]} against the false alarm rate.{area}",
        ).svg,
        "precision_recall": inline(
            "precision_recall", run, "Precision-recall curve",
            f"Precision against {what}.{precision}",
        ).svg,
        "roc_auc": roc_auc,
        "pr_auc": pr_auc,
        "partial_auc": report.metric("partial_auc"),
        "partial_settings": report.metric_settings.get("partial_auc", ""),
        "share": percent((test.labels == run.positive).mean()) if positive else "",
        "of_positive": positive,
        "banded": positive and has_bands(run),
        "resamples": RESAMPLES,
        "unit": "groups" if test.grouped else "rows",
        "coloured": [report.classes[code] for code in drawing.named(run)] if not positive else [],
    }  # fmt: skip
