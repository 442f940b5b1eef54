"""CSV files for people: what a terminal or a spreadsheet would act on is made plain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbalkit_lite.files import write_atomic
from imbalkit_lite.text import cell

if TYPE_CHECKING:
    import pandas as pd


def write_csv(path: Path, frame: pd.DataFrame, **options: Any) -> None:
    """Write a frame, whole or not at all; text as `imbalkit_lite.text.cell` gives it, `options` as of DataFrame.to_csv."""
    from pandas.api.types import is_numeric_dtype

    shown = frame.apply(lambda column: column if is_numeric_dtype(column) else column.map(cell))
    shown.columns = [cell(name) for name in frame.columns]
    options |= {"index": False, "encoding": "utf-8", "errors": "surrogateescape"}
    write_atomic(path, lambda temporary: shown.to_csv(temporary, **options))
