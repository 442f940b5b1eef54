"""Parquet tables whose columns hold images: their cells are read as addresses, `part-0.parquet!17`, not as bytes.

Needs pandas and pyarrow, which are imported where they are used.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from imbalkit_lite.folders import begins_as_picture

if TYPE_CHECKING:
    import pandas as pd

_BYTES = "bytes"  # field of the Hugging Face hub's images, beside `path`


def read_parquet(file: str | os.PathLike[str]) -> pd.DataFrame:
    """A table; in columns of images each cell is the absolute path of the table, "!" and the row from 0.

    Where several columns hold images, the column stands before the row: `table.parquet!front/17`.
    """
    import pandas as pd
    import pyarrow.parquet as pq

    images = []
    if os.path.isfile(file):  # a folder of parts is read by pandas alone
        with pq.ParquetFile(file) as table:
            images = image_columns(table)
            names, rows = table.schema_arrow.names, table.metadata.num_rows
    if not images:
        return _with_exact_integers(file, pd.read_parquet(file))
    frame = _with_exact_integers(file, pd.read_parquet(file, columns=[name for name in names if name not in images]))
    for column in images:
        start = f"{os.path.abspath(file)}!" + (f"{column}/" if len(images) > 1 else "")
        frame.insert(names.index(column), column, [f"{start}{row}" for row in range(rows)])
    return frame


def may_be_rounded(values: pd.Series) -> bool:
    """Whether a column of floats holds whole numbers that may be others in the file: from 2^53 on."""
    return values.dtype.kind == "f" and bool((values.abs() >= 2**53).any())


def _with_exact_integers(file: str | os.PathLike[str], frame: pd.DataFrame) -> pd.DataFrame:
    """The table with large whole numbers as they are in the file: pandas rounds them in a column that has gaps."""
    import pyarrow.parquet as pq
    import pyarrow.types as types

    for name in [name for name in frame.columns if may_be_rounded(frame[name])]:
        column = pq.read_table(file, columns=[str(name)]).column(str(name))
        if types.is_integer(column.type):
            frame[name] = column.to_pandas(integer_object_nulls=True).to_numpy()
    return frame


def image_columns(table: Any) -> list[str]:
    """Columns of a pyarrow ParquetFile that hold images: binary, or structs with binary `bytes`, that begin as images do."""
    found = [field.name for field in table.schema_arrow if is_binary(field.type)]
    return [name for name in found if _first_is_picture(table, name)]


def class_names(file: str | os.PathLike[str], column: str) -> dict[str, str] | None:
    """Label -> class name, as a Parquet file of the Hugging Face hub says it of a column; None where it does not."""
    if not os.fspath(file).lower().endswith((".parquet", ".pq")):
        return None
    import pyarrow.parquet as pq

    written = (pq.read_schema(file).metadata or {}).get(b"huggingface", b"{}")
    try:
        names = json.loads(written)["info"]["features"][column]["names"]
        return {str(number): str(name) for number, name in enumerate(names)}
    except (ValueError, KeyError, TypeError):
        return None


def is_binary(kind: Any) -> bool:
    """Whether a pyarrow type may hold the bytes of images."""
    import pyarrow.types as types

    if types.is_struct(kind):
        place = kind.get_field_index(_BYTES)
        return place >= 0 and is_binary(kind.field(place).type) and not types.is_struct(kind.field(place).type)
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def cell_bytes(cells: Any, place: int) -> bytes | None:
    """The image in a pyarrow array of such a column, None where there is none."""
    value = cells[place].as_py()
    return value.get(_BYTES) if isinstance(value, dict) else value


def _first_is_picture(table: Any, column: str) -> bool:
    for batch in table.iter_batches(batch_size=16, columns=[column]):
        for place in range(len(batch)):
            content = cell_bytes(batch.column(0), place)
            if content:
                return begins_as_picture(content)
        return False
    return False
