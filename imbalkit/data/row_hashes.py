"""Hashes of a table's rows, as a network compares their cells."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from imbalkit_lite.columns import cell_text

if TYPE_CHECKING:
    import pandas as pd


def hash_rows(frame: pd.DataFrame, columns: Iterable[str]) -> np.ndarray:
    """A hash of each row's cells in some columns, as a network compares them, uint64 [n]."""
    return hashes_of([texts_of(frame[name]) for name in columns])


def hashes_of(cells: Sequence[Sequence[str]]) -> np.ndarray:
    """A hash of each row of columns of text."""
    rows = (json.dumps(row) for row in zip(*cells, strict=True))
    found = [hashlib.blake2b(row.encode("utf-8", "surrogatepass"), digest_size=8).digest() for row in rows]
    return np.array([int.from_bytes(digest, "little") for digest in found], dtype=np.uint64)


def texts_of(values: pd.Series) -> list[str]:
    """`cell_text` of each cell, "" for a gap; of numbers without parsing them again, which takes twice as long."""
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iuf" and values.dtype.itemsize <= 8:
        numbers = values.tolist()
        if values.dtype.kind != "f":
            return [str(number) for number in numbers]
        return [
            "" if x != x else str(int(x)) if x.is_integer() and abs(x) < 2**53 else str(x)  # NaN is not itself
            for x in numbers
        ]
    return [cell_text(cell) or "" for cell in values]
