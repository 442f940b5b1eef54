"""What averaged views cost and gain, on the validation rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imbalkit.base.text import decimal
from imbalkit.report.context import Report
from imbalkit.report.metric_values import MetricValue, metric_name


def values(report: Report) -> dict[str, Any] | None:
    """Metrics with and without views, and the time of a picture; None for a run without views."""
    facts = report.run.metrics.get("views")
    if not facts:
        return None
    took = report.run.facts.get("milliseconds_of_a_picture")
    return {
        "facts": facts,
        "rows": [_row(entry) for entry in facts["gain"]],
        "took": took and {**took, "times": decimal(took["averaged"] / took["plain"], 1) if took["plain"] else ""},
    }


def _row(entry: Mapping[str, Any]) -> dict[str, str]:
    name = entry["metric"]
    change = MetricValue(name, entry["difference"], entry.get("low"), entry.get("high"))
    return {
        "name": metric_name(name) + (f" of {entry['class']}" if entry["class"] else ""),
        "plain": MetricValue(name, entry["plain"]).shown,
        "averaged": MetricValue(name, entry["averaged"]).shown,
        "difference": change.shown,
        "interval": change.interval,
    }
