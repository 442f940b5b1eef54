"""Every test metric with its interval: of all rows, of each class, and the confusion matrix."""

from __future__ import annotations

from typing import Any

from imbalkit.base.text import percent
from imbalkit.report.context import Report
from imbalkit.report.metric_values import MetricValue, metric_meaning, metric_name, metric_values
from imbalkit_lite.text import printable

MOST_MATRIX = 25  # classes up to which the confusion matrix is shown
_ELSEWHERE = {"predictive_values", "net_benefit"}  # shown in a section of their own


def values(report: Report) -> dict[str, Any] | None:
    """Tables of metrics; a second column where the test was also evaluated at one half. None without test rows."""
    if not report.run.metrics["test"]["n"]:
        return None
    run, found = report.run, report.metric_values
    half = metric_values(run.metrics, "test_at_one_half")
    whole = [_row(report, metric, half.get(name)) for name, metric in found.items() if isinstance(metric, MetricValue)]
    for name, entries in found.items():
        if isinstance(entries, dict) and name not in _ELSEWHERE and list(entries) != list(report.classes):
            others = half.get(name)
            for key, metric in entries.items():
                row = _row(report, metric, others.get(key) if isinstance(others, dict) else None)
                whole.append(row | {"name": f"{metric_name(name)}, {key.replace('_', ' ')}"})
    by_class = [
        {"name": metric_name(name), "by_name": entries, "half": half.get(name)}
        for name, entries in found.items()
        if isinstance(entries, dict) and list(entries) == list(report.classes)
    ]
    matrix = run.metrics["test"]["confusion_matrix"]
    return {
        "whole": [row for row in whole if row["shown"] != "n/a"],
        "undefined": [row["name"] for row in whole if row["shown"] == "n/a"],
        "by_class": by_class,
        "support": {printable(name): n for name, n in run.metrics["test"]["support"].items()},
        "half": bool(half),
        "matrix": [
            [{"n": n, "share": n / max(1, sum(row)), "right": i == j} for j, n in enumerate(row)]
            for i, row in enumerate(matrix)
        ]
        if len(matrix) <= MOST_MATRIX
        else None,
        "how": _how(report),
    }


def _row(report: Report, metric: MetricValue, half: Any) -> dict[str, Any]:
    meaning = metric_meaning(metric.name, str(report.positive or "the class"), report.run.other)
    settings = report.metric_settings.get(metric.name)
    if settings:
        meaning = f"{meaning} ({settings})" if meaning else settings
    other = half if isinstance(half, MetricValue) else None
    return {
        "name": metric_name(metric.name),
        "meaning": meaning,
        "shown": metric.shown,
        "interval": metric.interval,
        "method": metric.method,
        "half": other.shown if other else "",
        "half_interval": other.interval if other else "",
    }


def _how(report: Report) -> str:
    """How the intervals were made, in words."""
    facts = report.run.metrics.get("intervals")
    if not facts or not facts.get("test"):
        return "This run has no intervals: with few rows of a class, its metrics may be far from what other rows would give."
    unit, units = facts.get("unit", "row"), facts.get("units")
    methods = sorted({item["method"] for item in _leaves(facts["test"]) if item.get("method")})
    level = percent(facts.get("level", 0.95), 0)
    drawn = f"{facts['resamples']:,} resamples of {units:,} {unit}s" if units else f"{facts['resamples']:,} resamples"
    if unit == "group":
        return (
            f"Ranges are {level} confidence intervals by {' and '.join(methods)}: whole groups (such as patients) are resampled, "
            f"as their rows are not independent; {drawn}."
        )
    return f"Ranges are {level} confidence intervals ({', '.join(methods)}; {drawn}). They assume independent rows."


def _leaves(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, dict):
        return []
    return [value] if "method" in value else [leaf for item in value.values() for leaf in _leaves(item)]
