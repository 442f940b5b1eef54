"""What a split is stratified by: the labels, or the labels and a column of the data."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from imbalkit.data.columns import column_problem
from imbalkit.data.table import Table
from imbalkit.errors import DataError
from imbalkit.functional.distinct import distinct


@dataclass(frozen=True)
class Strata:
    """What each split gets its share of.

    Attributes:
        codes: the stratum of each row, int64 [n]
        labels: label codes of the rows, int64 [n]
        classes: the labels' names
        word: what they are, for messages
    """

    codes: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    word: str = "classes"

    def of(self, rows: np.ndarray) -> Strata:
        """Of some rows."""
        return replace(self, codes=self.codes[rows], labels=self.labels[rows])


def strata_of(table: Table, column: str | None, groups: np.ndarray | None, least: int) -> Strata:
    """A stratum for each label, or for what a label and a value of the column make together.

    Strata of fewer than `least` rows (groups) are put together label by label, and with the label's largest stratum where
    that is still too few. Codes go by value, then label: a column that decides the label gives the strata of a table whose
    labels are that column, and therefore the same split.

    Args:
        table: the samples
        column: `split.stratify`; None for the labels alone
        groups: codes of what must stay together, int64 [n], or None
        least: fewest rows (groups) of a stratum

    Raises:
        DataError: no such column
    """
    labels = table.labels.astype(np.int64)
    if column is None:
        return Strata(labels, labels, table.classes)
    problem = column_problem([column], table.frame.columns)
    if problem:
        raise DataError(f"split.stratify: {problem}")
    values = pd.factorize(table.frame[column].astype("string").fillna("").to_numpy(dtype=object), sort=True)[0]
    classes = len(table.classes)
    strata = values.astype(np.int64) * classes + labels
    rest = (int(values.max()) + 1) * classes  # + label: the small strata of a label together
    strata = np.where(_units(strata, groups)[strata] < least, rest + labels, strata)
    units = _units(strata, groups)
    for label in range(classes):
        own = np.unique(strata[labels == label])
        if len(own) > 1 and own[-1] == rest + label and units[own[-1]] < least:
            strata[strata == own[-1]] = own[units[own].argmax()]
    codes = np.unique(strata, return_inverse=True)[1].astype(np.int64)
    return Strata(codes, labels, table.classes, "strata (split.stratify)")


def _units(strata: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Rows, or groups, of each stratum."""
    if groups is None:
        return np.bincount(strata)
    several = int(strata.max()) + 1
    return np.bincount(distinct(groups * several + strata) % several, minlength=several)
