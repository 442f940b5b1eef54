"""Table columns as a network takes them beside the image: numbers standardised, words as one of some categories.

What is stated here was fitted on training rows; nothing of it changes at work. Each column says what is missing, so that a
network can do without.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from imbalkit_lite.checks import check_choice, check_mapping, check_text, exactly, is_list, number
from imbalkit_lite.errors import CardError, DataError, listing, nearest

GAPS = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "none", "<NA>", "#N/A")
"""Words of a cell that stand for no value."""
MOST_SPREADS = (
    10.0  # a number further from the mean than so many spreads counts as that far: a slip of the pen is no patient
)
NUMBER, CATEGORY = "number", "category"
Unknown = Counter[tuple[str, str]]  # of (column, value as text): what an encoding did not know


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WHOLE = re.compile(r"[+-]?\d+")
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")


def cell_text(value: Any) -> str | None:
    """A cell as text that compares: without blanks around it, in lower case, each number in one spelling; None for a gap.

    >>> cell_text(" Male "), cell_text(3.0), cell_text("3"), cell_text("0.50"), cell_text("NA"), cell_text(float("nan"))
    ('male', '3', '3', '0.5', None, None)
    """
    if value is None or (isinstance(value, float | np.floating) and math.isnan(value)):
        return None
    text = str(value).strip()
    if text in GAPS or text == "NaT":
        return None
    found = as_number(text)
    if found is None:
        return text.lower()
    if found.is_integer() and abs(found) >= 2**53:  # which a float may round
        return str(int(text)) if _WHOLE.fullmatch(text) else text.lower()
    return str(int(found) if found.is_integer() else found)


def as_number(value: Any) -> float | None:
    """A cell as a finite number, None for what is none; "57,3" is one, "1,234" is not, as it may mean 1.234 or 1234.

    >>> as_number("57,3"), as_number("1e-3"), as_number("1,234"), as_number("10_19"), as_number(True)
    (57.3, 0.001, None, None, None)
    """
    text = str(value).strip()
    if DECIMAL_COMMA.fullmatch(text) and not _THOUSANDS.fullmatch(text):
        text = text.replace(",", ".")
    if not _NUMBER.fullmatch(text):
        return None
    found = float(text)
    return found if math.isfinite(found) else None


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers: ((x - mean) / std, 0), and (0, 1) for a missing one. Raises CardError.

    Attributes:
        name: of the column
        mean, std: of the training rows that have a value
    """

    name: str
    mean: float
    std: float
    kind: str = NUMBER

    def __post_init__(self) -> None:
        check_text(self.name, "columns: name")
        number(self.mean, f"columns: mean of {self.name}")
        number(self.std, f"columns: std of {self.name}", 0, open_below=True)

    @property
    def width(self) -> int:
        """How many numbers stand for a cell."""
        return 2

    @property
    def unlearnt(self) -> tuple[int, ...]:
        """Places that training may never have met."""
        return (1,)

    @property
    def missing(self) -> tuple[float, ...]:
        """What stands for a missing cell."""
        return (0.0, 1.0)

    def encode(self, cell: Any, unknown: Unknown | None = None) -> tuple[float, ...]:
        """What stands for a cell."""
        if cell_text(cell) is None:
            return self.missing
        value = as_number(cell)
        if value is None:
            if unknown is not None:
                unknown[self.name, str(cell)] += 1
            return self.missing
        return (min(max((value - self.mean) / self.std, -MOST_SPREADS), MOST_SPREADS), 0.0)

    def code(self, cell: Any, unknown: Unknown | None = None) -> float:
        """A cell as a file takes it that encodes rows itself: the number, NaN for a missing one."""
        _, missing = self.encode(cell, unknown)
        found = as_number(cell)
        return math.nan if missing or found is None else found


@dataclass(frozen=True)
class CategoryColumn:
    """A column of words: 1 at its category's place, or at the one for others, or at the one for missing. Raises CardError.

    Attributes:
        name: of the column
        values: the categories, as `cell_text` gives them
    """

    name: str
    values: tuple[str, ...]
    kind: str = CATEGORY

    def __post_init__(self) -> None:
        check_text(self.name, "columns: name")
        if not is_list(self.values) or not self.values or not all(isinstance(value, str) for value in self.values):
            raise CardError(f"columns: values of {self.name}: expected a list of texts, got {self.values!r}")
        object.__setattr__(self, "values", tuple(self.values))

    @property
    def width(self) -> int:
        """How many numbers stand for a cell."""
        return len(self.values) + 2

    @property
    def unlearnt(self) -> tuple[int, ...]:
        """Places that training may never have met."""
        return (len(self.values), len(self.values) + 1)

    @property
    def missing(self) -> tuple[float, ...]:
        """What stands for a missing cell."""
        return self._at(len(self.values) + 1)

    def encode(self, cell: Any, unknown: Unknown | None = None) -> tuple[float, ...]:
        """What stands for a cell."""
        text = cell_text(cell)
        if text is None:
            return self.missing
        if text in self.values:
            return self._at(self.values.index(text))
        if unknown is not None:
            unknown[self.name, str(cell)] += 1
        return self._at(len(self.values))

    def code(self, cell: Any, unknown: Unknown | None = None) -> float:
        """A cell as a file takes it that encodes rows itself: its category's place in `values`, one more for others, NaN for a
        missing one."""
        place = self.encode(cell, unknown).index(1.0)
        return math.nan if place > len(self.values) else float(place)

    def _at(self, place: int) -> tuple[float, ...]:
        return tuple(float(place == each) for each in range(self.width))


Column = NumberColumn | CategoryColumn


@dataclass(frozen=True)
class ColumnEncoding:
    """The columns that a network takes beside the image, side by side. Raises CardError for one that is named twice."""

    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        times = Counter(self.names)
        twice = next((name for name, count in times.items() if count > 1), None)
        if twice is not None or not self.columns:
            raise CardError(f"columns: {twice!r} is named twice" if self.columns else "columns: expected at least one")

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns, in their order."""
        return tuple(column.name for column in self.columns)

    @property
    def width(self) -> int:
        """W, how many numbers stand for a row."""
        return sum(column.width for column in self.columns)

    @property
    def unlearnt(self) -> list[int]:
        """Places of a row that training may never have met."""
        starts = np.cumsum([0, *(column.width for column in self.columns)]).tolist()
        return [start + place for start, column in zip(starts, self.columns, strict=False) for place in column.unlearnt]

    def encode(self, rows: Iterable[Mapping[str, Any]], unknown: Unknown | None = None) -> np.ndarray:
        """Rows as the network takes them, float32 [n, W].

        Args:
            rows: cells by the columns' names, as a table has them; one that is not there is missing
            unknown: counts the values that training did not know: words that are treated as "other", and text among numbers,
                which is treated as missing
        """
        found = [
            [part for column in self.columns for part in column.encode(row.get(column.name), unknown)] for row in rows
        ]
        return np.array(found, dtype=np.float64).reshape(len(found), self.width).astype(np.float32)

    def missing(self, rows: int = 1) -> np.ndarray:
        """Rows of which nothing is known, float32 [rows, W]."""
        return self.encode([{}] * rows)

    def to_json(self) -> list[dict[str, Any]]:
        """As plain values."""
        named = [{each.name: getattr(column, each.name) for each in fields(column)} for column in self.columns]
        return [
            {key: list(value) if isinstance(value, tuple) else value for key, value in one.items()} for one in named
        ]

    @classmethod
    def from_json(cls, document: Any) -> ColumnEncoding:
        """Of plain values. Raises CardError."""
        if not is_list(document):
            raise CardError(f"columns: expected a list, got {type(document).__name__}")
        return cls(tuple(map(_column, document)))


class ColumnCodes(ColumnEncoding):
    """The same columns as a file takes them that encodes rows itself: a number a column, float32 [n, K] (`code`)."""

    @property
    def width(self) -> int:
        return len(self.columns)

    def encode(self, rows: Iterable[Mapping[str, Any]], unknown: Unknown | None = None) -> np.ndarray:
        """Rows as the file takes them, float32 [n, K]. Arguments as `ColumnEncoding.encode`."""
        found = [[column.code(row.get(column.name), unknown) for column in self.columns] for row in rows]
        return np.array(found, dtype=np.float64).reshape(len(found), self.width).astype(np.float32)


def _column(document: Any) -> Column:
    check_mapping(document, "columns")
    check_choice(document.get("kind"), (NUMBER, CATEGORY), "columns: kind")
    part = NumberColumn if document["kind"] == NUMBER else CategoryColumn
    names = [each.name for each in fields(part)]
    return part(**{key: document[key] for key in exactly(document, names, "columns: ")})


def unknown_notes(unknown: Unknown, encoding: ColumnEncoding) -> list[str]:
    """What a user should know of the values that an encoding did not know: a sentence a column."""
    notes = []
    for column in encoding.columns:
        values = {value: count for (name, value), count in unknown.items() if name == column.name}
        if values:
            count = sum(values.values())
            cells = "1 cell has a value that is" if count == 1 else f"{count:,} cells have values that are"
            number = "no number: treated as missing"
            what = number if column.kind == NUMBER else "no category of the model: treated as other"
            notes.append(f"{column.name}: {cells} {what} ({listing(map(repr, sorted(values)), 5)})")
    return notes


SHARED_NAME = re.compile(
    r" \(\d+(st|nd|rd|th)\)'*$"
)  # what a table's reader puts behind the names of columns that share one


def absent_note(encoding: ColumnEncoding, tables: Sequence[Sequence[str]], images: bool = True) -> str:
    """What a user should know where inputs lack columns that the model takes; "" where none is lacking.

    Args:
        encoding: of the model
        tables: columns of each input; () of one that is no table
        images: whether it takes images, too

    Raises DataError for a column whose name differs from one that lacks by case or blanks alone.
    """
    absent = [name for name in encoding.names if any(name not in columns for columns in tables)]
    if not absent:
        return ""
    hints = [
        hint
        for name in absent
        for columns in tables
        if name not in columns
        for hint in [_near(name, columns, encoding)]
    ]
    everywhere = all(name not in columns for name in absent for columns in tables)
    where = "the input has no" if everywhere else "some of the inputs have no"
    return (
        f"the model takes {listing(encoding.names)}{' beside the image' if images else ''}, and {where} {listing(absent)}: "
        f"treated as missing, for which its metrics on test rows do not hold{''.join(dict.fromkeys(hints))}"
    )


def _near(name: str, columns: Sequence[str], encoding: ColumnEncoding) -> str:
    """The column of a table that may be meant by one that it lacks, as `nearest` says it. Raises DataError for a sure one."""
    others = [column for column in columns if column not in encoding.names]
    for column in others:
        if column.strip().casefold() == name.strip().casefold():
            raise DataError(f"the model takes a column {name!r}, and a table has {column!r}: rename it to {name!r}")
        if column.startswith(f"{name} (") and SHARED_NAME.search(column):
            raise DataError(
                f"the model takes a column {name!r}, and a table has several of that name: leave one of them"
            )
    return nearest(name, others)
