"""The operating point in the reader's hand: a slider over all thresholds of the positive class."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup

from imbalkit.report.charts import inline
from imbalkit.report.context import Report
from imbalkit.report.operating_points import OperatingPoints


def values(report: Report) -> dict[str, Any] | None:
    """The operating points of the test rows; None without a positive class with rows of it and of others."""
    run, test = report.run, report.run.split_rows()
    if run.positive is None:
        return None
    positives = test.labels == run.positive
    if positives.all() or not positives.any():
        return None
    points = OperatingPoints.of(positives, test.probabilities[:, run.positive], run.threshold)
    name = str(report.positive)
    level = (run.metrics.get("intervals") or {}).get("level", 0.95)
    data = {
        **points.to_json(),
        "positives": int(positives.sum()),
        "others": int((~positives).sum()),
        "chosen": run.threshold,
        "level": level,
        "positive": name,
        "other": run.other,
    }
    roc = inline(
        "roc",
        run,
        "ROC curve with the operating point",
        f"Recall of {name} against the false alarm rate; a mark moves along the curve with the threshold.",
        key="threshold-roc",
        resamples=0,
        point=False,
        decided=True,
    )
    scores = inline(
        "scores",
        run,
        "Probabilities of both classes with the threshold",
        f"How the probability of {name} spreads among {name} and among {run.other}; a line moves with the threshold.",
        key="threshold-scores",
        line=False,
    )
    return {
        "data": Markup(json.dumps(data).replace("<", "\\u003c")),
        "roc": roc.svg,
        "scores": scores.svg,
        "grouped": test.grouped,
        "thinned": points.thinned,
        "level": level,
        "costs": bool(run.metrics["decision"].get("costs")),
        "moved_to": {"stated": "the stated prevalence", "balanced": "equal class shares"}.get(
            run.metrics["decision"].get("prior", "")
        ),
    }
