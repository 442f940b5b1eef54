"""A column of the data that names the split of each sample."""

from __future__ import annotations

import numpy as np

from imbalkit.data.split_names import SPLITS
from imbalkit.data.table import Table
from imbalkit.errors import DataError, listing, nearest

SPLIT_NAMES = ("train", "validation", "test")


def column_splits(table: Table, column: str, has_test: bool = True) -> np.ndarray:
    """The split of each sample, int64 [n], 0 train, 1 validation, 2 test; upper case and spaces around do not matter.

    Raises DataError for an absent column, missing or unknown values, and a column without train samples, or without test
    samples where it should have some.
    """
    if column not in table.frame:
        known = [str(name) for name in table.frame.columns]
        raise DataError(
            f"split.column: the data have no column {column!r}{nearest(column, known)} (columns: {listing(known)})"
        )
    values = table.frame[column]
    if values.isna().any():
        first = int(np.flatnonzero(values.isna())[0])
        raise DataError(
            f"split.column {column!r}: {int(values.isna().sum()):,} samples have no value (the first is row {first})"
        )
    names = values.astype(str).str.strip().str.lower().map(SPLITS)
    if names.isna().any():
        unknown = values[names.isna()].astype(str).value_counts()
        counts = listing(f"{value!r} ({count:,} samples)" for value, count in unknown.items())
        raise DataError(f"split.column {column!r}: expected the values {', '.join(SPLITS)}; got {counts}")
    splits = names.map({name: number for number, name in enumerate(SPLIT_NAMES)}).to_numpy(dtype=np.int64, copy=True)
    for number in (0, 2) if has_test else (0,):
        if not (splits == number).any():
            expected = "train and for test" if has_test else "train"
            raise DataError(
                f"split.column {column!r} has no {SPLIT_NAMES[number]} samples; expected some for {expected}"
            )
    return splits
