"""Table columns as inputs beside the image: the recipe's `inputs`, its checks, and what is fitted on training rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from imbalkit.data.column_inputs import (
    STANDS_IN,
    FittedColumn,
    fit_column,
    is_id,
    names_groups,
    no_numbers,
    risks,
    separation,
)
from imbalkit.data.columns import column_problem
from imbalkit.data.features import Features, stated_kind
from imbalkit.data.table import RESERVED, Table
from imbalkit.errors import listing
from imbalkit.kinds import Dataset, Settings, param
from imbalkit_lite.columns import NUMBER

if TYPE_CHECKING:
    import pandas as pd

_PURPOSES = {
    "label": ("the label", "label_column", "label_columns", "finding"),
    "group": ("the group", "group_column"),
    "split": ("the split", "split_column"),
    "path": ("the image's path", "path_column"),
}


class InputSettings(Settings):
    """Columns of the table that the network takes beside the image."""

    columns: list[str] = param(help="their names, such as [age, sex, localization]", min_length=1)
    numeric: list[str] = param(
        [],
        help="those of them that hold numbers (default: those in which nearly every value is one); text among them counts as "
        "missing",
    )
    categories: list[str] = param([], help="those of them that hold categories, such as a grade written as a number")
    width: int = param(32, help="units of the two layers over the encoded columns", ge=1, le=4096)
    dropout: float = param(
        0.1, help="probability that training sees a row's value as missing, for each column", ge=0, lt=1
    )

    @model_validator(mode="after")
    def _named_once(self) -> InputSettings:
        problem = ""
        twice = next((name for name in self.columns if self.columns.count(name) > 1), None)
        if twice is not None:
            problem = f"{twice!r} is named twice in `columns`"
        for key in ("numeric", "categories"):
            unknown = next((name for name in getattr(self, key) if name not in self.columns), None)
            if unknown is not None:
                problem = f"`{key}` names {unknown!r}, which is not among `columns` ({listing(self.columns)})"
        both = next((name for name in self.numeric if name in self.categories), None)
        if both is not None:
            problem = f"{both!r} is in `numeric` and in `categories`: leave it in one"
        if problem:
            raise PydanticCustomError("columns", "{problem}", {"problem": problem})
        return self

    def kind(self, values: pd.Series) -> str:
        """NUMBER or CATEGORY, of a column's training rows."""
        return stated_kind(values, self.numeric, self.categories)


def name_problems(settings: InputSettings, table: Table, dataset: Dataset) -> Iterator[tuple[int, str]]:
    """Columns that are not there, or have another part to play, as (place in `columns`, message)."""
    known = [str(name) for name in table.frame if name not in RESERVED]
    for place, name in enumerate(settings.columns):
        purpose = _purpose(name, dataset)
        own = table.renamed.get(name) or (name if name in table.renamed.values() else None)
        if own is not None and getattr(dataset, f"{own}_column", None) != own:
            yield (
                place,
                f"the table's column {own!r} has a name that imbalkit uses itself, and tables for `predict` are read by the "
                "names in their header: rename it in the file to use it as an input",
            )
        elif purpose:
            yield place, f"{name!r} is {purpose}, and no input: leave it out"
        elif message := column_problem([name], known):
            yield place, message


def _purpose(name: str, dataset: Dataset) -> str:
    for reserved, (purpose, *parameters) in _PURPOSES.items():
        given = [getattr(dataset, parameter, None) for parameter in parameters]
        if name == reserved or any(name == value or (isinstance(value, list) and name in value) for value in given):
            return purpose
    return ""


def fitted(settings: InputSettings | Features, table: Table, train: np.ndarray) -> dict[str, FittedColumn | str]:
    """Each column's encoding as training rows alone give it, or why it cannot be an input; rows int [n]."""
    frame = table.frame.iloc[train]
    return {name: fit_column(frame[name], settings.kind(frame[name])) for name in settings.columns}


def value_problems(settings: InputSettings, table: Table, train: np.ndarray) -> Iterator[tuple[int, str]]:
    """Columns that training rows say cannot be inputs, or must not be, as (place in `columns`, message)."""
    frame, labels, groups = table.frame.iloc[train], table.labels[train].astype(np.int64), table.groups
    found = fitted(settings, table, train)
    for place, (name, column) in enumerate(found.items()):
        values = frame[name]
        if isinstance(column, str):
            yield place, f"{name!r} {column}"
        elif column.column.kind == NUMBER and name not in settings.numeric and is_id(values):
            yield (
                place,
                f"{name!r} is another whole number in every training row: an id. A measurement is to be named in `numeric`",
            )
        elif groups is not None and names_groups(values, groups[train]):
            yield place, f"{name!r} names the groups, which no new image shares: leave it out"
        elif (area := separation(values, labels, column.column.kind)) >= STANDS_IN:
            yield (
                place,
                f"{name!r} stands in for the label: alone it ranks a class of the training rows with an AUC of {area:.3f}, as a "
                "diagnosis or the source of the rows does. At work it is not known, or says nothing: leave it out",
            )


def risk_notes(settings: InputSettings, table: Table, train: np.ndarray) -> list[str]:
    """What a user should know of the columns before trusting a metric, a note a column."""
    frame, labels = table.frame.iloc[train], table.labels[train].astype(np.int64)
    notes = []
    for name, column in fitted(settings, table, train).items():
        if isinstance(column, str):
            continue
        found = risks(frame[name], labels, table.classes, column.column.kind)
        if found:
            notes.append(
                f"inputs: column {name!r} may tell the label before the image does: {'; '.join(found)}. Leave it out unless "
                "it is known, in the same way, before the diagnosis"
            )
    return notes


def number_notes(settings: InputSettings | Features, table: Table, columns: Iterable[FittedColumn]) -> Iterator[str]:
    """What counts as missing in columns of numbers, in any row of the table, as it is none: a note a column."""
    for fitted_column in columns:
        name, frame = fitted_column.column.name, table.frame
        if fitted_column.column.kind != NUMBER:
            continue
        odd = no_numbers(frame[name])
        if not len(odd):
            continue
        first = frame["path"][odd.index[0]] if "path" in frame else f"sample {odd.index[0]}"
        cells = listing((f"{value!r}" for value in dict.fromkeys(map(str, odd))), 5)
        advice = (
            "" if name in settings.numeric else ", or name it in `categories` if its values are kinds and not numbers"
        )
        yield (
            f"column {name!r} holds numbers, but for {len(odd):,} of {len(frame):,} cells ({cells}; the first is that of "
            f"{first}): these count as missing. Mend them{advice}"
        )


def rows_of(table: Table, names: Iterable[str]) -> list[dict[str, object]]:
    """Cells of a table's rows by column, as imbalkit_lite.columns encodes them."""
    columns = list(names)
    return [dict(zip(columns, cells, strict=True)) for cells in table.frame[columns].itertuples(index=False, name=None)]
