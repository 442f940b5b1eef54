"""Columns that split a two-class label further, such as diagnoses beside malignant or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_MOST = 30  # values
ENOUGH = 10  # rows of the rarest value, to train and test on


@dataclass(frozen=True)
class FinerLabels:
    """A column with more classes than the label, one of which is the positive one.

    Attributes:
        column: its name
        values: how many it has
        positive: the value of just the positive rows
        fewest: rows of the rarest value
    """

    column: str
    values: int
    positive: str
    fewest: int


def finer_labels(text: pd.DataFrame, positive: pd.Series) -> list[FinerLabels]:
    """Columns of 3 to 30 values, none missing, of which one is just the positive rows.

    Args:
        text: every column as text
        positive: the rows of the positive class, bool [rows]
    """
    found = []
    for name in text:
        values = text[name]
        inside = values[positive].unique()
        if len(inside) != 1 or inside[0] == "" or (values[~positive] == inside[0]).any() or (values == "").any():
            continue
        counts = values.value_counts()
        if 3 <= len(counts) <= _MOST:
            found.append(FinerLabels(str(name), len(counts), str(inside[0]), int(counts.min())))
    return found
