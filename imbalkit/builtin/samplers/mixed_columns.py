"""Encoded columns of a table as numbers beside codes of categories, as SMOTENC takes them, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from imbalkit_lite.columns import ColumnEncoding


@dataclass(frozen=True)
class MixedColumns:
    """Which places of an encoded row are numbers, and which together one category.

    Attributes:
        width: W of an encoded row
        numbers: places of numbers
        categories: (first place, how many) of each category; whether a number is missing is one of a single place, 0 or 1
        flags: which of `numbers` each category says to be missing, -1 for one that is none of these
    """

    width: int
    numbers: tuple[int, ...]
    categories: tuple[tuple[int, int], ...]
    flags: tuple[int, ...]

    @classmethod
    def of(cls, encoding: ColumnEncoding, rows: np.ndarray) -> MixedColumns:
        """Of an encoding; gaps of a number are a category where `rows`, float [n, W], have any."""
        numbers: list[int] = []
        categories: list[tuple[int, int]] = []
        flags: list[int] = []
        start = 0
        for column in encoding.columns:
            if column.kind == "number":
                if rows[:, start + 1].any():
                    categories.append((start + 1, 1))
                    flags.append(len(numbers))
                numbers.append(start)
            else:
                categories.append((start, column.width))
                flags.append(-1)
            start += column.width
        return cls(start, tuple(numbers), tuple(categories), tuple(flags))

    @property
    def categorical(self) -> list[int]:
        """Places of the categories in `rows`."""
        return list(range(len(self.numbers), len(self.numbers) + len(self.categories)))

    def rows(self, columns: np.ndarray) -> np.ndarray:
        """Numbers, then codes of categories, float32 [n, numbers + categories], of encoded rows [n, W]."""
        codes = [
            columns[:, start] if width == 1 else columns[:, start : start + width].argmax(axis=1)
            for start, width in self.categories
        ]
        return np.column_stack([columns[:, list(self.numbers)], *codes]).astype(np.float32)

    def columns(self, rows: np.ndarray) -> np.ndarray:
        """Encoded rows again, float32 [n, W]; a number that is missing stands at its mean, 0."""
        columns = np.zeros((len(rows), self.width), dtype=np.float32)
        columns[:, list(self.numbers)] = rows[:, : len(self.numbers)]
        for place, (start, width), flag in zip(self.categorical, self.categories, self.flags, strict=True):
            codes = rows[:, place].astype(np.int64)
            columns[np.arange(len(rows)), start + (0 if width == 1 else codes)] = codes if width == 1 else 1
            if flag >= 0:
                columns[codes == 1, self.numbers[flag]] = 0
        return columns
