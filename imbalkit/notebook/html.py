"""A run as a notebook shows it: the main test metrics with intervals, and where the report is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from imbalkit.base.text import fixed, interval_text, metric_text
from imbalkit.runs import folder as run_folder

HEADLINE = ("recall", "miss_rate", "false_alarm_rate", "balanced_accuracy", "roc_auc", "pr_auc", "log_loss")
MOST_CLASSES = 12  # whose recalls are shown


def to_html(folder: Path, facts: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """A table of test metrics with intervals, the decision, and a link to the report.

    Args:
        folder: the run folder
        facts: run.json
        metrics: metrics.json
    """
    title = f"<strong>{escape(facts['name'])}</strong> <code>{escape(str(folder))}</code>"
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(value)}</td><td>{escape(interval)}</td></tr>"
        for name, value, interval in headline(metrics)
    )
    head = "<tr><th>test</th><th>value</th><th>interval</th></tr>"
    decision = escape(_decision(facts.get("positive"), metrics))
    return f"<p>{title}</p><table>{head}{rows}</table><p>{decision}{_link(folder / run_folder.REPORT)}</p>"


def headline(metrics: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Name, value and interval of the main metrics, as text; those that are not defined are left out."""
    test, intervals = metrics.get("test", {}), metrics.get("intervals") or {}
    limits = intervals.get("test", {})
    rows = []
    for metric in HEADLINE:
        value, name = test.get(metric), metric.replace("_", " ")
        if value is None:
            continue
        if isinstance(value, Mapping) and "mean" not in value:  # by class; a metric over folds has a mean
            if len(value) > MOST_CLASSES:
                continue
            rows += [
                (f"{name} of {cls}", metric_text(item), interval_text(limits.get(metric, {}).get(cls), 3))
                for cls, item in value.items()
            ]
        else:
            rows.append((name, metric_text(value), interval_text(limits.get(metric), 3)))
    return rows


def _decision(positive: str | None, metrics: Mapping[str, Any]) -> str:
    if folds := metrics.get("folds"):
        return f"Mean ± standard deviation over {folds} folds; each is a separate run in .folds. "
    lines = [f"{metrics['test']['n']:,} test rows."]
    threshold = metrics["decision"]["threshold"]
    if threshold is not None and positive is not None:
        lines.append(f"{positive} is predicted at a probability of {fixed(threshold, 3)} or more.")
    return " ".join([*lines, ""])


def _link(report: Path) -> str:
    """A link to the report, relative to where the notebook runs: other links would leave what its server shows."""
    if not report.is_file():
        return ""
    try:
        path = os.path.relpath(report)
    except ValueError:  # another drive
        path = str(report.absolute())
    return f'<a href="{escape(quote(path.replace(os.sep, "/")))}" target="_blank">report</a>'
