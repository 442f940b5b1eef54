"""A DataFrame as a table."""

from __future__ import annotations

import math
from typing import Any

from rich.table import Table as RichTable

from imbalkit.base.console import console, plain
from imbalkit.base.text import fixed

_MOST_ROWS, _MOST_COLUMNS = 200, 36


def print_frame(frame: Any, title: str) -> None:
    """A data frame as a table: numbers to the right, fractions to three digits; of very many columns and rows the first."""
    from pandas.api.types import is_numeric_dtype

    table = RichTable(title=plain(title), title_justify="left")
    shown = frame.iloc[:_MOST_ROWS, :_MOST_COLUMNS]
    for column in shown.columns:
        table.add_column(plain(column), overflow="fold", justify="right" if is_numeric_dtype(frame[column]) else "left")
    for _, row in shown.iterrows():
        table.add_row(*(plain(_cell(value)) for value in row))
    out = console()
    out.print(table)
    if shown.shape != frame.shape:
        out.say(f"... ({len(frame):,} rows and {frame.shape[1]:,} columns in all)")


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return fixed(value, 3).rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
