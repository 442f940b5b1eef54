"""Rows that are columns of numbers and words and nothing else: what a network takes where there are no images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from imbalkit.data.column_inputs import kind_of
from imbalkit_lite.columns import CATEGORY, NUMBER

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Features:
    """The columns of a table that are its samples.

    Attributes:
        columns: their names, in the order in which the network takes them
        numeric, categories: those whose kind is stated; that of the others is seen from their training rows
    """

    columns: tuple[str, ...]
    numeric: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    def kind(self, values: pd.Series) -> str:
        """NUMBER or CATEGORY, of a column's training rows."""
        return stated_kind(values, self.numeric, self.categories)


def stated_kind(values: pd.Series, numeric: Sequence[str], categories: Sequence[str]) -> str:
    """NUMBER or CATEGORY of a column: as it is stated, else as its values are."""
    if values.name in numeric:
        return NUMBER
    return CATEGORY if values.name in categories else kind_of(values)


def empty_images(rows: int) -> np.ndarray:
    """Images without a channel, uint8 [rows, 1, 1, 0], for samples that have none: nothing to decode, to move or to render."""
    return np.zeros((rows, 1, 1, 0), dtype=np.uint8)
