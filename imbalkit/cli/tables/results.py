"""The metrics of a finished run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table as RichTable

from imbalkit.base.console import MOST_COLUMNS, MOST_ROWS, console, plain
from imbalkit.base.text import interval_text, is_summary, metric_text
from imbalkit.runs import folder as run_folder
from imbalkit.runs.results import RunData


def print_results(folder: Path) -> None:
    """Test metrics of a finished run, and where it is."""
    out = console()
    run = RunData(folder)
    metrics, split = run.metrics, "test"
    if not run.is_tested:
        out.say("the test rows were left untouched (evaluation.test: false); validation also chose epoch and threshold")
        split = "validation"
    elif metrics.get("test", {}).get("n") == 0:
        out.say("no test rows: test metrics are unavailable")
        metrics = {key: value for key, value in metrics.items() if key != "test"}
    shown = metrics.get(split) or {}
    for title, columns, rows in metric_tables(shown, metrics.get("intervals") if split == "test" else None):
        if not rows:
            continue
        table = RichTable(*map(plain, columns), title=f"{split}: {plain(title)}", title_justify="left")
        for column in table.columns[1:]:
            column.justify = "right"
        for row in rows:
            table.add_row(*(plain(cell) for cell in row))
        out.print(table)
    undefined = [name.replace("_", " ") for name, value in shown.items() if not _is_defined(value)]
    if undefined:
        out.say(f"not defined here: {', '.join(undefined)}")
    for note in metrics.get("notes", []):
        out.say(f"note: {note}")
    out.say(f"run folder: {folder}")
    if (folder / run_folder.REPORT).is_file():
        out.say(f"report: {folder / run_folder.REPORT}")


Rows = list[list[str]]


def metric_tables(
    metrics: Mapping[str, Any], intervals: Mapping[str, Any] | None = None
) -> list[tuple[str, list[str], Rows]]:
    """The metrics of an evaluation as tables (title, columns, rows): of all rows, of each class, and the confusion matrix.

    `intervals` is that of metrics.json. The matrix is left out where there are many classes; of more than some dozens, those
    with the lowest values (of the first metric that has one a class) are shown.
    """
    classes = list(metrics.get("support", {}))
    limits = (intervals or {}).get("test", {})
    by_class = {name: value for name, value in metrics.items() if _is_by_class(value, classes)}
    whole = [
        [name.replace("_", " "), metric_text(value), *([interval_text(between)] if limits else [])]
        for name, value, between in _single_values(metrics, limits, by_class)
        if _is_defined(value)
    ]
    head = ["metric", "value", *([f"{intervals['level']:.0%} interval"] if intervals and limits else [])]
    tables = [("metrics", head, whole)]
    if by_class:
        columns = ["class", *(name.replace("support", "rows").replace("_", " ") for name in by_class)]
        rows = [
            [
                name,
                *(_with_interval(value[name], limits.get(metric, {}).get(name)) for metric, value in by_class.items()),
            ]
            for name in _shown_classes(classes, by_class)
        ]
        shown = f"the {len(rows)} lowest of {len(classes):,} classes" if len(rows) < len(classes) else "each class"
        tables.append((shown, columns, rows))
    matrix = metrics.get("confusion_matrix")
    if matrix and len(classes) <= MOST_COLUMNS:
        rows = [[name, *(f"{cell:,}" for cell in row)] for name, row in zip(classes, matrix, strict=True)]
        tables.append(("label down, decision across", ["", *classes], rows))
    return tables


def _shown_classes(classes: Sequence[str], by_class: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    if len(classes) <= MOST_ROWS:
        return classes
    metric = next((value for name, value in by_class.items() if name != "support"), by_class["support"])

    def height(name: str) -> float:
        value = metric[name]["mean"] if isinstance(metric[name], Mapping) else metric[name]
        return math.inf if value is None else value

    return sorted(classes, key=height)[:MOST_COLUMNS]


def _single_values(
    metrics: Mapping[str, Any], limits: Mapping[str, Any], by_class: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Mapping[str, Any] | None]]:
    """Name, value and interval of what is one value of all rows; a metric of several gives each."""
    for name, value in metrics.items():
        if name in by_class or isinstance(value, list):
            continue
        if isinstance(value, Mapping) and not is_summary(value):
            for key, item in value.items():
                yield f"{name}: {key}", item, limits.get(name, {}).get(key)
        else:
            yield name, value, limits.get(name)


def _is_defined(value: Any) -> bool:
    if isinstance(value, Mapping):
        return value["mean"] is not None if is_summary(value) else any(item is not None for item in value.values())
    return value is not None


def _is_by_class(value: Any, classes: Sequence[str]) -> bool:
    return isinstance(value, Mapping) and bool(classes) and list(value) == list(classes)


def _with_interval(value: Any, limits: Mapping[str, Any] | None) -> str:
    between = interval_text(limits)
    return f"{metric_text(value)} ({between})" if between else metric_text(value)
