"""Numbers of each class beside each other: a column a class, or of many classes the smallest and the largest number."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from imbalkit.base.console import MOST_COLUMNS


def class_columns(classes: Sequence[str]) -> Sequence[str]:
    """Headers: a class each, or of many classes the smallest and the largest."""
    return classes if len(classes) <= MOST_COLUMNS else ("smallest class", "largest class")


def class_cells(low: Sequence[float], high: Sequence[float], form: Callable[[float], str] = "{:,}".format) -> list[str]:
    """The numbers below `class_columns`, from `low` to `high`."""
    if len(low) > MOST_COLUMNS:
        low, high = (min(low), max(low)), (min(high), max(high))
    shown = ((form(first), form(last)) for first, last in zip(low, high, strict=True))
    return [first if first == last else f"{first} to {last}" for first, last in shown]
