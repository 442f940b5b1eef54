"""Table columns as inputs of the network: fitted on training rows, and what speaks against one as an input."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from imbalkit.base.text import percent
from imbalkit.errors import listing
from imbalkit.functional.ranking import roc_auc
from imbalkit_lite.columns import (
    CATEGORY,
    MOST_SPREADS,
    NUMBER,
    CategoryColumn,
    Column,
    ColumnEncoding,
    NumberColumn,
    Unknown,
    as_number,
    cell_text,
)

FEWEST = 5  # training rows of a value below which it is no category of its own: a network would learn it by heart
MOST_CATEGORIES = 100
MOSTLY = 0.9  # of the cells, or of the different values, of a column that holds numbers though others are none
BINS = 10  # that a column of numbers is cut into, where its own values are compared with the labels
STANDS_IN, TELLS = 0.99, 0.8  # area under the ROC curve of a column alone, from which it is refused, or noted
_EXPECTED = 10  # rows of a class that a value must lead to expect, before it is odd that it has none
_OF_THE_LABEL = re.compile(
    r"^(dx|dx_type|diagnosis.*|.*_diagnosis|label.*|target|truth|outcome|histo(logy|path.*)?|patholog.*|biops.*|malignan.*|benign.*"
    r"|.*confirm.*|.*(data_?set|source|archive|year))$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class FittedColumn:
    """What was fitted of a column on training rows.

    Attributes:
        column: how it is encoded
        rows: training rows
        missing: how many of them have no value, or text where numbers are
        others: how many have a value that is too rare to be a category
    """

    column: Column
    rows: int
    missing: int
    others: int = 0

    def to_json(self) -> dict[str, Any]:
        """As plain values: how the column is encoded, and on how many rows that was fitted."""
        return {**asdict(self.column), "rows": self.rows, "missing": self.missing, "others": self.others}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> FittedColumn:
        """Of `to_json`. Raises CardError."""
        counts = {name: int(document.get(name, 0)) for name in ("rows", "missing", "others")}
        column = {key: value for key, value in document.items() if key not in counts}
        return cls(ColumnEncoding.from_json([column]).columns[0], **counts)

    @property
    def text(self) -> str:
        """For a user: "age: number, mean 51.4, standard deviation 17.1, 2.3 % missing"."""
        column = self.column
        if isinstance(column, NumberColumn):
            what = f"number, mean {column.mean:.4g}, standard deviation {column.std:.4g}"
        else:
            what = f"category, {len(column.values)} values ({listing(column.values, 20)})"
            what += f", {percent(self.others / self.rows)} other" if self.others else ""
        return f"{column.name}: {what}, {percent(self.missing / self.rows)} missing"


def floats_of(values: pd.Series) -> np.ndarray | None:
    """A column of NumPy's numbers as float64 [n], NaN for a gap; None for others, and with infinite ones, which are no number."""
    if not isinstance(values.dtype, np.dtype) or values.dtype.kind not in "iuf" or values.dtype.itemsize > 8:
        return None
    numbers = np.ascontiguousarray(values.to_numpy(np.float64))
    return None if np.isinf(numbers).any() else numbers


def kind_of(values: pd.Series) -> str:
    """Whether a column holds numbers or categories: numbers where nearly every cell, or value, that is not missing is one.

    What is no number then counts as missing, in training as later: a slip of the pen (4o) or a word for a gap (unknown) does
    not make categories of ages.
    """
    if pd.api.types.is_bool_dtype(values):
        return CATEGORY
    numbers = floats_of(values)
    if numbers is not None:
        return CATEGORY if np.isnan(numbers).all() else NUMBER
    counts = Counter(text for cell in values if (text := cell_text(cell)) is not None)
    found = {text: count for text, count in counts.items() if as_number(text) is not None}
    if len(found) == len(counts):
        return NUMBER if found else CATEGORY
    mostly = len(found) >= MOSTLY * len(counts) or sum(found.values()) >= MOSTLY * sum(counts.values())
    return NUMBER if len(found) > 1 and mostly else CATEGORY


def no_numbers(values: pd.Series) -> pd.Series:
    """The cells of a column of numbers that are none and count as missing, with their index; without those that are empty."""
    if floats_of(values) is not None:
        return values.iloc[:0]
    odd = [cell_text(cell) is not None and as_number(cell) is None for cell in values]
    return values[np.array(odd, dtype=bool)]


def fit_column(values: pd.Series, kind: str) -> FittedColumn | str:
    """A column's encoding, or why it cannot be an input.

    Args:
        values: of the training rows, named as the column is
        kind: NUMBER or CATEGORY
    """
    name, array = str(values.name), floats_of(values)
    if kind == NUMBER and array is not None:
        known_numbers = array[~np.isnan(array)]
        return _fitted_numbers(name, known_numbers, len(array), len(array) - len(known_numbers))
    cells = list(values)
    texts = [cell_text(cell) for cell in cells]
    known = [text for text in texts if text is not None]
    missing = len(cells) - len(known)
    if not known:
        return "has no value in any training row"
    if kind == NUMBER:
        numbers = np.array([found for cell in cells if (found := as_number(cell)) is not None], dtype=np.float64)
        if not len(numbers):
            return f"holds no number, but values such as {known[0]!r}: leave it out of `numeric`"
        return _fitted_numbers(name, numbers, len(cells), len(cells) - len(numbers))
    counts = Counter(known)
    if len(counts) == 1 and not missing:
        return f"is {known[0]!r} in every training row: nothing can be learnt from it"
    if (two := _two_spellings(cells, texts)) is not None:
        return (
            f"has the values {two[0]!r} and {two[1]!r}, which are one number and would be one category: write them as one, or, "
            "if they are codes, with a letter before them"
        )
    frequent = sorted(value for value, count in counts.items() if count >= FEWEST)
    if len(counts) > max(MOST_CATEGORIES, 2 * len(frequent)) and len(counts) > len(known) / 2:
        return (
            f"has {len(counts):,} different values in {len(known):,} training rows: an id or free text, and no category"
        )
    if len(frequent) > MOST_CATEGORIES:
        return f"has {len(frequent):,} categories, at most {MOST_CATEGORIES} are possible: put them into fewer"
    if not frequent:
        return f"has no value that {FEWEST} training rows share: an id or free text, or too few rows"
    others = sum(count for value, count in counts.items() if value not in frequent)
    return FittedColumn(CategoryColumn(name, tuple(frequent)), len(cells), missing, others)


def _two_spellings(cells: Iterable[object], texts: Iterable[str | None]) -> tuple[str, str] | None:
    """Two cells that `cell_text` takes for one number, though they may be codes (2.1 and 2.10); None where there are none."""
    first: dict[str, tuple[str, str]] = {}
    for cell, text in zip(cells, texts, strict=True):
        if text is None or not isinstance(cell, str) or cell == text:
            spelt = text or ""
        else:
            spelt = re.sub(r"^([+-]?\d+)\.0+$", r"\1", cell.strip().lower().replace(",", ".")).removeprefix("+")
        if text is not None and first.setdefault(text, (spelt, str(cell)))[0] != spelt:
            return first[text][1], str(cell)
    return None


def encode_frame(encoding: ColumnEncoding, frame: pd.DataFrame, unknown: Unknown | None = None) -> np.ndarray:
    """A table's rows as the network takes them, float32 [n, W]: `encoding.encode` of them, each distinct cell once."""
    return np.concatenate([_encoded(column, frame[column.name], unknown) for column in encoding.columns], axis=1)


def _encoded(column: Column, values: pd.Series, unknown: Unknown | None) -> np.ndarray:
    """A column of cells, float32 [n, width of the column]; `unknown` counts cells as `encode` does, by `cell_text`."""
    if isinstance(column, NumberColumn) and isinstance(values.dtype, np.dtype) and values.dtype.kind in "iuf":
        numbers = values.to_numpy(np.float64)
        there = np.isfinite(numbers)
        with np.errstate(over="ignore", invalid="ignore"):
            found = np.clip((numbers - column.mean) / column.std, -MOST_SPREADS, MOST_SPREADS)
        return np.stack([np.where(there, found, 0.0), ~there], axis=1).astype(np.float32)
    codes, texts = pd.factorize(np.array([cell_text(cell) for cell in values], dtype=object), use_na_sentinel=False)
    once = Unknown()
    encoded = np.array([column.encode(text, once) for text in texts], dtype=np.float64).reshape(
        len(texts), column.width
    )
    if once and unknown is not None:
        for text, rows in zip(texts, np.bincount(codes, minlength=len(texts)).tolist(), strict=True):
            if (key := (column.name, str(text))) in once:
                unknown[key] += rows
    result: np.ndarray = encoded.astype(np.float32)[codes]
    return result


def codes_of_frame(encoding: ColumnEncoding, frame: pd.DataFrame) -> np.ndarray:
    """A number a column for each row, float64 [n, K]: numbers as they are, categories by their place, NaN for a gap.

    A category that is not known has the place after the last (`code` of the columns).
    """
    return np.stack([_codes_of(column, frame[column.name]) for column in encoding.columns], axis=1)


def _codes_of(column: Column, values: pd.Series) -> np.ndarray:
    numbers = floats_of(values) if isinstance(column, NumberColumn) else None
    if numbers is not None:
        return numbers
    codes, texts = pd.factorize(np.array([cell_text(cell) for cell in values], dtype=object), use_na_sentinel=False)
    return np.array([column.code(text) for text in texts], dtype=np.float64)[codes]


def _fitted_numbers(name: str, numbers: np.ndarray, rows: int, missing: int) -> FittedColumn | str:
    """A column of numbers, float64 [those that are not missing], as `fit_column` gives it."""
    if not len(numbers):
        return "has no value in any training row"
    with np.errstate(over="ignore"):
        mean, std = float(numbers.mean()), float(numbers.std())
    if not np.isfinite(std):
        return "holds numbers that are too large to compute with"
    if std <= 1e-12 * max(1.0, abs(mean)):
        first = cell_text(float(numbers[0]))
        return f"is {first} in every training row that has a value: nothing can be learnt from it"
    return FittedColumn(NumberColumn(name, mean, std), rows, missing)


def is_id(values: pd.Series) -> bool:
    """Whether a column of numbers counts its rows: whole numbers, another one in each of 20 rows or more."""
    found = floats_of(values)
    if found is None:
        found = np.array([as_number(cell) for cell in values if cell_text(cell) is not None], dtype=np.float64)
    found = found[~np.isnan(found)]
    return len(found) >= 20 and bool((found == np.round(found)).all()) and len(np.unique(found)) == len(found)


def names_groups(values: pd.Series, groups: np.ndarray) -> bool:
    """Whether a column's values are those of the groups under other names; groups int [n].

    Where each group is one row that cannot be told: every column of different values would seem to name them.
    """
    codes = pd.factorize(values)[0]
    known = codes >= 0
    pairs = len(np.unique(np.stack([codes[known], groups[known]]), axis=1).T)
    distinct = len(np.unique(codes[known]))
    return 20 < distinct < known.sum() and pairs == distinct == len(np.unique(groups[known]))


def separation(values: pd.Series, labels: np.ndarray, kind: str) -> float:
    """How well a column alone tells the label: the largest area under the ROC curve of a class against the rest.

    Each row's score is the share of the class among the rows of its value (numbers: of its tenth) in the other half of the
    rows, so that chance gives 0.5 whatever the number of values. NaN where no class has 10 rows.

    Args:
        values: [n]
        labels: class codes, int [n]
        kind: NUMBER or CATEGORY
    """
    codes = _codes(values, kind)
    halves = np.empty(len(labels), dtype=np.int64)
    found = [np.nan]
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        halves[own] = np.arange(len(own)) % 2
    for label in np.unique(labels):
        positives = labels == label
        if min(positives.sum(), (~positives).sum()) < 10:
            continue
        scores = np.empty(len(labels))
        for half in (0, 1):
            other, size = halves != half, codes.max() + 1
            rows = np.bincount(codes[other], minlength=size)
            hits = np.bincount(codes[other & positives], minlength=size)
            base = positives[other].mean()
            scores[~other] = ((hits + base) / (rows + 1))[codes[~other]]
        found.append(float(roc_auc(positives, scores)))
    return float(np.nanmax(found)) if len(found) > 1 else float("nan")


def _codes(values: pd.Series, kind: str) -> np.ndarray:
    """Of each row's value, int [n]; a gap is a value of its own, numbers are cut into tenths where they have more values."""
    numbers = floats_of(values)
    if kind == NUMBER and numbers is not None and len(np.unique(numbers[~np.isnan(numbers)])) > 2 * BINS:
        return _tenths(pd.Series(numbers))
    texts = pd.Series([cell_text(cell) for cell in values], dtype=object)
    if kind == NUMBER and texts.nunique() > 2 * BINS:
        return _tenths(pd.Series([as_number(text) for text in texts], dtype=np.float64))
    return pd.factorize(texts)[0] + 1


def _tenths(numbers: pd.Series) -> np.ndarray:
    """Which tenth each number is in, from 1, int [n]; 0 for a gap."""
    return np.asarray(pd.qcut(numbers, BINS, labels=False, duplicates="drop").fillna(-1).astype(np.int64) + 1)


def risks(values: pd.Series, labels: np.ndarray, classes: Sequence[str], kind: str) -> list[str]:
    """What a user should know of a column as an input, in words: does it tell the label before the image does?

    Args:
        values: of the training rows, named as the column is
        labels: class codes, int [n]
        classes: class names
        kind: NUMBER or CATEGORY
    """
    name, notes = str(values.name), []
    area = separation(values, labels, kind)
    if area >= TELLS:
        notes.append(f"alone it ranks a class with an AUC of {area:.2f}")
    texts = pd.Series([cell_text(cell) for cell in values], dtype=object).to_numpy()
    rare = int(np.argmin(np.bincount(labels, minlength=len(classes))))
    share = float((labels == rare).mean())
    pure = [
        f"{value!r} ({rows:,} rows)"
        for value, rows in Counter(text for text in texts if text is not None).most_common()
        if kind == CATEGORY and rows * share >= _EXPECTED and not (labels[texts == value] == rare).any()
    ]
    if pure:
        notes.append(f"no training row of {listing(pure, 4)} is {classes[rare]}")
    if _OF_THE_LABEL.match(name):
        notes.append("its name is that of a diagnosis, of how it was made, or of where the row comes from")
    return notes
