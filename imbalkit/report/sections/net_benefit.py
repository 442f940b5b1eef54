"""Whether acting on the model is worth more than acting on all, or on none."""

from __future__ import annotations

from typing import Any

from imbalkit.report.charts import inline
from imbalkit.report.context import Report
from imbalkit.report.metric_values import MetricValue


def values(report: Report) -> dict[str, Any] | None:
    """The decision curve and predictive values; None without a positive class with test rows of it and of others."""
    run, labels = report.run, report.run.split_rows().labels
    if run.positive is None or not 0 < (labels == run.positive).sum() < len(labels):
        return None
    name = str(report.positive)
    return {
        "curve": inline(
            "net_benefit", run, "Decision curve",
            f"Net benefit of acting on the model, on all and on none, against the threshold probability of {name}.",
        ).svg,
        "costs": inline(
            "cost_curve", run, "Cost curve",
            f"Normalised expected cost at the run's threshold and at the best one, against the probability cost of {name}.",
        ).svg,
        "benefit": _entries(report, "net_benefit"),
        "predictive": _predictive(report),
    }  # fmt: skip


def _entries(report: Report, name: str) -> dict[str, MetricValue]:
    found = report.metric_values.get(name)
    return {key: metric for key, metric in found.items() if metric.value is not None} if isinstance(found, dict) else {}


def _predictive(report: Report) -> list[dict[str, Any]]:
    """A row a prevalence: PPV, NPV and predicted positives for one positive row."""
    rows: dict[str, dict[str, Any]] = {}
    for key, metric in _entries(report, "predictive_values").items():
        kind, _, share = key.partition(" at ")
        rows.setdefault(share, {"share": float(share) if share else None})[kind] = metric
    return list(rows.values())
