"""Rows of a table whose columns are all that there is: no images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from imbalkit.builtin.datasets.parameters import HOW_TO_GET, MISSING_GROUPS, MISSING_LABELS
from imbalkit.builtin.datasets.several_tables import Files, tables_of
from imbalkit.data.labels import check_words
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

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from imbalkit.kinds import Table


class FeatureTable(Dataset):
    """A table with one row a sample, whose columns of numbers and categories are what the network takes; no images."""

    name = "features"

    file: Files = param(
        help="CSV, TSV, JSON lines or Parquet file with a header; several as a list, or by split: {train: a.csv, test: b.csv}"
    )
    label_column: str = param("label", help="column with the labels, of any type")
    columns: list[str] | None = param(
        None, help="columns that the network takes (default: all but label, group and split)", min_length=1
    )
    numeric: list[str] = param(
        [],
        help="those of them that hold numbers (default: those in which nearly every value is one); text among them counts as "
        "missing",
    )
    categories: list[str] = param([], help="those of them that hold categories, such as a code written as a number")
    labels: LabelNames | None = param(
        None, help="raw label -> class name, such as {0: other, 1: fraud}; its order is the order of the classes"
    )
    group_column: str | None = param(None, help="column whose rows of one value, such as a patient, stay in one split")
    split_column: str | None = param(None, help="column that says train, validation (val, valid) or test")
    missing_labels: list[Text] | None = param(None, help=MISSING_LABELS)
    missing_groups: list[Text] | None = param(None, help=MISSING_GROUPS)
    how_to_get: str | None = param(None, help=HOW_TO_GET)

    @model_validator(mode="after")
    def _each_column_once(self) -> FeatureTable:
        problem = ""
        named = self.columns or []
        twice = next((name for name in named if named.count(name) > 1), None)
        both = next((name for name in self.numeric if name in self.categories), None)
        if twice is not None:
            problem = f"`columns` names {twice!r} twice"
        elif both is not None:
            problem = f"{both!r} is in `numeric` and in `categories`: leave it in one"
        for key, name in (("label", self.label_column), ("group", self.group_column), ("split", self.split_column)):
            if name is not None and name in (*named, *self.numeric, *self.categories):
                problem = f"{name!r} is the {key}, and no input: leave it out of `columns`"
        if problem:
            raise PydanticCustomError("columns", "{problem}", {"problem": problem})
        return self

    def load(self) -> Table:
        """All rows. Raises DataError for columns that are not there, and for rows without a label."""
        import pandas as pd

        from imbalkit.data.features import Features
        from imbalkit.kinds import Table

        if not isinstance(self.file, str | list) and self.split_column:
            raise DataError("`file` names the tables by split: leave out `split_column`")
        frames, without = [], []
        for split, name, _ in tables_of(self.file, None):
            frame, removed = self._rows(existing_path(name, "table", self.how_to_get))
            frames.append(frame if split is None else frame.assign(split=split))
            without.append(removed)
        frame, removed = pd.concat(frames, ignore_index=True), pd.concat(without, ignore_index=True)
        check_words(pd.concat([frame["label"], removed["label"]]), self.missing_labels, "missing_labels")
        if self.labels is not None:
            frame["label"] = map_labels(frame["label"], self.labels)
        if self.group_column:
            words = [word for word in self.missing_groups or () if word not in GAPS]
            check_words(frame["group"], words, "missing_groups")
            frame["group"] = frame["group"].mask(frame["group"].isin(words))
        chosen = self._chosen([str(name) for name in frame if name not in ("label", "group", "split")], frame)
        return Table.build(
            frame,
            classes=class_order(self.labels, frame["label"].unique()),
            removed=removed if len(removed) else None,
            features=Features(tuple(chosen), tuple(self.numeric), tuple(self.categories)),
        )

    def _chosen(self, present: list[str], frame: pd.DataFrame) -> list[str]:
        """The columns that the network takes. Raises DataError for one that is not there."""
        chosen = self.columns or present
        for key, names in (("columns", chosen), ("numeric", self.numeric), ("categories", self.categories)):
            known = present if key == "columns" else chosen
            unknown = next((name for name in names if name not in known), None)
            if unknown is not None:
                raise DataError(f"`{key}` names {unknown!r}, which is not among the columns {listing(known, 30)}")
        if not chosen:
            raise DataError(f"the table has no column but {listing(frame.columns)}: nothing to learn from")
        return chosen

    def _rows(self, file: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The rows of one file with raw labels and groups, and those without a label."""
        import pandas as pd

        roles = {"label": self.label_column, "group": self.group_column, "split": self.split_column}
        given = [name for name in roles.values() if name is not None]
        ids = [*self.categories, *([self.group_column] if self.group_column else [])]
        raw = read_table(file, text=[self.label_column], ids=ids)
        check_columns(raw, [*given, *(self.columns or [])], file)
        labels = whole_numbers(raw[self.label_column]).fillna("")
        left_out = labels.isin(self.missing_labels or ())
        gaps = labels.index[(labels == "") & ~left_out] + 1
        if len(gaps):
            raise DataError(
                f"{len(gaps)} of {len(labels)} rows of {file.absolute()} have no label in column {self.label_column!r} "
                f'(rows {listing(gaps, 10)}): fill them in, or leave such rows out with missing_labels: [""]'
            )
        frame = pd.DataFrame({"label": labels})
        if self.group_column:
            frame["group"] = raw[self.group_column].mask(raw[self.group_column].isin(GAPS))
        if self.split_column:
            frame["split"] = split_names(raw[self.split_column], f"column {self.split_column!r} of {file.absolute()}")
        if "imbalkit" in raw.attrs:  # of `imbalkit embed`: which row of which data it was is no input
            raw = raw.drop(columns=[name for name in ("source", "path") if name in raw and name not in given])
        others = raw.drop(columns=given)
        odd = [name for name in others if name in ("path", "label", "group", "split")]
        if odd:
            named = odd[0] in roles and roles[odd[0]] is None
            way = f"name it in `{odd[0]}_column`, or rename it in the file" if named else "rename it in the file"
            raise DataError(f"{file.absolute()} has a column {odd[0]!r} beside the one that is the {odd[0]}: {way}")
        removed = pd.DataFrame({"label": labels, "reason": "missing_label", "row": raw.index + 1})[left_out]
        return pd.concat([frame, others], axis=1)[~left_out], removed
