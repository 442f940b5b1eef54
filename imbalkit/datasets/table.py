"""Images listed in a CSV, TSV or Parquet file."""

from __future__ import annotations

import os
import string
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbalkit.datasets.common import HOW_TO_GET, LabelNames, class_order, existing, map_labels, split_names
from imbalkit.datasets.several_tables import Files, Roots, load_several, read_json_lines
from imbalkit.errors import DataError, listing, nearest
from imbalkit.kinds import Dataset, param
from imbalkit_lite.formats import EXTENSIONS

if TYPE_CHECKING:
    import pandas as pd

    from imbalkit.table import Table

_GAPS = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "none", "<NA>", "#N/A")


class TableDataset(Dataset):
    """A table with one row an image: its path, its label, and what else is known of it."""

    name = "table"

    file: Files = param(
        help="CSV, TSV, JSON lines or Parquet file with a header and one row an image; several as a list, or by split: "
        "{train: train/metadata.csv, test: test/metadata.csv}"
    )
    root: Roots | None = param(
        None,
        help="folder that relative image paths start at, or {train: folder, ...} (default: the table's own folder)",
    )
    path_column: str = param("path", help="column with the image paths")
    path_template: str | None = param(
        None, help='how columns make a path, such as "{isic_id}.jpg"; path_column is then not used'
    )
    label_column: str = param("label", help="column with the labels (any type)")
    labels: LabelNames | None = param(
        None, help="raw label -> class name, such as {0: other, 1: melanoma}; its order is the order of the classes"
    )
    group_column: str | None = param(None, help="column whose rows of one value, such as a patient, stay on one side")
    split_column: str | None = param(None, help="column that says train, validation (val, valid) or test")
    metadata_columns: list[str] | None = param(None, help="other columns to keep (default: all)")
    check_files: bool = param(True, help="look whether every image file is there before anything runs")
    how_to_get: str | None = param(None, help=HOW_TO_GET)

    def load(self) -> Table:
        """All rows. Raises DataError for missing columns, labels or image files; row 1 is the one below the header."""
        import pandas as pd

        from imbalkit.table import Table

        if not isinstance(self.file, str) or isinstance(self.root, dict):
            return load_several(self)
        file = existing(self.file, "table", self.how_to_get)
        root = Path(self.root).expanduser() if self.root is not None else file.parent
        fields = template_fields(self.path_template) if self.path_template else [self.path_column]
        ids = [*fields, *([self.group_column] if self.group_column else [])]
        raw = read_table(file, text=[self.label_column, *fields], ids=ids)
        used = [*ids, self.label_column, *([self.split_column] if self.split_column else [])]
        check_columns(raw, [*used, *(self.metadata_columns or [])], file)

        for column, what in [(self.label_column, "label"), *((field, "image path") for field in fields)]:
            gaps = (raw[column].isna() | (raw[column] == "")).to_numpy().nonzero()[0] + 1
            if len(gaps):
                raise DataError(
                    f"{len(gaps)} of {len(raw)} rows of {file.absolute()} have no {what} in column {column!r} "
                    f"(rows {listing(gaps, 10)}): fill them in or take them out"
                )
        paths = raw[fields].apply(lambda row: self.path_template.format(**row), axis=1) if self.path_template else None
        paths = [os.path.join(root, path) for path in (raw[self.path_column] if paths is None else paths)]
        if self.check_files:
            self._check_files(paths, root)

        frame = pd.DataFrame({"path": paths, "label": whole_numbers(raw[self.label_column])})
        if self.labels is not None:
            frame["label"] = map_labels(frame["label"], self.labels)
        if self.group_column:
            frame["group"] = raw[self.group_column].mask(raw[self.group_column].isin(_GAPS))
        if self.split_column:
            frame["split"] = split_names(raw[self.split_column], f"column {self.split_column!r} of {file.absolute()}")
        notes = self._add_metadata(frame, raw, [self.label_column, self.group_column, self.split_column])
        return Table.build(frame, classes=class_order(self.labels, frame["label"]), notes=notes)

    def _add_metadata(self, frame: pd.DataFrame, raw: pd.DataFrame, used: list[str | None]) -> list[str]:
        """Put the other columns beside, and say what is odd."""
        notes = []
        if not self.path_template:
            used = [*used, self.path_column]
        columns = self.metadata_columns if self.metadata_columns is not None else [c for c in raw if c not in used]
        for column in columns:
            place = column
            while place in ("path", "label", "group", "split") or (place != column and place in raw):
                place = f"{place}_in_table"
            if place != column:
                notes.append(f"the table's column {column!r} is kept as {place!r}")
            frame[place] = raw[column].to_numpy()
        return notes

    def _check_files(self, paths: list[str], root: Path) -> None:
        missing = [(row, path) for row, path in enumerate(paths, start=1) if not os.path.isfile(path)]
        if not missing:
            return
        lines = [f"  row {row}: {os.path.abspath(path)}" for row, path in missing[:10]]
        advice = self.how_to_get or "get them, mend `root` or the column, or take the rows out"
        first = missing[0][1]
        ending = next((e for e in EXTENSIONS if os.path.isfile(first + e)), None)
        if ending:
            name = template_fields(self.path_template)[0] if self.path_template else self.path_column
            advice = f'the names lack their ending: set path_template to "{{{name}}}{ending}"'
        elif not root.is_dir():
            advice = f"there is no folder {root.absolute()}: {advice}"
        head = f"{len(missing)} of {len(paths)} image files are not there: {advice}"
        raise DataError("\n".join([head, *lines, *(["  ..."] if len(missing) > 10 else [])]))


def read_table(file: Path, text: Iterable[str] = (), ids: Iterable[str] = ()) -> pd.DataFrame:
    """A CSV, TSV or Parquet file; columns in `text` and `ids` as text ("007" stays), the others as pandas reads them.

    In `text` an empty cell alone is missing ("NA" and "None" may be labels); in the others the usual words are. A
    `.csv` may be separated by comma, semicolon, tab or bar, whichever its header has most of. Raises DataError if it
    cannot be read.
    """
    import pandas as pd

    strict = set(text)
    as_text = strict | set(ids)
    endings = [suffix.lower() for suffix in file.suffixes]
    try:
        lines = endings[-1:] in ([".jsonl"], [".ndjson"])
        if lines or ".parquet" in endings or ".pq" in endings:
            frame = read_json_lines(file) if lines else pd.read_parquet(file)
            for column in as_text & set(frame.columns):
                known = frame[column].notna()
                frame[column] = whole_numbers(frame[column].astype(object).where(known, "").astype(str)).mask(~known)
            return frame
        if ".xlsx" in endings or ".xls" in endings:
            raise DataError(f"{file.absolute()} is a spreadsheet: save it as CSV (UTF-8) first")
        options: dict[str, Any] = {"sep": "\t" if ".tsv" in endings else _separator(file), "encoding": "utf-8-sig"}
        header = [str(column) for column in pd.read_csv(file, nrows=0, **options).columns]
        return pd.read_csv(
            file,
            dtype={column: str for column in header if column in as_text},
            keep_default_na=False,
            na_values={column: [""] if column in strict else list(_GAPS) for column in header},
            low_memory=False,
            **options,
        )
    except pd.errors.EmptyDataError:
        raise DataError(f"{file.absolute()} is empty: expected a header and one row an image") from None
    except UnicodeError:
        raise DataError(f"{file.absolute()} is not UTF-8 text: save it as CSV (UTF-8)") from None
    except (ValueError, OSError) as error:  # pandas' ParserError and pyarrow's errors are among them
        raise DataError(f"{file.absolute()} cannot be read as a table: {str(error).strip()}") from None


def _separator(file: Path) -> str:
    if file.suffix.lower() in (".gz", ".bz2", ".zip", ".xz", ".zst", ".tar"):
        return ","
    with open(file, encoding="utf-8-sig") as stream:
        header = stream.readline()
    return max(",;\t|", key=header.count)


def whole_numbers(values: pd.Series) -> pd.Series:
    """Text of a column of whole floats ("1.0") without the ".0"; anything else as it is."""
    known = values[values.notna() & (values != "")]
    if len(known) and known.str.fullmatch(r"[+-]?\d+\.0").all():
        return values.str.removesuffix(".0")
    return values


def template_fields(template: str) -> list[str]:
    """The columns that a path template names. Raises DataError if there are none or the braces do not match."""
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(template) if field is not None]
    except ValueError as error:
        raise DataError(f"path_template {template!r} cannot be read: {error}") from None
    if not fields or "" in fields:
        raise DataError(f'expected path_template to name columns, such as "{{isic_id}}.jpg"; got {template!r}')
    return list(dict.fromkeys(fields))


def check_columns(frame: pd.DataFrame, columns: Iterable[str], file: Path) -> None:
    """Raise DataError for a column that is not there, with the nearest name and those there are."""
    for column in columns:
        if column not in frame:
            raise DataError(
                f"{file.absolute()} has no column {column!r}{nearest(column, frame.columns)} "
                f"(columns: {listing(frame.columns, 30)})"
            )
