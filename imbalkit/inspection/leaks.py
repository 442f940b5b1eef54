"""Is a split's test independent of its training? Looks for what two sides share, check by check.

Checks: a group, the values of metadata columns, the name of the file, the content of the file, and a near-duplicate picture
(imbalkit.inspection.near_duplicates). A check that cannot be made says why and is never passed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath

import numpy as np
import pandas as pd

from imbalkit.data.cache import available_cores
from imbalkit.data.same_file import only_files
from imbalkit.data.split import Split
from imbalkit.data.split_column import SIDES
from imbalkit.data.table import RESERVED, Table, label_text, natural_order
from imbalkit.errors import DataError, listing, nearest
from imbalkit.inspection.near_duplicates import DISTANCE, LEAST_SIDE, check_distance, fingerprints
from imbalkit_lite.opening import read_file

PAIRS = (("test", "train"), ("test", "validation"), ("validation", "train"))
_LEAST_OWN_NAMES = 0.9  # share of the files with a name of their own, below which a name tells nothing
_FAINT = f"nearly uniform, or smaller than {LEAST_SIDE} px"
_NO_FILES = "the data name no files"

Progress = Callable[[int, int], None]


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
class Figures:
    """Rows that share something with another side: of all rows, and of each class."""

    total: Share
    classes: dict[str, Share]


@dataclass(frozen=True)
class Overlap:
    """What one side shares with another by one check.

    Attributes:
        side, against: names of the sides; the figures are of the rows of `side`
        pairs: int64 [m, 2], table indices of a row of `side` and one of `against`, sorted. Near duplicates: every pair.
            Other checks: each row that shares something, with the first row of the other side that it shares it with
        shared: what each pair shares, str [m]: the value, the name, the digest of the content, "2 bits"
        figures: of all rows of `side`
        by: value of the column asked for -> figures of its rows of `side`
    """

    side: str
    against: str
    pairs: np.ndarray
    shared: np.ndarray
    figures: Figures
    by: dict[str, Figures]

    @property
    def rows(self) -> int:
        """Rows of `side` that share something."""
        return self.figures.total.rows


@dataclass(frozen=True)
class LeakCheck:
    """One check of a split.

    Attributes:
        name: group, file, column NAME, name, content, picture
        overlaps: one for each two sides that have rows; empty if the check was not made
        not_made: why the check could not be made, None if it was
        notes: what was left out of it
    """

    name: str
    overlaps: tuple[Overlap, ...] = ()
    not_made: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def leaks(self) -> bool:
        """Whether two sides share anything."""
        return any(overlap.rows for overlap in self.overlaps)


def find_leaks(
    table: Table,
    split: Split,
    columns: Sequence[str] | None = None,
    pictures: bool = True,
    distance: int = DISTANCE,
    by: str | None = None,
    progress: Progress | None = None,
) -> list[LeakCheck]:
    """Check each two sides of a split for what they share.

    Args:
        table: the samples
        split: their sides
        columns: metadata columns of which no value may be on two sides (default: `id_columns`); the groups of the table
            are checked in any case. A missing value is shared with nobody
        pictures: compare the pictures themselves, which reads every file
        distance: of near duplicates, in bits of 64 (imbalkit.inspection.near_duplicates)
        by: a column to break the figures down by
        progress: called with (pictures read, pictures in all)

    Returns:
        one LeakCheck each, in the order: group, file (where a file has several rows), columns, name, content, picture
        (without it if `pictures` is false)

    Raises:
        DataError: no such column `by`, or a distance outside 0 to 32
    """
    frame = table.frame
    if by is not None and by not in frame:
        raise DataError(f"the data have no column {by!r}{nearest(by, frame)} (columns: {listing(frame, 30)})")
    check_distance(distance)
    sides = _Sides(table, split, by)
    checks = [_group(sides), *_file(sides)]
    checks += [_column(sides, name) for name in (id_columns(table) if columns is None else dict.fromkeys(columns))]
    checks += [_name(sides), _content(sides)]
    return [*checks, _picture(sides, distance, progress)] if pictures else checks


def id_columns(table: Table) -> list[str]:
    """Metadata columns that name someone or something: those whose name is `id` or ends in `_id`, in any case."""
    names = [name for name in map(str, table.frame) if name not in RESERVED]
    return [name for name in names if name.lower() == "id" or name.lower().endswith("_id")]


class _Sides:
    """The rows of each side, and how to count those that share something."""

    def __init__(self, table: Table, split: Split, by: str | None):
        self.table, self.by = table, by
        self.rows: dict[str, np.ndarray] = {name: getattr(split, name) for name in SIDES}
        self.of = np.full(len(table), -1)  # which side each row is on
        for number, name in enumerate(SIDES):
            self.of[self.rows[name]] = number
        self.labels = table.labels.astype(np.int64)
        self.values = None if by is None else _text(table.frame[by]).fillna("missing")

    @cached_property
    def sizes(self) -> np.ndarray:
        """Size of each row's file in bytes, int64 [n], -1 for what is not there."""
        return np.array([_size(path) for path in self.table.frame.get("path", [""] * len(self.table))], dtype=np.int64)

    def check(self, name: str, values: pd.Series, notes: Sequence[str] = ()) -> LeakCheck:
        """Rows that share a value; a missing one is nobody's."""
        codes = pd.factorize(values)[0]
        found = []
        for side, against in self._pairs():
            pairs = _linked(codes, self.rows[side], self.rows[against])
            found.append(self._overlap(side, against, pairs, values.to_numpy()[pairs[:, 0]].astype(str)))
        return LeakCheck(name, tuple(found), notes=tuple(notes))

    def check_pairs(self, name: str, pairs: np.ndarray, notes: Sequence[str]) -> LeakCheck:
        """Pairs of rows that are found already, int64 [m, 3] with bits."""
        both = np.concatenate([pairs, pairs[:, [1, 0, 2]]])
        found = []
        for side, against in self._pairs():
            here = both[(self.of[both[:, 0]] == SIDES.index(side)) & (self.of[both[:, 1]] == SIDES.index(against))]
            here = here[np.lexsort((here[:, 1], here[:, 0]))]
            found.append(
                self._overlap(side, against, here[:, :2], np.array([f"{n} bits" for n in here[:, 2]], dtype=str))
            )
        return LeakCheck(name, tuple(found), notes=tuple(notes))

    def _pairs(self) -> list[tuple[str, str]]:
        return [(a, b) for a, b in PAIRS if len(self.rows[a]) and len(self.rows[b])]

    def _overlap(self, side: str, against: str, pairs: np.ndarray, shared: np.ndarray) -> Overlap:
        rows, hit = self.rows[side], np.unique(pairs[:, 0])
        by = {}
        if self.values is not None:
            values = self.values.iloc[rows]
            for value in natural_order(values):
                some = rows[values == value]
                by[value] = self._figures(np.intersect1d(hit, some), some)
        return Overlap(side, against, pairs, shared, self._figures(hit, rows), by)

    def _figures(self, hit: np.ndarray, rows: np.ndarray) -> Figures:
        classes = self.table.classes
        some, all_ = (np.bincount(self.labels[part], minlength=len(classes)).tolist() for part in (hit, rows))
        shares = {name: Share(*counts) for name, *counts in zip(classes, some, all_, strict=True)}
        return Figures(Share(len(hit), len(rows)), shares)


def _linked(codes: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pairs of a row of `a` and one of `b` of one code, int64 [m, 2], sorted: each row of either side that has such a
    partner, with its first one. Codes below 0 are missing."""
    a, b = a[codes[a] >= 0], b[codes[b] >= 0]
    first_a, first_b = (dict(zip(codes[rows][::-1], rows[::-1], strict=True)) for rows in (a, b))
    pairs = {(row, first_b[code]) for row, code in zip(a, codes[a], strict=True) if code in first_b}
    pairs |= {(first_a[code], row) for row, code in zip(b, codes[b], strict=True) if code in first_a}
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


# --- the checks ---------------------------------------------------------------------------------------------------------


def _group(sides: _Sides) -> LeakCheck:
    if sides.table.groups is None or only_files(sides.table.frame):
        return LeakCheck("group", not_made="the data have no groups")
    return _values(sides, "group", "group")


def _file(sides: _Sides) -> list[LeakCheck]:
    """Rows of one image file, where there are such."""
    codes, paths = sides.table.files, sides.table.frame.get("path")
    return [] if codes is None else [sides.check("file", paths.groupby(codes).transform("first"))]


def _column(sides: _Sides, column: str) -> LeakCheck:
    frame, name = sides.table.frame, f"column {column}"
    if column not in frame:
        return LeakCheck(name, not_made=f"the data have no column {column!r}{nearest(column, frame)}")
    return _values(sides, name, column)


def _values(sides: _Sides, name: str, column: str) -> LeakCheck:
    values = _text(sides.table.frame[column])
    missing = int(values.isna().sum())
    if missing == len(values):
        return LeakCheck(name, not_made=f"column {column!r} holds no value")
    return sides.check(name, values, [f"{missing:,} rows have none"] if missing else [])


def _text(values: pd.Series) -> pd.Series:
    """Values as text without spaces around; missing and empty ones are missing."""
    text = label_text(values.dropna()).str.strip()
    return text[text != ""].reindex(values.index)


def _name(sides: _Sides) -> LeakCheck:
    if "path" not in sides.table.frame:
        return LeakCheck("name", not_made=_NO_FILES)
    paths = sides.table.frame["path"]
    stems = paths.map(lambda path: PurePath(path).stem.lower())
    files = pd.Series(np.arange(len(paths)) if sides.table.files is None else sides.table.files)
    times = stems[~files.duplicated()].value_counts()
    files, own = int(times.sum()), int((times == 1).sum())
    if own < _LEAST_OWN_NAMES * files:
        why = f"{files - own:,} of {files:,} files share their name with another one (such as {times.index[0]!r}, "
        return LeakCheck("name", not_made=f"{why}{times.iloc[0]} times): names do not tell these files apart")
    return sides.check("name", stems)


def _content(sides: _Sides) -> LeakCheck:
    """Files of identical bytes: size first, then a digest of those whose size is on two sides."""
    table = sides.table
    if table.arrays is not None:
        return sides.check("content", pd.Series([_digest(pixels.tobytes()) for pixels in table.arrays]))
    sizes = sides.sizes
    if (sizes < 0).all():
        return LeakCheck("content", not_made=_none_there(table))
    paths = table.frame["path"]
    places = pd.Series(sides.of).groupby(sizes).transform("nunique").to_numpy()
    todo = np.flatnonzero((places > 1) & (sizes >= 0))
    digests = pd.Series(None, index=paths.index, dtype=object)
    with ThreadPoolExecutor(available_cores()) as pool:
        digests.iloc[todo] = list(pool.map(_file_digest, paths.iloc[todo]))
    unread = int((sizes < 0).sum() + digests.iloc[todo].isna().sum())
    return sides.check("content", digests, [f"{unread:,} files cannot be read: left out"] if unread else [])


def _picture(sides: _Sides, distance: int, progress: Progress | None) -> LeakCheck:
    table = sides.table
    rows = np.arange(len(table)) if table.arrays is not None else np.flatnonzero(sides.sizes >= 0)
    if not len(rows):
        return LeakCheck("picture", not_made=_none_there(table))
    pictures = table.frame["path"] if table.arrays is None else table.arrays
    found = fingerprints([pictures[row] for row in rows], progress)
    if len(found.unreadable) + len(found.faint) == len(rows):
        why = next(iter(found.unreadable.values()), _FAINT)
        return LeakCheck("picture", not_made=f"no picture can be compared: {why}")
    unread = len(table) - len(rows) + len(found.unreadable)
    notes = [f"{unread:,} files cannot be read: left out"] if unread else []
    if len(found.faint):
        notes.append(f"{len(found.faint):,} pictures are {_FAINT}: left out")
    pairs = found.pairs(distance)
    pairs[:, :2] = rows[pairs[:, :2]]
    return sides.check_pairs("picture", pairs, notes)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size if os.path.isfile(path) else -1
    except OSError:
        return -1


def _none_there(table: Table) -> str:
    if "path" not in table.frame:
        return _NO_FILES
    return (
        f"none of the {len(table):,} image files is there (the first is {os.path.abspath(table.frame['path'].iloc[0])})"
    )


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _file_digest(path: str) -> str | None:
    try:
        return _digest(read_file(path)[0])
    except DataError:
        return None
