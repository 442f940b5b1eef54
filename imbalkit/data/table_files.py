"""Tables as users keep them: CSV, TSV, JSON lines and Parquet files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from imbalkit.errors import DataError, listing, nearest
from imbalkit_lite.columns import GAPS, as_number
from imbalkit_lite.parquet import may_be_rounded, read_parquet
from imbalkit_lite.tables import not_text, open_text_table, with_point

if TYPE_CHECKING:
    import pandas as pd


def read_table(file: Path, text: Iterable[str] = (), ids: Iterable[str] = ()) -> pd.DataFrame:
    """A CSV, TSV or Parquet file; columns in `text` and `ids` as text ("007" stays), the others as pandas reads them.

    In `text` an empty cell alone is missing ("NA" and "None" may be labels); in the others the usual words are. Text is
    understood as imbalkit_lite.tables does it. Rows and unnamed columns without any value are left out; the index counts
    the rows as the file has them, from 0. A column of whole numbers that floats would round (from 2^53 on, in a column with
    gaps) stays text, or Python's integers. Raises DataError if it cannot be read.
    """
    import pandas as pd

    strict = set(text)
    as_text = strict | set(ids)
    endings = [suffix.lower() for suffix in file.suffixes]
    try:
        lines = endings[-1:] in ([".jsonl"], [".ndjson"])
        if lines or ".parquet" in endings or ".pq" in endings:
            frame = _json_lines(file) if lines else read_parquet(file)
            for column in as_text & set(frame.columns):
                known = frame[column].notna()
                cells = frame[column].astype(object).where(known, "").map(_listed)
                frame[column] = whole_numbers(cells.astype(str)).mask(~known)
            return frame.reset_index(drop=True)
        if {".xlsx", ".xls", ".ods"} & set(endings):
            raise DataError(f"{file.absolute()} is a spreadsheet: save it as CSV (UTF-8) first")
        with open_text_table(file) as table:
            # Columns to spare show cells beyond the header, for which pandas would move the others to the left.
            spare = [f"Unnamed: {place}" for place in range(len(table.header), max(table.width, len(table.header)) + 1)]
            names = [*table.header, *spare]
            frame = pd.read_csv(
                table.stream,
                header=None,
                names=names,
                index_col=False,
                sep=table.separator,
                skipinitialspace=True,
                dtype={column: str for column in names if column in as_text or column in spare},
                keep_default_na=False,
                na_values={column: [""] if column in strict else list(GAPS) for column in names},
                low_memory=False,
                # As Python reads a number, and so every other reader of ours; pandas does so by itself since 3.1.
                float_precision=None if _version(pd.__version__) >= (3, 1) else "round_trip",
            )
            if rounded := {name for name in names if name not in as_text and _is_too_large(frame[name])}:
                return read_table(file, strict, {*ids, *rounded})
            if table.separator == ";":
                others = [name for name in table.header if name not in as_text]
                points = _numbers_in(frame, others)
                frame = _with_points(frame, others)
                if points and len(_numbers_in(frame, others)) > len(points):
                    _check_thousands(file, read_table(file, points, ids)[points])
        return _tidied(frame, table.header, file)
    except UnicodeError:
        raise not_text(file) from None
    except (ValueError, OSError, EOFError) as error:  # pandas' ParserError and pyarrow's errors are among them
        found = re.search(r"in line (\d+), saw (\d+)", str(error))
        reason = f"row {found[1]} has {found[2]} cells, more than its header" if found else str(error).strip()
        raise DataError(f"{file.absolute()} cannot be read as a table: {reason}") from None


def _is_too_large(values: pd.Series) -> bool:
    """Whether a column has whole numbers that floats round, or that pandas reads as Python does ("1_000" is 1000)."""
    import pandas as pd

    return may_be_rounded(values) or (values.dtype == object and "integer" in pd.api.types.infer_dtype(values))


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2])


def _with_points(frame: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Numbers with decimal commas as numbers; a column with other text stays text."""
    import pandas as pd

    for name in columns:
        if pd.api.types.is_numeric_dtype(frame[name]) or pd.api.types.is_bool_dtype(frame[name]):
            continue
        cells = frame[name].map(lambda cell: with_point(cell.strip()) if isinstance(cell, str) else cell)
        if not cells.equals(frame[name]):
            # Not pandas' to_numeric, which may be off by a last place.
            numbers = pd.Series([as_number(cell) for cell in cells], cells.index, dtype=float)
            exact = numbers.isna().equals(cells.isna()) and not may_be_rounded(numbers)
            frame[name] = numbers if exact else cells
    return frame


def _numbers_in(frame: pd.DataFrame, columns: Iterable[str]) -> list[str]:
    """The columns that hold numbers with a fraction, or with gaps."""
    return [name for name in columns if frame[name].dtype.kind == "f" and frame[name].notna().any()]


def _check_thousands(file: Path, columns: pd.DataFrame) -> None:
    """Raise DataError for numbers as 1.234 beside columns of decimal commas, where that may mean 1.234 or 1234."""
    for name in columns:
        cells = columns[name].dropna()
        dotted = cells[cells.str.contains(".", regex=False)]
        if len(dotted) and dotted.str.fullmatch(r"[+-]?[1-9]\d{0,2}(\.\d{3})+").all():
            raise DataError(
                f"{file.absolute()}: column {name!r} holds {dotted.iloc[0]!r}, and other columns have decimal commas: if the dot "
                "stands between thousands, leave it out; if these are decimals, write a comma, as in the other columns"
            )


def _listed(cell: object) -> object:
    """An array in a cell as a list, which is written with commas."""
    return cell.tolist() if hasattr(cell, "tolist") else cell


def _tidied(frame: pd.DataFrame, header: Sequence[str], file: Path) -> pd.DataFrame:
    """Without rows and unnamed columns that hold nothing. Raises DataError for cells beyond the header."""
    empty = frame.isna().all()
    beyond = [name for name in frame.columns[len(header) :] if not empty[name]]
    if beyond:
        row = int(frame[beyond].notna().any(axis=1).to_numpy().argmax()) + 1
        raise DataError(f"{file.absolute()} cannot be read as a table: row {row} has more cells than its header")
    unnamed = [name for name in frame.columns if str(name).startswith("Unnamed: ") and empty[name]]
    frame = frame.drop(columns=unnamed) if unnamed else frame
    gaps = frame.isna().all(axis=1)
    return frame[~gaps] if gaps.any() else frame


def whole_numbers(values: pd.Series) -> pd.Series:
    """Text of a column of whole numbers, of which some or all end in ".0", without these; anything else as it is."""
    known = values[values.notna() & (values != "")]
    if len(known) and known.str.fullmatch(r"[+-]?\d+(\.0)?").all():
        return values.str.removesuffix(".0")
    return values


def _json_lines(file: Path) -> pd.DataFrame:
    """One JSON object a line as a row. Raises ValueError for anything else."""
    import pandas as pd

    rows = []
    with open(file, encoding="utf-8-sig") as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                try:
                    rows.append(json.loads(line))
                except ValueError as error:
                    raise ValueError(f"line {number} is no JSON ({error})") from None
                if not isinstance(rows[-1], dict):
                    raise ValueError(f"expected an object {{...}} in line {number}, got {line.strip()[:40]}")
    frame = pd.DataFrame(rows)
    for name in [name for name in frame if may_be_rounded(frame[name])]:
        frame[name] = pd.Series([row.get(name) for row in rows], dtype=object)
    return frame


def check_columns(frame: pd.DataFrame, columns: Iterable[str], file: Path) -> None:
    """Raise DataError for a column that is not there, with the nearest name and those there are."""
    for column in columns:
        if column not in frame:
            raise DataError(
                f"{file.absolute()} has no column {column!r}{nearest(column, frame.columns)} "
                f"(columns: {listing(frame.columns, 30)})"
            )
