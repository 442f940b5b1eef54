"""A DataFrame as a table."""

from __future__ import annotations

import math
from typing import Any

from rich.markup import escape
from rich.table import Table as RichTable

from imbalkit.amounts import fixed
from imbalkit.tables.console import console


def print_frame(frame: Any, title: str) -> None:
    """A data frame as a table: numbers to the right, figures to three digits."""
    from pandas.api.types import is_numeric_dtype

    table = RichTable(title=title, title_justify="left")
    for column in frame.columns:
        table.add_column(
            escape(str(column)), overflow="fold", justify="right" if is_numeric_dtype(frame[column]) else "left"
        )
    for _, row in frame.iterrows():
        table.add_row(*(escape(_cell(value)) for value in row))
    console().print(table)


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return fixed(value, 3).rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
