"""What the checks of a split found: which rows of two splits share something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from imbalkit.base.files import write_csv
from imbalkit.data.table import Table


@dataclass(frozen=True)
class Share:
    """So many rows of so many."""

    rows: int
    of: int

    @property
    def share(self) -> float | None:
        """From 0 to 1, None of no rows."""
        return self.rows / self.of if self.of else None


@dataclass(frozen=True)
class SharedRows:
    """Rows that share something with another split: of all rows, and of each class."""

    total: Share
    classes: dict[str, Share]


@dataclass(frozen=True)
class Overlap:
    """What one split shares with another by one check.

    Attributes:
        split, against: train, validation or test; what is counted are rows of `split`
        pairs: int64 [m, 2], table indices of a row of `split` and one of `against`, sorted. Near duplicates: every pair.
            Other checks: each row that shares something, with the first row of the other split that it shares it with
        shared: what each pair shares, str [m]: the value, the name, the digest of the content, "2 bits"
        counts: of all rows of `split`
        by: value of the column asked for -> of its rows of `split`
    """

    split: str
    against: str
    pairs: np.ndarray
    shared: np.ndarray
    counts: SharedRows
    by: dict[str, SharedRows]

    @property
    def rows(self) -> int:
        """Rows of `split` that share something."""
        return self.counts.total.rows


@dataclass(frozen=True)
class LeakCheck:
    """One check of a split.

    Attributes:
        name: group, file, column NAME, name, content, picture
        overlaps: one for each two splits that have rows; empty if the check was not made
        not_made: why the check could not be made, None if it was
        notes: what was left out of it
    """

    name: str
    overlaps: tuple[Overlap, ...] = ()
    not_made: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def leaks(self) -> bool:
        """Whether two splits share anything."""
        return any(overlap.rows for overlap in self.overlaps)


def pair_frame(overlap: Overlap, table: Table, most: int | None = None) -> pd.DataFrame:
    """The pairs of an overlap, or those of its first few rows: split, row (from 0) and path of each, and what they share."""
    some = slice(None) if most is None else np.unique(overlap.pairs[:, 0], return_index=True)[1][:most]
    pairs = overlap.pairs[some]
    paths = table.frame["path"].to_numpy() if "path" in table.frame else None
    frame = {
        "split_a": overlap.split,
        "split_b": overlap.against,
        "row_a": pairs[:, 0],
        "row_b": pairs[:, 1],
        "path_a": None if paths is None else paths[pairs[:, 0]],
        "path_b": None if paths is None else paths[pairs[:, 1]],
        "shared": overlap.shared[some],
    }
    return pd.DataFrame(frame)


def write_pairs(file: Path, checks: Sequence[LeakCheck], table: Table) -> None:
    """A CSV file with a row for each group or picture in two splits (Overlap.pairs). Raises WriteError."""
    frames = [pair_frame(overlap, table).assign(check=check.name) for check, overlap in found_overlaps(checks)]
    names = ["check", "split_a", "split_b", "row_a", "row_b", "path_a", "path_b", "shared"]
    frame = pd.concat(frames)[names] if frames else pd.DataFrame(columns=names)
    write_csv(file, frame)


def found_overlaps(checks: Sequence[LeakCheck]) -> Iterator[tuple[LeakCheck, Overlap]]:
    return ((check, overlap) for check in checks for overlap in check.overlaps if overlap.rows)
