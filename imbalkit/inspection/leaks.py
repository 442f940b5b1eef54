"""Is a split's test independent of its training? Looks for what two splits share, check by check.

Checks: a group, the values of metadata columns, the name of the file, the content of the file, and a near-duplicate picture
(imbalkit.inspection.near_duplicates). A check that cannot be made says why and is never passed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import PurePath

import numpy as np
import pandas as pd

from imbalkit.data.cache import available_cores
from imbalkit.data.row_hashes import hash_rows
from imbalkit.data.same_file import only_files
from imbalkit.data.split import Split
from imbalkit.data.split_column import SPLIT_NAMES
from imbalkit.data.table import RESERVED, Table, label_text, natural_order
from imbalkit.errors import DataError, listing, nearest
from imbalkit.inspection.near_duplicates import DISTANCE, LEAST_SIDE, check_distance, fingerprints
from imbalkit.inspection.overlaps import LeakCheck, Overlap, Share, SharedRows
from imbalkit_lite.containers import split_address
from imbalkit_lite.opening import read_file

PAIRS = (("test", "train"), ("test", "validation"), ("validation", "train"))
_LEAST_OWN_NAMES = 0.9  # share of the files with a name of their own, below which a name tells nothing
_FAINT = f"nearly uniform, or smaller than {LEAST_SIDE} px"
_NO_FILES = "the data name no files"

Progress = Callable[[int, int], None]


def find_leaks(
    table: Table,
    split: Split,
    columns: Sequence[str] | None = None,
    pictures: bool = True,
    distance: int = DISTANCE,
    by: str | None = None,
    progress: Progress | None = None,
    inputs: Sequence[str] = (),
) -> list[LeakCheck]:
    """Check each two of train, validation and test for what they share.

    Args:
        table: the samples
        split: which of them are train, validation and test
        columns: metadata columns of which no value may be in two splits (default: `id_columns`); the groups of the table
            are checked in any case. A missing value is shared with none
        pictures: compare the pictures themselves, which reads every file
        distance: of near duplicates, in bits of 64 (imbalkit.inspection.near_duplicates)
        by: a column to break the counts down by
        progress: called with (pictures read, pictures in all)
        inputs: of rows without images, the columns that a network is given; rows are equal if these are (default: all)

    Returns:
        one LeakCheck each, in the order: group, file (where a file has several rows), columns, name, content, picture
        (without it if `pictures` is false)

    Raises:
        DataError: no such column `by`, or a distance outside 0 to 32
    """
    known = [str(name) for name in table.frame]
    if by is not None and by not in known:
        raise DataError(f"the data have no column {by!r}{nearest(by, known)} (columns: {listing(known, 30)})")
    check_distance(distance)
    data = _SplitRows(table, split, by, inputs)
    checks = [_group(data), *_file(data)]
    checks += [_column(data, name) for name in (id_columns(table) if columns is None else dict.fromkeys(columns))]
    checks += [_name(data), _content(data)]
    return [*checks, _picture(data, distance, progress)] if pictures else checks


def id_columns(table: Table) -> list[str]:
    """Metadata columns that name someone or something: those whose name is `id` or ends in `_id`, in any case."""
    names = [name for name in map(str, table.frame) if name not in RESERVED]
    return [name for name in names if name.lower() == "id" or name.lower().endswith("_id")]


class _SplitRows:
    """The rows of each split, and how to count those that share something."""

    def __init__(self, table: Table, split: Split, by: str | None, inputs: Sequence[str]):
        self.table, self.by, self.inputs = table, by, inputs
        self.rows: dict[str, np.ndarray] = {name: getattr(split, name) for name in SPLIT_NAMES}
        self.of = np.full(len(table), -1)  # which split each row is in
        for number, name in enumerate(SPLIT_NAMES):
            self.of[self.rows[name]] = number
        self.labels = table.labels.astype(np.int64)
        self.values = None if by is None else _text(table.frame[by]).fillna("missing")

    @cached_property
    def sizes(self) -> np.ndarray:
        """Size of each row's file in bytes, int64 [n], -1 for what is not there."""
        return np.array([_size(path) for path in self.table.frame.get("path", [""] * len(self.table))], dtype=np.int64)

    def check(self, check: str, values: pd.Series, notes: Sequence[str] = ()) -> LeakCheck:
        """Rows that share a value; a missing one is shared with none."""
        codes = pd.factorize(values)[0]
        found = []
        for name, against in self._pairs():
            pairs = _linked(codes, self.rows[name], self.rows[against])
            found.append(self._overlap(name, against, pairs, values.to_numpy()[pairs[:, 0]].astype(str)))
        return LeakCheck(check, tuple(found), notes=tuple(notes))

    def check_pairs(self, check: str, pairs: np.ndarray, notes: Sequence[str]) -> LeakCheck:
        """Pairs of rows that are found already, int64 [m, 3] with bits."""
        both = np.concatenate([pairs, pairs[:, [1, 0, 2]]])
        found = []
        for name, against in self._pairs():
            here = both[
                (self.of[both[:, 0]] == SPLIT_NAMES.index(name)) & (self.of[both[:, 1]] == SPLIT_NAMES.index(against))
            ]
            here = here[np.lexsort((here[:, 1], here[:, 0]))]
            found.append(
                self._overlap(name, against, here[:, :2], np.array([f"{n} bits" for n in here[:, 2]], dtype=str))
            )
        return LeakCheck(check, tuple(found), notes=tuple(notes))

    def _pairs(self) -> list[tuple[str, str]]:
        return [(a, b) for a, b in PAIRS if len(self.rows[a]) and len(self.rows[b])]

    def _overlap(self, name: str, against: str, pairs: np.ndarray, shared: np.ndarray) -> Overlap:
        rows, hit = self.rows[name], np.unique(pairs[:, 0])
        by = {}
        if self.values is not None:
            values = self.values.iloc[rows]
            for value in natural_order(values):
                some = rows[values == value]
                by[value] = self._count(np.intersect1d(hit, some), some)
        return Overlap(name, against, pairs, shared, self._count(hit, rows), by)

    def _count(self, hit: np.ndarray, rows: np.ndarray) -> SharedRows:
        classes = self.table.classes
        some, all_ = (np.bincount(self.labels[part], minlength=len(classes)).tolist() for part in (hit, rows))
        shares = {name: Share(*counts) for name, *counts in zip(classes, some, all_, strict=True)}
        return SharedRows(Share(len(hit), len(rows)), shares)


def _linked(codes: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pairs of a row of `a` and one of `b` of one code, int64 [m, 2], sorted: each row of either that has such a
    partner, with its first one. Codes below 0 are missing."""
    a, b = a[codes[a] >= 0], b[codes[b] >= 0]
    first_a, first_b = (dict(zip(codes[rows][::-1], rows[::-1], strict=True)) for rows in (a, b))
    pairs = {(row, first_b[code]) for row, code in zip(a, codes[a], strict=True) if code in first_b}
    pairs |= {(first_a[code], row) for row, code in zip(b, codes[b], strict=True) if code in first_a}
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


# --- the checks ---------------------------------------------------------------------------------------------------------


def _group(data: _SplitRows) -> LeakCheck:
    if data.table.groups is None or only_files(data.table.frame):
        return LeakCheck("group", not_made="the data have no groups")
    return _values(data, "group", "group")


def _file(data: _SplitRows) -> list[LeakCheck]:
    """Rows of one image file, where there are such."""
    codes = data.table.files
    return [] if codes is None else [data.check("file", data.table.frame["path"].groupby(codes).transform("first"))]


def _column(data: _SplitRows, column: str) -> LeakCheck:
    frame, name = data.table.frame, f"column {column}"
    if column not in frame:
        return LeakCheck(name, not_made=f"the data have no column {column!r}{nearest(column, map(str, frame))}")
    return _values(data, name, column)


def _values(data: _SplitRows, name: str, column: str) -> LeakCheck:
    values = _text(data.table.frame[column])
    missing = int(values.isna().sum())
    if missing == len(values):
        return LeakCheck(name, not_made=f"column {column!r} holds no value")
    return data.check(name, values, [f"{missing:,} rows have none"] if missing else [])


def _text(values: pd.Series) -> pd.Series:
    """Values as text without spaces around; missing and empty ones are missing."""
    text = label_text(values.dropna()).str.strip()
    return text[text != ""].reindex(values.index)


def _name(data: _SplitRows) -> LeakCheck:
    if "path" not in data.table.frame:
        return LeakCheck("name", not_made=_NO_FILES)
    paths = data.table.frame["path"]
    stems = paths.map(lambda path: PurePath(path).stem.lower())
    files = pd.Series(np.arange(len(paths)) if data.table.files is None else data.table.files)
    times = stems[~files.duplicated()].value_counts()
    count, own = int(times.sum()), int((times == 1).sum())
    if own < _LEAST_OWN_NAMES * count:
        why = f"{count - own:,} of {count:,} files share their name with another one (such as {times.index[0]!r}, "
        return LeakCheck("name", not_made=f"{why}{times.iloc[0]} times): names do not tell these files apart")
    return data.check("name", stems)


def _content(data: _SplitRows) -> LeakCheck:
    """Files of identical bytes: size first, then a digest of those whose size is in two splits."""
    table = data.table
    if table.features is not None:  # rows alike in every column that a network is given
        rows = hash_rows(table.frame, data.inputs or table.features.columns)
        return data.check("content", pd.Series([f"{row:016x}" for row in rows]))
    if table.arrays is not None:
        return data.check("content", pd.Series([_digest(pixels.tobytes()) for pixels in table.arrays]))
    sizes = data.sizes
    if (sizes < 0).all():
        return LeakCheck("content", not_made=_none_there(table))
    paths = table.frame["path"]
    places = pd.Series(data.of).groupby(sizes).transform("nunique").to_numpy()
    todo = np.flatnonzero((places > 1) & (sizes >= 0))
    digests = pd.Series(None, index=paths.index, dtype=object)
    with ThreadPoolExecutor(available_cores()) as pool:
        digests.iloc[todo] = list(pool.map(_file_digest, paths.iloc[todo]))
    unread = int((sizes < 0).sum() + digests.iloc[todo].isna().sum())
    return data.check("content", digests, [f"{unread:,} files cannot be read: left out"] if unread else [])


def _picture(data: _SplitRows, distance: int, progress: Progress | None) -> LeakCheck:
    table = data.table
    if table.features is not None:
        return LeakCheck("picture", not_made="the data have no pictures")
    rows = np.arange(len(table)) if table.arrays is not None else np.flatnonzero(data.sizes >= 0)
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
    return data.check_pairs("picture", pairs, notes)


def _size(path: str) -> int:
    try:
        if split_address(path) is not None:
            return len(read_file(path)[0])
        return os.stat(path).st_size if os.path.isfile(path) else -1
    except (OSError, DataError):
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
