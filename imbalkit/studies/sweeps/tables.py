"""Tables over the cells of a sweep: a row for each combination of the axes, mean and spread over folds and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from imbalkit.base.text import fixed
from imbalkit.errors import RunError, listing, nearest
from imbalkit.report.markdown import markdown_text
from imbalkit.studies.sweeps.file import TableSettings

_PREFIX = {"chosen": "", "one_half": "one_half.", "validation": "validation."}
_CELLS = " cells"  # after the name of a metric


def make_table(finished: pd.DataFrame, axes: Sequence[str], settings: TableSettings) -> pd.DataFrame:
    """Means over the cells that differ by seed and fold only.

    Columns: the axes; `cells`; with counts, `trained_<class>`; for each metric its mean, `<metric> sd folds` (standard
    deviation over folds of the means over seeds) and `<metric> sd seeds` (over seeds of the means over folds), where there
    are two or more; and `<metric> cells`, how many define it, where some do not. Rows below a minimum are left out, and those
    where that metric is not defined; the order is that of the sweep file.

    Metrics are of test rows; of cells without these, of validation rows, under names that say so ("validation.recall_a").

    Raises RunError for a metric that the cells do not have.
    """
    groups = finished.groupby(list(axes), sort=False, dropna=False) if axes else [((), finished)]
    finished = finished.drop(columns=list(axes))  # which may be called as columns of metrics begin
    tested = "n" not in finished or bool((finished["n"] > 0).any())
    of_validation = settings.of == "validation" or not tested
    prefix = _PREFIX["validation" if of_validation else settings.at]
    shown = "" if of_validation else prefix  # left out of the names of columns
    names_of_metrics = settings.metrics
    if "metrics" not in settings.model_fields_set:  # of the usual ones, those that the recipe has
        known = _metric_names(list(map(str, finished)), prefix)
        names_of_metrics = [name for name in settings.metrics if name in known]
    metrics = [column for name in names_of_metrics for column in _columns(finished, prefix, name)]
    counts = [column for column in map(str, finished) if column.startswith("trained_")] if settings.counts else []
    least = {column: bound for name, bound in settings.minimum.items() for column in _columns(finished, prefix, name)}
    rows = []
    for labels, group in groups:
        if not all(group[column].mean() >= bound for column, bound in least.items()):
            continue
        row: dict[str, Any] = {**dict(zip(axes, labels, strict=True)), "cells": len(group)}
        row |= {column: group[column].mean() for column in counts}
        for column in metrics:
            name = column.removeprefix(shown)
            row[name] = group[column].mean()
            row[name + _CELLS] = int(group[column].count())
            for over in ("fold", "seed"):
                if finished[over].nunique() > 1:
                    means = group.groupby(over)[column].mean()
                    row[f"{name} sd {over}s"] = means.std(ddof=1) if len(means) > 1 else np.nan
        rows.append(row)
    names = [column.removeprefix(shown) for column in metrics]
    if not rows:
        return pd.DataFrame(columns=[*axes, "cells", *counts, *names])
    table = pd.DataFrame(rows)
    return table.drop(columns=[name + _CELLS for name in names if (table[name + _CELLS] == table["cells"]).all()])


def to_markdown(table: pd.DataFrame, axes: Sequence[str]) -> str:
    """The table for a page: counts as whole numbers, metrics to three digits, spreads after ±."""
    shown = [column for column in map(str, table) if " sd " not in column and not column.endswith(_CELLS)]
    lines = [
        "| " + " | ".join(map(markdown_text, shown)) + " |",
        "| " + " | ".join("---" if c in axes else "---:" for c in shown) + " |",
    ]
    for _, row in table.iterrows():
        cells = []
        for column in shown:
            value = row[column]
            if column in axes or column == "cells":
                cells.append(markdown_text(value))
            elif column.startswith("trained_"):
                cells.append(f"{value:,.0f}")
            else:
                deviations = [
                    f" ± {fixed(row[f'{column} sd {over}'], 3)} ({over})"
                    for over in ("folds", "seeds")
                    if f"{column} sd {over}" in table and not np.isnan(row[f"{column} sd {over}"])
                ]
                known = row.get(column + _CELLS, row["cells"])
                some = f" ({known:g} of {row['cells']:g} cells)" if 0 < known < row["cells"] else ""
                cells.append(("" if np.isnan(value) else fixed(value, 3)) + "".join(deviations) + some)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _columns(finished: pd.DataFrame, prefix: str, name: str) -> list[str]:
    """A metric's column, or its columns by class."""
    if prefix + name in finished:
        return [prefix + name]
    columns = [str(column) for column in finished]
    found = [column for column in columns if column.startswith(f"{prefix}{name}_")]
    if not found:
        known = _metric_names(columns, prefix)
        raise RunError(f"the cells have no metric {name!r}{nearest(name, known)} (metrics: {listing(known, 60)})")
    return found


def _metric_names(columns: Sequence[str], prefix: str) -> list[str]:
    """The metrics of some columns; a metric of each class once, without the class."""
    prefix = prefix or _PREFIX["one_half"]  # as other columns have none
    classes = [column.removeprefix("trained_") for column in columns if column.startswith("trained_")]
    names = [column.removeprefix(prefix) for column in columns if column.startswith(prefix)]
    of_class = {name: [cls for cls in classes if name.endswith(f"_{cls}")] for name in names}
    return list(dict.fromkeys(name.removesuffix(f"_{max(of_class[name], key=len, default='')}") for name in names))
