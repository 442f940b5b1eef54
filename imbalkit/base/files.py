"""Files that are there whole or not at all: Parquet for programs, CSV for people, JSON.

In CSV, what a terminal or a spreadsheet would act on is made plain.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbalkit_lite.files import write_atomic, write_text
from imbalkit_lite.text import cell, json_text

if TYPE_CHECKING:
    import pandas as pd


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """A table as Parquet; the same table gives the same bytes. Raises WriteError."""
    write_atomic(path, lambda temporary: frame.to_parquet(temporary, index=False, compression="zstd"))


def write_csv(path: Path, frame: pd.DataFrame, **options: Any) -> None:
    """A table as CSV: text as `imbalkit_lite.text.cell` gives it, `options` as of DataFrame.to_csv. Raises WriteError."""
    from pandas.api.types import is_numeric_dtype

    shown = frame.apply(lambda column: column if is_numeric_dtype(column) else column.map(cell))
    shown.columns = [cell(name) for name in frame.columns]
    options |= {"index": False, "encoding": "utf-8", "errors": "surrogateescape"}
    write_atomic(path, lambda temporary: shown.to_csv(temporary, **options))


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """A mapping as JSON. Raises WriteError."""
    write_text(path, json_text(data, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """A mapping in a JSON file; empty if it is not one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, as hex digits. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):  # Python 3.10 has no hashlib.file_digest
            digest.update(part)
    return digest.hexdigest()
