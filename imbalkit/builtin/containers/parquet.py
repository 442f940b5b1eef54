"""Parquet files with a column of images, as on the Hugging Face hub."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from imbalkit.kinds import Container, DataError, Members, listing
from imbalkit_lite.parquet import cell_bytes, image_columns, is_binary

_ROWS = 64  # read at once
_HELD = 8  # batches that stay in memory: what threads ask for lies close together


class Parquet(Container):
    """A Parquet file with a column of images: `part-0.parquet!17` is row 17, from 0; `part-0.parquet!front/17` that of the column
    `front`, where several columns hold images. Cells are bytes, or structs `{bytes, path}`.

    Rows of a group are packed together: they are read fast in order, and slowly at random.
    """

    name = "parquet"
    endings = (".parquet", ".pq")

    def open(self, place: str) -> Members:
        return ParquetMembers(place)

    def example(self, folder: Path, files: Mapping[str, bytes]) -> tuple[str, list[str]]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        place = folder / "example.parquet"
        cells = [{"bytes": content, "path": name} for name, content in files.items()]
        pq.write_table(pa.table({"image": cells, "label": list(range(len(files)))}), place, row_group_size=16)
        return str(place), [str(row) for row in range(len(files))]


class ParquetMembers(Members):
    """Rows of the image columns."""

    named_files = False

    def __init__(self, place: str):
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            self._file = pq.ParquetFile(place)
        except pa.ArrowException as error:
            raise DataError(f"{place} is no Parquet file, or not all of it ({error}): get it again") from None
        fields = {field.name: field.type for field in self._file.schema_arrow}
        binary = [name for name, kind in fields.items() if is_binary(kind)]
        self._columns = binary if len(binary) == 1 else image_columns(self._file)
        if not self._columns:
            raise DataError(f"{place} has no column of images (columns: {listing(fields, 30)})")
        self._rows = self._file.metadata.num_rows
        self._lock = threading.Lock()
        self._readers: dict[str, _Reader] = {}

    def names(self) -> Sequence[str]:
        if len(self._columns) == 1:
            return [str(row) for row in range(self._rows)]
        return [f"{column}/{row}" for column in self._columns for row in range(self._rows)]

    def __contains__(self, name: str) -> bool:
        column, row = self._split(name)
        return column in self._columns and 0 <= row < self._rows

    def in_order(self, names: Iterable[str]) -> list[str]:
        return sorted(names, key=self._split)

    def read(self, name: str) -> bytes:
        column, row = self._split(name)
        with self._lock:
            reader = self._readers.setdefault(column, _Reader(self._file, column))
            try:
                content = reader.read(row)
            except OSError as error:
                raise DataError(f"row {row} cannot be read from its Parquet file ({error})") from None
        if content is None:
            raise DataError(f"row {row} of column {column!r} holds no image's bytes")
        return content

    def _split(self, name: str) -> tuple[str, int]:
        column, separator, row = name.rpartition("/")
        only = self._columns[0] if len(self._columns) == 1 else ""
        return column if separator else only, int(row) if row.isdecimal() and row.isascii() else -1


class _Reader:
    """Rows of a column, going forwards; the last few batches are kept. For one thread at a time."""

    def __init__(self, file: Any, column: str):
        self._file, self._column = file, column
        counts = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
        self._starts = [sum(counts[:group]) for group in range(len(counts) + 1)]
        self._held: deque[tuple[int, Any]] = deque(maxlen=_HELD)  # (first row, cells)
        self._next, self._group, self._batches = 0, -1, iter(())

    def read(self, row: int) -> bytes | None:
        for first, cells in self._held:
            if first <= row < first + len(cells):
                return cell_bytes(cells, row - first)
        group = next(group for group, start in enumerate(self._starts[1:]) if row < start)
        if group != self._group or row < self._next:
            self._group, self._next, self._batches = group, self._starts[group], self._of_group(group)
        while True:
            cells = next(self._batches)
            first, self._next = self._next, self._next + len(cells)
            if row < self._next:
                self._held.append((first, cells))
                return cell_bytes(cells, row - first)
            self._held.append((first, cells))

    def _of_group(self, group: int) -> Iterator[Any]:
        for batch in self._file.iter_batches(batch_size=_ROWS, row_groups=[group], columns=[self._column]):
            yield batch.column(0)
