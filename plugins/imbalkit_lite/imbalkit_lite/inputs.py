"""The images that a user names: files, folders, tables with a column of paths."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imbalkit_lite.containers import is_container, join_address, split_address
from imbalkit_lite.errors import DataError, listing, nearest
from imbalkit_lite.folders import list_folder
from imbalkit_lite.formats import EXTENSIONS
from imbalkit_lite.left_out import left_out
from imbalkit_lite.paths import local_path
from imbalkit_lite.tables import Cells, is_table, read_table, with_point
from imbalkit_lite.text import unquoted


@dataclass(frozen=True)
class Item:
    """An image to look at.

    Attributes:
        path: as it was written: by the user, or in the table
        file: where it is, or its address in a container; None where a table has no path in this row
        extra: the other columns of its table, as they are written
        decimal_comma: whether numbers in them are written so
    """

    path: str
    file: str | None
    extra: Mapping[str, Any] = field(default_factory=dict)
    decimal_comma: bool = False

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The other columns as a model takes them: numbers with a decimal comma have a point."""
        if not self.decimal_comma:
            return self.extra
        return {name: with_point(cell) if isinstance(cell, str) else cell for name, cell in self.extra.items()}


@dataclass(frozen=True)
class Files:
    """Files in a row, without anything else known of them."""

    paths: Sequence[str]

    columns = ()

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[Item]:
        return (Item(path, local_path(path)) for path in self.paths)


@dataclass(frozen=True)
class TableOfPaths:
    """The rows of a table; relative paths start at its folder or, if nothing is there, at the working directory.

    Attributes:
        header: names of the columns
        rows: cells of each row, None for a missing one
        column: which column holds the paths
        file: that it was read from, None for a table in memory
        decimal_comma: whether numbers are written so

    Raises DataError for a column that is not there.
    """

    header: Sequence[str]
    rows: Sequence[Cells]
    column: str = "path"
    file: Path | None = None
    decimal_comma: bool = False

    def __post_init__(self) -> None:
        if self.column not in self.header:
            raise DataError(
                f"{self.file.absolute() if self.file else 'the table'} has no column {self.column!r}"
                f"{nearest(self.column, self.header)} (columns: {listing(self.header, 30)}): name the one that holds "
                "the paths with --column"
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns besides the path."""
        return tuple(name for name in self.header if name != self.column)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Item]:
        names, place = self.columns, list(self.header).index(self.column)
        for row in self.rows:
            extra = dict(zip(names, (*row[:place], *row[place + 1 :]), strict=True))
            path = "" if row[place] is None else str(row[place])
            yield Item(path, self._find(path) if path.strip() else None, extra, self.decimal_comma)

    def _find(self, path: str) -> str:
        here = local_path(path)
        beside = local_path(path, self.file.parent) if self.file else here
        for place in (beside, here):
            address = split_address(place)
            if os.path.exists(place if address is None else address.place):
                return place
        # A CSV of `predict` has a quote before a path that looks like a formula.
        return beside if unquoted(path) == path else self._find(unquoted(path))


@dataclass(frozen=True)
class TableOfRows:
    """The rows of a table that are the samples themselves, known by their numbers.

    Attributes:
        header: names of the columns
        rows: cells of each row, None for a missing one
        numbers: of each row in its file, from 1 (default: every number)
        decimal_comma: whether numbers are written so
    """

    header: Sequence[str]
    rows: Sequence[Cells]
    numbers: Sequence[int] | None = None
    decimal_comma: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self.header)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Item]:
        numbers = range(1, len(self.rows) + 1) if self.numbers is None else self.numbers
        for number, row in zip(numbers, self.rows, strict=True):
            yield Item(str(number), None, dict(zip(self.header, row, strict=True)), self.decimal_comma)


@dataclass(frozen=True)
class Inputs:
    """Everything to look at, in the order in which it was named; rows are made on request.

    `notes` list what was left out of folders.
    """

    sources: tuple[Files | TableOfPaths | TableOfRows, ...]
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The other columns of all tables, each once."""
        return tuple(dict.fromkeys(name for source in self.sources for name in source.columns))

    @property
    def tables(self) -> list[tuple[str, ...]]:
        """The other columns of each source; () of one that is no table."""
        return [tuple(source.columns) for source in self.sources]

    def __len__(self) -> int:
        return sum(len(source) for source in self.sources)

    def __iter__(self) -> Iterator[Item]:
        for source in self.sources:
            yield from source


def find_rows(names: Iterable[str | os.PathLike[str]], columns: Sequence[str]) -> Inputs:
    """Tables (.csv, .tsv, .parquet) whose rows are to be predicted by a model that takes `columns` and no images.

    Raises DataError for what is no table, has no rows, or has none of the columns.
    """
    sources = []
    for name in (os.fspath(each) for each in names):
        path = Path(local_path(name))
        if not is_table(path):
            raise DataError(f"the model takes rows of a table: expected a .csv, .tsv or .parquet file, got {name}")
        table = TableOfRows(*read_table(path))
        if not len(table):
            raise DataError(f"{path.absolute()} has no rows")
        sources.append(check_rows(table, columns, str(path.absolute())))
    if not sources:
        raise DataError("there is nothing to predict: no tables were named")
    return Inputs(tuple(sources))


def check_rows(table: TableOfRows, columns: Sequence[str], name: str) -> TableOfRows:
    """The table. Raises DataError where it has none of the columns that a model takes."""
    if not set(columns) & set(table.header):
        raise DataError(
            f"{name} has none of the columns that the model takes ({listing(columns, 20)}); it has {listing(table.header, 20)}"
        )
    return table


def find_inputs(names: Iterable[str | os.PathLike[str]], column: str = "path") -> Inputs:
    """What the names stand for: an image file, or the address of one in a container; a folder or a container (every image
    below it, hidden ones left out, in order of their paths); a table (.csv, .tsv or .parquet) with a column of paths; a
    pattern such as "new/*.jpg" that is no file.

    A file that is not there is an item all the same. Raises DataError for tables that cannot be read or lack the column,
    and where there is nothing to look at.
    """
    parts: list[list[str] | TableOfPaths] = []  # lists of files, and tables
    empty, notes = [], []
    for name in (os.fspath(each) for each in names):
        path = Path(local_path(name))
        if os.path.isdir(path):  # unlike pathlib, whatever the name is
            below = list_folder(path)
            notes += [f"{name}: {note}" for note in left_out(below, link_advice="; name them as well to look there")]
            found = [os.path.join(name, *image.split("/")) for image in below.images]
            empty += [] if found else [f"{path.absolute()} holds no images"]
        elif is_table(path):
            table = read_table(path)
            parts.append(TableOfPaths(table.header, table.rows, column, path, table.decimal_comma))
            empty += [] if len(parts[-1]) else [f"{path.absolute()} has no rows"]
            continue
        elif path.suffix.lower() not in EXTENSIONS and is_container(path) and path.exists():
            found = [join_address(name, image) for image in list_folder(path).images]
            empty += [] if found else [f"{path.absolute()} holds no images"]
        elif not os.path.exists(path) and glob.has_magic(name):
            found = sorted(glob.glob(str(path), recursive=True)) or [name]
        else:
            found = [name]
        if parts and isinstance(parts[-1], list):
            parts[-1] += found
        else:
            parts.append(list(found))
    inputs = Inputs(tuple(Files(part) if isinstance(part, list) else part for part in parts), tuple(notes))
    if not len(inputs):
        raise DataError("there is nothing to predict: " + ("; ".join([*empty, *notes]) or "no files were named"))
    return inputs
