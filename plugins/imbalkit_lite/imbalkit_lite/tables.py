"""Tables of paths, read without pandas: CSV and TSV; Parquet where pandas is installed."""

from __future__ import annotations

import csv
import importlib
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from imbalkit_lite.columns import DECIMAL_COMMA
from imbalkit_lite.errors import DataError, MissingExtraError

TEXT, PARQUET = (".csv", ".tsv", ".txt"), (".parquet", ".pq")
_PACKED = {".gz": "gzip", ".bz2": "bz2", ".xz": "lzma", ".zip": "zipfile"}  # ending -> the module that opens it

_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32"}
_MARKS |= {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}  # after UTF-32's, which begin alike
_SEPARATORS = ",;\t|"
_SEP_LINE = re.compile(r'\s*"?sep=(.)"?[,;\t|\s]*', re.I)  # Excel's first line that names the separator

Header = tuple[str, ...]
Cells = tuple[Any, ...]


@dataclass(frozen=True)
class TextTable:
    """An open table of text, its header read.

    Attributes:
        header: names of the columns, without blanks around them
        stream: the rest, from the first row on
        separator: between the cells of a row; blanks that follow it are no part of a cell
        width: most cells that one of the first rows has; more than the header where rows end in separators
    """

    header: Header
    stream: io.TextIOBase
    separator: str
    width: int


class TableRows(NamedTuple):
    """A table that was read.

    Attributes:
        header: names of the columns
        rows: cells of each row, None for empty ones
        numbers: of each row in its file, from 1: blank lines do not count, rows of empty cells do, though they are left out
        decimal_comma: whether "1,234" means 1.234, as in a table separated by semicolons
    """

    header: Header
    rows: list[Cells]
    numbers: Sequence[int]
    decimal_comma: bool = False


def is_table(path: Path) -> bool:
    """Whether a file's name ends as a table's does: .csv, .tsv and .txt (also .gz, .bz2, .xz, .zip), .parquet, .pq."""
    suffix = path.suffix.lower()
    return suffix in (*TEXT, *PARQUET) or (suffix in _PACKED and Path(path.stem).suffix.lower() in TEXT)


def read_table(file: Path) -> TableRows:
    """A table's rows; cells of a text table as they are written ("007" is no 7), None for empty ones.

    Rows and unnamed columns without any value are left out. Raises DataError if it cannot be read.
    """
    if not file.is_file():
        raise DataError(f"there is no table {file.absolute()}")
    try:
        if file.suffix.lower() in PARQUET:
            header, cells = _parquet(file)
            return TableRows(header, cells, range(1, len(cells) + 1))
        with open_text_table(file) as table:
            return _text(file, table)
    except UnicodeError:
        raise not_text(file) from None
    except (ValueError, OSError, EOFError, csv.Error) as error:  # pyarrow's errors are among them
        raise DataError(f"{file.absolute()} cannot be read as a table: {str(error).strip()}") from None


@contextmanager
def open_text_table(file: Path) -> Iterator[TextTable]:
    """A CSV, TSV or text file, ready for its rows.

    UTF-8, or UTF-16 and UTF-32 with a byte order mark (Excel's 'Unicode text'); separated by tabs if its name says so, by
    what a first line `sep=;` says, or else by comma, semicolon, tab or bar, whichever its header has most of outside quotes.

    Raises:
        DataError: an empty file
        UnicodeError: not such text (`not_text` says where)
    """
    with _open(file) as stream:
        start = stream.read(1 << 16)
    encoding = _encoding(start)
    head = start.decode(encoding, errors="replace")
    named = _SEP_LINE.fullmatch(head.split("\n", 1)[0].rstrip("\r"))
    with _open(file) as raw:
        text = _WithoutMarks(io.TextIOWrapper(raw, encoding=encoding, newline=""))
        if named:
            text.readline()
            head = head.split("\n", 1)[-1]
        if ".tsv" in (suffix.lower() for suffix in file.suffixes):
            separator = "\t"
        else:
            separator = named[1] if named else _separator(head)
        names = next(csv.reader(text, delimiter=separator, skipinitialspace=True), [])
        if not any(name.strip() for name in names):
            raise DataError(f"{file.absolute()} is empty: expected a header and one row an image")
        rows = csv.reader(io.StringIO(head, newline=""), delimiter=separator, skipinitialspace=True)
        yield TextTable(_names(name.strip() for name in names), text, separator, max(map(len, rows)))


def not_text(file: Path) -> DataError:
    """The error for a file that is no UTF-8, with its first such line."""
    with _open(file) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                shown = line[max(0, error.start - 20) : error.start + 20].decode("cp1252", errors="replace").strip()
                return DataError(
                    f"{file.absolute()} is not UTF-8 text (line {number}: {shown!r}): save it as CSV (UTF-8)"
                )
    return DataError(f"{file.absolute()} is not UTF-8 text: save it as CSV (UTF-8)")


def frame_rows(frame: Any) -> tuple[Header, list[Cells]]:
    """Header and rows of a pandas DataFrame, None for missing cells."""
    cells = frame.astype(object).where(frame.notna(), None)
    return _names(map(str, frame.columns)), list(cells.itertuples(index=False, name=None))


class _WithoutMarks(io.TextIOBase):
    """A stream without the byte order marks that files put one after the other leave in the middle."""

    def __init__(self, stream: IO[str]):
        self.stream = stream

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> str:
        text = self.stream.read(-1 if size is None else size)
        cleaned = text.replace("\ufeff", "")
        return cleaned if cleaned or not text else self.read(size)  # "" would mean the end

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]  # typeshed's IOBase returns bytes
        return self.stream.readline(size).replace("\ufeff", "")


def _encoding(start: bytes) -> str:
    for mark, encoding in _MARKS.items():
        if start.startswith(mark):
            return encoding
    # UTF-16 without a mark: every other byte of Latin text is zero.
    if len(start) > 3 and start[1] == start[3] == 0 and start[0] and start[2]:
        return "utf-16-le"
    return "utf-16-be" if len(start) > 3 and start[0] == start[2] == 0 and start[1] and start[3] else "utf-8"


def _separator(head: str) -> str:
    """The separator that the first row has most of, outside quotes."""
    bare = re.sub(r'"(?:[^"]|"")*"', "", head).lstrip("\r\n")
    return max(_SEPARATORS, key=re.split("[\r\n]", bare, maxsplit=1)[0].count)


def _text(file: Path, table: TextTable) -> TableRows:
    width = len(table.header)
    rows, numbers = [], []
    reader = csv.reader(table.stream, delimiter=table.separator, skipinitialspace=True)
    for number, row in enumerate(filter(None, reader), start=1):
        if any(row[width:]):
            raise DataError(f"{file.absolute()}: row {number}: expected {width} cells as in the header, got {len(row)}")
        if any(row):
            numbers.append(number)
            rows.append(tuple(cell or None for cell in row[:width]) + (None,) * (width - len(row)))
    empty = [name.startswith("Unnamed: ") and not any(row[i] for row in rows) for i, name in enumerate(table.header)]
    comma = table.separator == ";"
    if not any(empty):
        return TableRows(table.header, rows, numbers, comma)
    keep = [place for place, drop in enumerate(empty) if not drop]
    header = tuple(table.header[i] for i in keep)
    return TableRows(header, [tuple(row[i] for i in keep) for row in rows], numbers, comma)


def with_point(cell: str) -> str:
    """A number with a decimal comma ("57,3", "1,234") with a point: what it means in a table separated by semicolons."""
    return cell.replace(",", ".") if DECIMAL_COMMA.fullmatch(cell) else cell


def _names(found: Iterable[str]) -> Header:
    """Column names, each once: those that repeat are numbered from the first on ("age (1st)"): none is taken for another."""
    given = [name or f"Unnamed: {place}" for place, name in enumerate(found)]
    times = Counter(given)
    seen: Counter[str] = Counter()
    names: dict[str, None] = {}
    for name in given:
        seen[name] += 1
        own = name if times[name] == 1 else f"{name} ({_ordinal(seen[name])})"
        while own in names or (own != name and own in times):
            own += "'"
        names[own] = None
    return tuple(names)


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"


def _open(file: Path) -> IO[bytes]:
    """The file's bytes, unpacked. Raises DataError for a packed file that is not understood."""
    ending = file.suffix.lower()
    if ending in _PACKED:
        module = importlib.import_module(_PACKED[ending])
        if ending != ".zip":
            return module.open(file, "rb")
        with module.ZipFile(file) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            if len(names) != 1:
                raise DataError(f"{file.absolute()} holds {len(names)} files: expected one table")
            return io.BytesIO(archive.read(names[0]))
    if ending in (".zst", ".tar", ".7z", ".rar", ".tgz"):
        raise DataError(f"{file.absolute()} is packed in a way that is not read: unpack it, or pack it with gzip")
    return open(file, "rb")


def _parquet(file: Path) -> tuple[Header, list[Cells]]:
    try:
        from imbalkit_lite.parquet import read_parquet

        return frame_rows(read_parquet(file))
    except ImportError:
        raise MissingExtraError(f"{file} is a Parquet table, which needs pandas and pyarrow: save it as CSV") from None
