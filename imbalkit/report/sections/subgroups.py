"""Metrics of parts of the test rows, by metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imbalkit.report.context import Report
from imbalkit.report.metric_values import MetricValue, metric_name
from imbalkit_lite.text import printable

MOST_METRICS = 3
FIRST = ("miss_rate", "false_alarm_rate")  # where a screen is narrow, these are seen


def values(report: Report) -> dict[str, Any] | None:
    """A table a column of the metadata; None where the run has none."""
    entries = report.run.metrics.get("subgroups") or []
    if not entries:
        return None
    columns: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        columns.setdefault(entry["column"], []).append(entry)
    known = dict.fromkeys(name for entry in entries for name in _flat(entry["metrics"]))
    names = [*(name for name in FIRST if name in known), *(name for name in known if name not in FIRST)][:MOST_METRICS]
    return {
        "columns": {
            column: [
                {
                    "value": printable(row["value"]),
                    "n": row["n"],
                    "support": {printable(name): n for name, n in row["support"].items()},
                    "withheld": row.get("withheld"),
                    "metrics": [_flat(row["metrics"]).get(name) for name in names],
                }
                for row in rows
            ]
            for column, rows in columns.items()
        },
        "names": [
            metric_name(name.partition(": ")[0]) + (f" of {name.partition(': ')[2]}" if ": " in name else "")
            for name in names
        ],
        "whole": [_whole(report, name) for name in names],
        "withheld": any(row.get("withheld") for row in entries),
        "positive": report.positive or report.classes[report.run.smallest_first[0]],
    }


def _flat(metrics: Mapping[str, Any]) -> dict[str, MetricValue]:
    """Metrics by name; those by class as "recall: a"."""
    found: dict[str, MetricValue] = {}
    for name, value in metrics.items():
        if isinstance(value, Mapping) and "value" not in value:
            found |= {
                f"{name}: {printable(key)}": MetricValue(
                    name, item["value"], item.get("low"), item.get("high"), key=key
                )
                for key, item in value.items()
            }
        else:
            found[name] = MetricValue(name, value["value"], value.get("low"), value.get("high"))
    return found


def _whole(report: Report, name: str) -> MetricValue | None:
    metric, _, key = name.partition(": ")
    return report.metric(metric, key or None)
