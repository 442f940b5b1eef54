"""Tables of paths, read without pandas: CSV and TSV; Parquet where pandas is installed."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from imbalkit_lite.errors import DataError, MissingExtraError

TEXT, PARQUET = (".csv", ".tsv"), (".parquet", ".pq")

Header = tuple[str, ...]
Cells = tuple[Any, ...]


def is_table(path: Path) -> bool:
    """Whether a file's name ends as a table's does: .csv and .tsv (also .gz), .parquet, .pq."""
    suffix = path.suffix.lower()
    return suffix in (*TEXT, *PARQUET) or (suffix == ".gz" and Path(path.stem).suffix.lower() in TEXT)


def read_table(file: Path) -> tuple[Header, list[Cells]]:
    """Header and rows; cells of a CSV or TSV as they are written ("007" is no 7), None for empty ones.

    A `.csv` may be separated by comma, semicolon, tab or bar, whichever its header has most of. Raises DataError if it
    cannot be read.
    """
    if not file.is_file():
        raise DataError(f"there is no table {file.absolute()}")
    try:
        if file.suffix.lower() in PARQUET:
            return _parquet(file)
        with _open(file) as stream:
            return _text(file, stream)
    except UnicodeError:
        raise DataError(f"{file.absolute()} is not UTF-8 text: save it as CSV (UTF-8)") from None
    except (ValueError, OSError, EOFError, csv.Error) as error:  # pyarrow's errors are among them
        raise DataError(f"{file.absolute()} cannot be read as a table: {str(error).strip()}") from None


def frame_rows(frame: Any) -> tuple[Header, list[Cells]]:
    """Header and rows of a pandas DataFrame, None for missing cells."""
    cells = frame.astype(object).where(frame.notna(), None)
    return _names(map(str, frame.columns)), list(cells.itertuples(index=False, name=None))


def _text(file: Path, stream: IO[str]) -> tuple[Header, list[Cells]]:
    start = stream.readline()
    tab = ".tsv" in (suffix.lower() for suffix in file.suffixes)
    reader = csv.reader(_and_then(start, stream), delimiter="\t" if tab else max(",;\t|", key=start.count))
    header = _names(next(reader, []))
    if not header:
        raise DataError(f"{file.absolute()} is empty: expected a header and one row an image")
    return header, list(_rows(file, reader, len(header)))


def _rows(file: Path, reader: Any, width: int) -> Iterator[Cells]:
    for row in reader:
        if not row:  # a blank line
            continue
        if len(row) > width:
            raise DataError(
                f"{file.absolute()}:{reader.line_num}: expected {width} cells as in the header, got {len(row)}"
            )
        yield tuple(cell or None for cell in row) + (None,) * (width - len(row))


def _names(found: Iterable[str]) -> Header:
    """Column names, each once: of those that repeat, the later ones are numbered ("age.1"), as pandas does it."""
    names: dict[str, None] = {}
    for place, name in enumerate(found):
        name = name or f"Unnamed: {place}"
        own, number = name, 0
        while own in names:
            number += 1
            own = f"{name}.{number}"
        names[own] = None
    return tuple(names)


def _and_then(first: str, rest: Iterable[str]) -> Iterator[str]:
    if first:
        yield first
    yield from rest


def _open(file: Path) -> IO[str]:
    opener = gzip.open if file.suffix.lower() == ".gz" else open
    return opener(file, "rt", encoding="utf-8-sig", newline="")


def _parquet(file: Path) -> tuple[Header, list[Cells]]:
    try:
        import pandas as pd
    except ImportError:
        raise MissingExtraError(f"{file} is a Parquet table, which needs pandas and pyarrow: save it as CSV") from None
    return frame_rows(pd.read_parquet(file))
