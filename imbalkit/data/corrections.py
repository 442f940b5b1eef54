"""`data: {corrections: file}`: labels that somebody corrected, and rows to leave out, as `imbalkit audit` writes such a file."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from imbalkit.base.text import plural
from imbalkit.data.table import ORIGIN, UNCORRECTED, Table
from imbalkit.data.table_files import check_columns, read_table
from imbalkit.errors import DataError, listing, nearest
from imbalkit_lite.text import cell

SAMPLE, PATH, LABEL, NEW, OUT = "sample", "path", "label", "corrected_label", "leave_out"
_OWN = (SAMPLE, PATH, LABEL, NEW, OUT, "suspicion", "suggested", "why")  # columns that `imbalkit audit` writes
_YES, _NO = ("yes", "true", "1", "x"), ("", "no", "false", "0")


def corrected_table(table: Table, file: Path) -> Table:
    """A table with corrected labels, without the rows to leave out; nothing else changes.

    Args:
        table: all samples
        file: columns path (or sample, an index into the table, where samples have no files), and of these at least one:
            corrected_label, leave_out. Rows with neither change nothing. A column `label`, if there, must hold the table's
            labels. Other columns are not read

    Raises:
        DataError: with file and row for rows that the table does not have, twice, or with another label; labels that are no
            class; words that say neither yes nor no; a class that loses all its rows
    """
    if not file.is_file():
        raise DataError(f"`corrections`: there is no file {file.absolute()}")
    rows = read_table(file, text=(PATH, LABEL, NEW, OUT), ids=(SAMPLE,))
    has_paths = "path" in table.frame
    key = PATH if has_paths else SAMPLE
    check_columns(rows, (key,), file)
    if not {NEW, OUT} & set(rows):
        raise DataError(f"{file.absolute()} has neither a column {NEW!r} nor {OUT!r}: nothing would be corrected")
    for column in (NEW, OUT):
        if column not in rows and (meant := nearest(column, [str(name) for name in rows if name not in _OWN])):
            raise DataError(
                f"{file.absolute()} has no column {column!r}{meant} Give that one this name, or add an empty {column!r}"
            )
    places = _Places(table)
    labels = table.frame["label"].to_numpy(object).copy()
    shown, changed, left_out = {cell(name): name for name in table.classes}, {}, {}
    for number, row in zip(rows.index + 1, _records(rows), strict=True):
        where = f"{file.absolute()}, row {number}"
        new, out = _text(row.get(NEW)), _text(row.get(OUT)).lower()
        if out not in (*_YES, *_NO):
            raise DataError(f"{where}: `{OUT}` is {out!r}, expected yes, or nothing")
        if not new and out in _NO:
            continue
        if new and out in _YES:
            raise DataError(f"{where}: has a {NEW} and is to be left out: expected one of them")
        place = places.of(row, where)
        if place in changed or place in left_out:
            raise DataError(f"{where}: this sample is corrected in an earlier row already: leave one of them")
        if _text(row.get(LABEL)) not in ("", cell(labels[place]), labels[place]):
            raise DataError(
                f"{where}: the label was {_text(row[LABEL])!r} when this file was written, the data now say {labels[place]!r}: "
                "look at this sample again"
            )
        if out in _YES:
            left_out[place] = True
            continue
        name = new if new in table.classes else shown.get(new)
        if name is None:
            raise DataError(
                f"{where}: the data have no class {new!r}{nearest(new, table.classes)} (classes: {listing(table.classes)})"
            )
        changed[place] = name
    return _changed(table, changed, np.array(sorted(left_out), dtype=np.int64), file)


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value).strip()


class _Places:
    """Where in the table a row of the file is."""

    def __init__(self, table: Table):
        self.samples = len(table)
        self.paths: dict[str, list[int]] = {}
        self.known = [str(path) for path in table.frame["path"]] if "path" in table.frame else []
        for place, path in enumerate(self.known):
            self.paths.setdefault(str(cell(path)), []).append(place)

    def of(self, row: dict[str, Any], where: str) -> int:
        if not self.known:
            return self._sample(row, where)
        path = _text(row.get(PATH))
        if not path:
            raise DataError(f"{where}: `{PATH}` is empty: expected the file that is corrected")
        found = self.paths.get(path) or [
            place for name, places in self.paths.items() if name.endswith(f"/{path}") for place in places
        ]
        if not found:
            raise DataError(f"{where}: the data have no file {path!r}{nearest(path, self.known)}")
        if len(found) > 1:
            place = self._sample(row, where) if _text(row.get(SAMPLE)) else None
            if place not in found:
                raise DataError(
                    f"{where}: {path!r} stands for {len(found)} rows of the data: name one by its index in a column {SAMPLE!r}, "
                    f"such as {found[0]}, beside the whole path"
                )
            return place
        return found[0]

    def _sample(self, row: dict[str, Any], where: str) -> int:
        text = _text(row.get(SAMPLE))
        if not text.isdecimal() or int(text) >= self.samples:
            raise DataError(f"{where}: expected a sample from 0 to {self.samples - 1}, got {text!r}")
        return int(text)


def _changed(table: Table, changed: dict[int, str], left_out: np.ndarray, file: Path) -> Table:
    frame = table.frame.copy()
    before = frame["label"].to_numpy(object)
    moves = Counter((str(before[place]), name) for place, name in changed.items() if before[place] != name)
    frame[UNCORRECTED] = before
    frame[ORIGIN] = table.origins
    for place, name in changed.items():
        frame.loc[place, "label"] = name
    stays = np.setdiff1d(np.arange(len(frame)), left_out)
    kept = frame.iloc[stays].reset_index(drop=True)
    lost = [name for name in table.classes if (before == name).any() and not (kept["label"] == name).any()]
    if lost:
        raise DataError(f"{file.absolute()} leaves no row of class {lost[0]!r}: expected some of each class to stay")
    removed = frame.iloc[left_out].drop(columns=[UNCORRECTED, ORIGIN]).assign(reason="corrections")
    if table.removed is not None:
        removed = pd.concat([table.removed, removed], ignore_index=True)
    texts = [f"{count:,} {old} to {new}" for (old, new), count in sorted(moves.items())]
    number = sum(moves.values())
    caution = (
        f"labels corrected as {file.name} says: {plural(number, 'row')}"
        + (f" ({', '.join(texts[:6])}{', ...' if len(texts) > 6 else ''})" if texts else "")
        + f", and {plural(len(left_out), 'row')} left out; metrics are those of the corrected labels"
    )
    return replace(
        table,
        frame=kept,
        arrays=None if table.arrays is None else table.arrays[stays],
        files=None if table.files is None else table.files[stays],
        removed=removed if len(left_out) or table.removed is not None else None,
        cautions=(caution, *table.cautions),
    )
