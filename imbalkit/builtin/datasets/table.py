"""Images listed in a CSV, TSV or Parquet file."""

from __future__ import annotations

import os
import string
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from imbalkit.builtin.datasets.parameters import HOW_TO_GET, MISSING_GROUPS, MISSING_LABELS
from imbalkit.builtin.datasets.several_tables import Files, Roots, tables_of
from imbalkit.builtin.datasets.table_paths import check_members, image_paths, path_cautions, root_place
from imbalkit.data.labels import check_words, finding_labels, one_hot_labels, rest_of
from imbalkit.data.table_files import GAPS, whole_numbers
from imbalkit.kinds import (
    DataError,
    Dataset,
    LabelNames,
    Text,
    check_columns,
    class_order,
    existing_path,
    listing,
    map_labels,
    param,
    read_table,
    split_names,
)
from imbalkit_lite.containers import split_address
from imbalkit_lite.formats import EXTENSIONS
from imbalkit_lite.paths import other_system

if TYPE_CHECKING:
    import pandas as pd

    from imbalkit.kinds import Table


class TableDataset(Dataset):
    """A table with one row an image: its path, its label, and what else is known of it."""

    name = "table"

    file: Files = param(
        help="CSV, TSV, JSON lines or Parquet file with a header and one row an image; several as a list, or by split: "
        "{train: train/metadata.csv, test: test/metadata.csv}"
    )
    root: Roots | None = param(
        None,
        help="folder or container (images.zip, train.hdf5, s3://bucket/images) that relative image paths start at, or "
        "{train: folder, ...} (default: the table's own folder)",
    )
    path_column: str = param(
        "path", help="column with the image paths, or names in containers such as images.zip!a.jpg"
    )
    path_template: str | None = param(
        None, help='how columns make a path, such as "{isic_id}.jpg"; path_column is then not used'
    )
    label_column: str | None = param(None, help="column with the labels, of any type (default: label)")
    label_columns: list[str] | None = param(
        None, help="instead, one 0/1 column a class, in the order of the classes: each row has a single 1", min_length=2
    )
    finding: str | None = param(
        None, help="of labels that hold several findings, the one to tell from the rest: classes `other` and this one"
    )
    label_separator: str | None = param(
        None,
        help='what separates findings in a label, such as "|" (default: those of a list in brackets are)',
        min_length=1,
    )
    labels: LabelNames | None = param(
        None, help="raw label -> class name, such as {0: other, 1: melanoma}; its order is the order of the classes"
    )
    group_column: str | None = param(None, help="column whose rows of one value, such as a patient, stay in one split")
    split_column: str | None = param(None, help="column that says train, validation (val, valid) or test")
    missing_labels: list[Text] | None = param(None, help=MISSING_LABELS)
    missing_groups: list[Text] | None = param(None, help=MISSING_GROUPS)
    metadata_columns: list[str] | None = param(None, help="other columns to keep (default: all)")
    check_files: bool = param(True, help="look whether every image file is there before anything runs")
    how_to_get: str | None = param(None, help=HOW_TO_GET)

    @model_validator(mode="after")
    def _one_kind_of_labels(self) -> TableDataset:
        problem = None
        if self.label_columns is not None and (self.label_column is not None or self.finding is not None):
            other = "label_column" if self.label_column is not None else "finding"
            problem = f"expected label_columns or {other}, got both: leave one out"
        elif self.label_separator is not None and self.finding is None:
            problem = (
                "label_separator needs `finding`: the one to tell from the rest, as imbalkit has one class an image"
            )
        if problem:
            raise PydanticCustomError("labels", "{problem}", {"problem": problem})
        return self

    @property
    def label_sources(self) -> list[str]:
        """The columns that the labels are read from."""
        return self.label_columns or [self.label_column or "label"]

    def load(self) -> Table:
        """All rows. Raises DataError for missing columns, labels or image files; row 1 is the one below the header."""
        import pandas as pd

        from imbalkit.kinds import Table

        frames, without, notes, places = [], [], [], []
        renamed: dict[str, str] = {}
        if isinstance(self.file, Mapping) and self.split_column:
            raise DataError("`file` names the tables by split: leave out `split_column`")
        tables = tables_of(self.file, self.root)
        for split, name, root in tables:
            file = existing_path(name, "table", self.how_to_get)
            frame, removed, other_names = self._rows(file, root)
            renamed |= other_names
            remarks = [f"the table's column {old!r} is kept as {new!r}" for new, old in other_names.items()]
            start = root or str(file.parent)
            places += [path.removeprefix(start) for path in frame["path"].tolist()]
            frames.append(frame if split is None else frame.assign(split=split))
            without.append(removed if len(tables) == 1 else removed.assign(file=name))
            notes += remarks if len(tables) == 1 else [f"{name}: {note}" for note in remarks]
        frame, removed = pd.concat(frames, ignore_index=True), pd.concat(without, ignore_index=True)
        check_words(pd.concat([frame["label"], removed["label"]]), self.missing_labels, "missing_labels")
        if self.finding is not None:
            frame["label"] = finding_labels(frame["label"], self.finding, self.label_separator)
        if self.labels is not None:
            frame["label"] = map_labels(frame["label"], self.labels)
        if self.group_column:
            words = [word for word in self.missing_groups or () if word not in GAPS]
            check_words(frame["group"], words, "missing_groups")
            frame["group"] = frame["group"].mask(frame["group"].isin(words))
        return Table.build(
            frame,
            classes=class_order(self.labels or self._own_order(), frame["label"].unique()),
            notes=notes,
            removed=removed if len(removed) else None,
            cautions=path_cautions(places, frame["label"].tolist()),
            renamed=renamed,
        )

    def _rows(self, file: Path, root: str | None) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, str]]:
        """The rows of one file with raw labels and groups, those without a label, and names of columns that are others in it."""
        import pandas as pd

        folder = str(file.parent) if root is None else root_place(root)
        fields = template_fields(self.path_template) if self.path_template else [self.path_column]
        ids = [*fields, *([self.group_column] if self.group_column else [])]
        raw = read_table(file, text=[*self.label_sources, *fields], ids=ids)
        used = [*ids, *self.label_sources, *([self.split_column] if self.split_column else [])]
        check_columns(raw, [*used, *(self.metadata_columns or [])], file)

        labels = self._labels(raw, file)
        left_out = labels.isin(self.missing_labels or ())
        removed = pd.DataFrame({"label": labels, "reason": "missing_label", "row": raw.index + 1})[left_out]
        raw, labels = raw[~left_out], labels[~left_out]
        for field in fields:
            _check_gaps(raw[field], "image path", "", file)
        cells = raw[self.path_column] if not self.path_template else raw[fields].apply(self._path, axis=1)
        paths = image_paths(cells.tolist(), folder)
        if self.check_files:
            self._check_files(dict(zip(raw.index + 1, paths, strict=True)), Path(folder))

        frame = pd.DataFrame({"path": paths, "label": labels})
        if self.group_column:
            frame["group"] = raw[self.group_column].mask(raw[self.group_column].isin(GAPS))
        if self.split_column:
            frame["split"] = split_names(raw[self.split_column], f"column {self.split_column!r} of {file.absolute()}")
        return (
            frame,
            removed,
            self._add_metadata(frame, raw, [*self.label_sources, self.group_column, self.split_column]),
        )

    def _labels(self, raw: pd.DataFrame, file: Path) -> pd.Series:
        """The raw label of each row, as text; empty only where `missing_labels` says that it may be."""
        if self.label_columns is not None:
            return one_hot_labels(raw[self.label_columns], str(file.absolute()))
        labels = raw[self.label_sources[0]]
        if "" not in (self.missing_labels or ()):
            _check_gaps(labels, "label", ', or leave such rows out with missing_labels: [""]', file)
        return whole_numbers(labels).fillna("")

    def _own_order(self) -> dict[str, str] | None:
        """Classes in the order that the parameters give them."""
        names = self.label_columns or ([rest_of(self.finding), self.finding] if self.finding is not None else [])
        return {name: name for name in names} or None

    def _path(self, row: pd.Series) -> str:
        return str(self.path_template).format(**row)

    def _add_metadata(self, frame: pd.DataFrame, raw: pd.DataFrame, used: list[str | None]) -> dict[str, str]:
        """Put the other columns beside; name -> name in the file of those whose name is taken."""
        renamed: dict[str, str] = {}
        if not self.path_template:
            used = [*used, self.path_column]
        columns = self.metadata_columns if self.metadata_columns is not None else [c for c in raw if c not in used]
        for column in columns:
            place = column
            while place in ("path", "label", "group", "split") or (place != column and place in raw):
                place = f"{place}_in_table"
            if place != column:
                renamed[str(place)] = str(column)
            frame[place] = raw[column].to_numpy()
        return renamed

    def _check_files(self, paths: dict[int, str], root: Path) -> None:
        check_members(paths)
        missing = [
            (row, path) for row, path in paths.items() if split_address(path) is None and not os.path.isfile(path)
        ]
        if not missing:
            return
        first = missing[0][1]
        ending = next((e for e in EXTENSIONS if os.path.isfile(first + e)), None)
        advice = self.how_to_get or "get them, correct `root` or the column, or take the rows out"
        if ending:
            name = template_fields(self.path_template)[0] if self.path_template else self.path_column
            advice = f'the names lack their ending: set path_template to "{{{name}}}{ending}"'
        elif system := other_system(str(root)):
            advice = f"there is no folder {root}, a path of another system ({system}): {advice}"
        elif system := other_system(first):
            advice = (
                f"{first} is a path of another system ({system}): set `root` to the folder that holds the images here, and "
                "write the paths below it into the column (or a path_template)"
            )
        elif not root.is_dir():
            advice = f"there is no folder {root.absolute()}: {advice}"
        lines = [f"  row {row}: {path if other_system(path) else os.path.abspath(path)}" for row, path in missing[:10]]
        head = f"{len(missing)} of {len(paths)} image files are not there: {advice}"
        raise DataError("\n".join([head, *lines, *(["  ..."] if len(missing) > 10 else [])]))


def _check_gaps(values: pd.Series, what: str, advice: str, file: Path) -> None:
    """Raise DataError for missing values, with their rows."""
    gaps = values.index[(values.isna() | (values == "")).to_numpy()] + 1
    if len(gaps):
        raise DataError(
            f"{len(gaps)} of {len(values)} rows of {file.absolute()} have no {what} in column {str(values.name)!r} "
            f"(rows {listing(gaps, 10)}): fill them in or take them out{advice}"
        )


def template_fields(template: str) -> list[str]:
    """The columns that a path template names. Raises DataError if there are none or the braces do not match."""
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(template) if field is not None]
    except ValueError as error:
        raise DataError(f"path_template {template!r} cannot be read: {error}") from None
    if not fields or "" in fields:
        raise DataError(f'expected path_template to name columns, such as "{{isic_id}}.jpg"; got {template!r}')
    return list(dict.fromkeys(fields))
