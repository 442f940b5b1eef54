"""Which rows of a table are of one real image file: such rows are one photograph, and belong in one split."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Hashable, Iterable

import numpy as np
import pandas as pd

_NAME = "same file: "  # begins the name of a group that only a file makes


def file_codes(paths: Iterable[str]) -> np.ndarray:
    """A number for each path, the same for paths of one file, int64 [n].

    A file that is there is known by its device and inode, so that links and other spellings are found; one that is not, by
    its folder's real path and its name.
    """
    given = paths.tolist() if isinstance(paths, pd.Series) else list(paths)  # pandas goes through its text slowly
    spelt, names = pd.factorize(_objects(given))
    parts = [_parts(name) for name in names]
    folders = {head: _Folder(head) for head in {head for head, _ in parts}}
    real = {head: f"{folder.real}{os.sep}" for head, folder in folders.items()}
    written, _ = pd.factorize(_objects([real[head] + tail for head, tail in parts]))
    if not any(folder.there for folder in folders.values()):
        return written[spelt].astype(np.int64)
    identities: list[Hashable] = list(written.tolist())  # of each name: its path's number, or the file's identity
    for number, (head, tail) in enumerate(parts):
        if (folder := folders[head]).there and (identity := folder.identity(names[number], tail)):
            identities[number] = identity
    return pd.factorize(_objects(identities))[0][spelt].astype(np.int64)


def _objects(values: list[Hashable]) -> np.ndarray:
    """Values of any type as an array of objects, [n]; NumPy would make rows of tuples."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _parts(name: str) -> tuple[str, str]:
    """A path's folder and name, as they are spelt."""
    head, separator, tail = (name.replace(os.altsep, os.sep) if os.altsep else name).rpartition(os.sep)
    if tail in ("", ".", ".."):
        return name, ""
    return head or separator or os.curdir, os.path.normcase(tail) if os.altsep else tail


class _Folder:
    """A folder as it is spelt in paths: its real path, and the files in it."""

    def __init__(self, spelt: str):
        self.names: set[str] | None = None  # of its files, listed once a file was not there
        try:
            self.real, self.there = os.path.realpath(spelt), os.path.isdir(spelt)
        except (OSError, ValueError):  # a loop of links, a null byte
            self.real, self.there = spelt, False

    def identity(self, path: str, name: str) -> tuple[int, ...] | None:
        """What the file is known by, None where it is not there; the size too, as some file systems make up inodes."""
        if self.names is not None and _folded(name) not in self.names:
            return None  # spares 58,000 questions for the images of a table that has none
        try:
            found = os.stat(path)
        except (OSError, ValueError):
            self.names = self.names or self._listed()
            return None
        return (found.st_dev, found.st_ino, found.st_size) if found.st_ino else None

    def _listed(self) -> set[str] | None:
        try:
            return {_folded(name) for name in os.listdir(self.real)}
        except OSError:
            return None


def _folded(name: str) -> str:
    """One spelling of names that some file systems take for the same."""
    return unicodedata.normalize("NFC", name).casefold()


def repeated_files(paths: Iterable[str]) -> np.ndarray | None:
    """`file_codes`, or None where every row has a file of its own."""
    codes = file_codes(paths)
    return codes if codes.max(initial=-1) + 1 < len(codes) else None


def joined_groups(frame: pd.DataFrame, files: np.ndarray) -> pd.Series:
    """The group of each row when rows of one file are kept together, too; missing where nothing joins a row to another.

    A group that files join to others has the name of the first of them; rows without a group, that of their first path
    ("same file: a.png") below the folder of all, so that the name stays when the folder moves.

    Args:
        frame: columns `path` and, optionally, `group` (missing allowed)
        files: `file_codes` of the paths
    """
    several = pd.Series(files).duplicated(keep=False).to_numpy()
    above = os.path.commonprefix([frame["path"].min(), frame["path"].max()]).rpartition(os.sep)
    paths = _NAME + frame["path"].str.slice(len(above[0] + above[1]))
    if "group" not in frame or frame["group"].isna().all():
        first = pd.Series(paths.to_numpy(), index=files).groupby(level=0).first()
        return pd.Series(files, index=frame.index).map(first).astype(object).where(several, None)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    group, names = pd.factorize(frame["group"])
    named = np.flatnonzero(group >= 0)
    size = int(files.max()) + 1 + len(names)  # a graph of files and groups: a row joins its file to its group
    edges = (files[named], int(files.max()) + 1 + group[named])
    graph = coo_array((np.ones(len(named), dtype=np.int8), edges), shape=(size, size))
    part = pd.Series(connected_components(graph, directed=False)[1][files], index=frame.index)
    first_group = frame["group"].groupby(part).first()  # of those that are not missing
    first_path = paths.groupby(part).first()
    found = part.map(first_group).astype(object)
    return found.where(found.notna(), part.map(first_path).where(several, None))


def only_files(frame: pd.DataFrame) -> bool:
    """Whether the groups of a frame (column `group`) only say which rows are of one file."""
    return bool(frame["group"].dropna().str.startswith(_NAME).all())


def file_facts(labels: np.ndarray, files: np.ndarray | None) -> dict[str, int]:
    """How many files have several rows, their rows, and how many of them have rows of different labels."""
    if files is None:
        return {"files": 0, "rows": 0, "differing_labels": 0}
    rows = pd.Series(labels).groupby(files).agg(["size", "nunique"])
    several = rows[rows["size"] > 1]
    return {
        "files": len(several),
        "rows": int(several["size"].sum()),
        "differing_labels": int((several["nunique"] > 1).sum()),
    }


def file_note(labels: np.ndarray, files: np.ndarray) -> str:
    """What a reader must know of rows that share their file."""
    facts = file_facts(labels, files)
    count, differing = facts["files"], facts["differing_labels"]
    text = (
        f"{facts['rows']:,} rows share their image file with another row ({count:,} file{'s' * (count != 1)}) and stay with "
        "it in one split where splits are drawn"
    )
    return text + (
        f"; {differing:,} file{'s have' if differing != 1 else ' has'} rows of different labels" * bool(differing)
    )
