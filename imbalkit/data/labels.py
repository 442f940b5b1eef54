"""Labels as people keep them: raw names, one 0/1 column a class, several findings in one cell; and the classes they become."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from imbalkit.data.label_checks import findings_of, split_label
from imbalkit.errors import DataError, listing, nearest

if TYPE_CHECKING:
    import pandas as pd

ONES = ("1", "1.0", "1,0", "true", "yes")
ZEROS = ("0", "0.0", "0,0", "false", "no")


def is_one(cells: pd.DataFrame) -> pd.DataFrame:
    """Which cells (text) say that a class is there, those that say neither missing: 1.0, 0.0 or nan, of the same shape."""
    values = {**dict.fromkeys(ONES, 1.0), **dict.fromkeys(ZEROS, 0.0)}
    return cells.apply(lambda column: column.str.strip().str.lower().map(values))


def one_hot_labels(cells: pd.DataFrame, where: str) -> pd.Series:
    """The column that holds a 1 in each row.

    Args:
        cells: one column a class, as text; the index counts the rows from 0
        where: the table, for messages

    Raises:
        DataError: cells that are neither 0 nor 1, and rows with no 1 or several, each with their row numbers
    """
    ones = is_one(cells)
    odd = ones.isna().any(axis=1).to_numpy()
    if odd.any():
        row = cells[odd].iloc[0]
        column = ones.columns[ones[odd].iloc[0].isna().to_numpy()][0]
        raise DataError(
            f"{int(odd.sum())} rows of {where} hold something other than 0 and 1 in `label_columns`: row "
            f"{cells.index[odd][0] + 1} has {row[column]!r} in column {column!r}"
        )
    count = ones.sum(axis=1)
    for wrong, what in ((count == 0, "no 1"), (count > 1, "several")):
        if wrong.any():
            rows = wrong.index[wrong.to_numpy()] + 1
            first = list(ones.columns[ones.loc[rows[0] - 1] == 1])
            raise DataError(
                f"{len(rows)} of {len(cells)} rows of {where} have {what} in `label_columns` (rows {listing(rows, 10)}"
                + (f"; row {rows[0]}: {listing(first)}" if first else "")
                + "): imbalkit has one class an image. Correct or drop such rows, or classify one column against the rest with "
                f"label_column: {cells.columns[0]}"
            )
    return ones.idxmax(axis=1)


def rest_of(finding: str) -> str:
    """The name of the class without the finding."""
    return "not other" if finding.lower() == "other" else "other"


def finding_labels(labels: pd.Series, finding: str, separator: str | None) -> pd.Series:
    """One finding against the rest: each label to `finding` if it is among its findings, else to `rest_of(finding)`.

    Raises DataError if no label has it.
    """
    counts: dict[Any, int] = labels.value_counts().to_dict()
    has = {label: finding in split_label(label, separator) for label in counts}
    if not any(has.values()):
        found = findings_of(counts, separator)
        hint = "" if separator else "; where cells hold several, say what separates them with `label_separator`"
        raise DataError(
            f"`finding`: no row has {finding!r}{nearest(finding, found)} (findings: "
            f"{listing(_counted(found), 20)}){hint}"
        )
    return labels.map({label: finding if there else rest_of(finding) for label, there in has.items()})


def _counted(counts: dict[str, int]) -> Sequence[str]:
    return [f"{name} {count:,}" for name, count in counts.items()]


def map_labels(labels: pd.Series, names: Mapping[str, str]) -> pd.Series:
    """Raw labels (text) to class names. Raises DataError listing the raw labels that have none."""
    unknown = sorted(set(labels.unique()) - set(names))
    if unknown:
        hint = nearest(unknown[0], names)
        raise DataError(
            f"`labels` names no class for {listing(map(repr, unknown))}{hint}; it knows {listing(map(repr, names))}"
        )
    return labels.map(dict(names))


def check_words(values: pd.Series, words: Iterable[str] | None, key: str) -> None:
    """Raise DataError for a word that stands for missing values, but that no value (text) is."""
    for word in words or ():
        if not (values == word).any():
            known = [str(value) for value in values.dropna().unique()]
            raise DataError(
                f"`{key}`: no row has the value {word!r}{nearest(word, known)} (values: {listing(map(repr, known))})"
            )


def class_order(names: Mapping[str, str] | None, labels: Iterable[str]) -> list[str] | None:
    """Classes in the order in which `labels` of the recipe names them, only those that occur; None without it."""
    present = set(labels)
    return [name for name in dict.fromkeys(names.values()) if name in present] if names else None
