"""A run as a notebook shows it: headline figures with intervals, and where the report is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from imbalkit.base.text import fixed
from imbalkit.cli.tables.results import figure_text
from imbalkit.errors import RunError
from imbalkit.runs import folder as run_folder

if TYPE_CHECKING:
    from imbalkit.notebook.run import Run

HEADLINE = ("recall", "miss_rate", "false_alarm_rate", "balanced_accuracy", "roc_auc", "pr_auc", "log_loss")
MOST_CLASSES = 12  # whose recalls are shown


def to_html(run: Run) -> str:
    """A table of test figures with intervals, the decision, and a link to the report."""
    try:
        title = f"<strong>{escape(run.name)}</strong> <code>{escape(str(run.folder))}</code>"
        metrics = run.metrics
    except RunError as error:
        return f"<p><code>{escape(str(run.folder))}</code>: {escape(str(error))}</p>"
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(value)}</td><td>{escape(interval)}</td></tr>"
        for name, value, interval in headline(metrics)
    )
    head = "<tr><th>test</th><th>value</th><th>interval</th></tr>"
    return f"<p>{title}</p><table>{head}{rows}</table><p>{escape(_decision(run))}{_link(run)}</p>"


def headline(metrics: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Name, value and interval of the figures that say most, as text; those that are not defined are left out."""
    test, intervals = metrics.get("test", {}), metrics.get("intervals") or {}
    limits = intervals.get("test", {})
    rows = []
    for figure in HEADLINE:
        value, name = test.get(figure), figure.replace("_", " ")
        if value is None:
            continue
        if isinstance(value, Mapping) and "mean" not in value:  # by class; a figure over folds has a mean
            if len(value) > MOST_CLASSES:
                continue
            rows += [
                (f"{name} of {cls}", figure_text(item), _interval(limits.get(figure, {}).get(cls)))
                for cls, item in value.items()
            ]
        else:
            rows.append((name, figure_text(value), _interval(limits.get(figure))))
    return rows


def _interval(limits: Mapping[str, Any] | None) -> str:
    if not limits or limits.get("low") is None or limits.get("high") is None:
        return ""
    return f"{fixed(limits['low'], 3)} to {fixed(limits['high'], 3)}"


def _decision(run: Run) -> str:
    if run.folds:
        return f"Mean ± standard deviation over {len(run.folds)} folds; each is a run of its own in .folds. "
    lines = [f"{run.metrics['test']['n']:,} test rows."]
    threshold = run.metrics["decision"]["threshold"]
    if threshold is not None and run.positive is not None:
        lines.append(f"{run.positive} is called at a probability of {fixed(threshold, 3)} or more.")
    return " ".join([*lines, ""])


def _link(run: Run) -> str:
    """A link to the report, relative to where the notebook runs: other links would leave what its server shows."""
    if not (run.folder / run_folder.REPORT).is_file():
        return ""
    try:
        path = os.path.relpath(run.report)
    except ValueError:  # another drive
        path = str(run.report.absolute())
    return f'<a href="{escape(quote(path.replace(os.sep, "/")))}" target="_blank">report</a>'
