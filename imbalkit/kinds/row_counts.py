"""Numbers of rows in a sampler's parameters: their types, and how they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from imbalkit.base.parameters import ClassName
from imbalkit.errors import PlanError, listing, nearest

FinalCount = Annotated[int, Field(ge=1)]
"""How many rows a class has afterwards."""

RowCount = Annotated[int, Field(ge=0)]
"""A number of rows."""

FinalCounts = Annotated[dict[ClassName, FinalCount], Field(min_length=1)]
"""Final counts by class name."""

RowCounts = Annotated[dict[ClassName, RowCount], Field(min_length=1)]
"""Numbers of rows by class name."""


def label_of(name: str, classes: Sequence[str], sampler: str) -> int:
    """The label code of a class. Raises PlanError with the nearest name."""
    if name not in classes:
        raise PlanError(f"{sampler}: there is no class {name!r}{nearest(name, classes)} (classes: {listing(classes)})")
    return list(classes).index(name)


def rows_text(low: int, high: int) -> str:
    """ "12 rows" or "10 to 12 rows"."""
    if low != high:
        return f"{low:,} to {high:,} rows"
    return f"{high:,} row" if high == 1 else f"{high:,} rows"
