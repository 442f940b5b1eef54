"""`data: {sample: 0.01}`: a table of a share of the samples, for a trial of everything that comes after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from imbalkit.base.randomness import generator
from imbalkit.base.text import share_text
from imbalkit.data.table import ORIGIN, Table
from imbalkit.errors import listing
from imbalkit.functional.distinct import distinct
from imbalkit.functional.row_sample import sample_rows

LEAST = 20  # rows, or groups, of each class (and of each part of a split that the data give): enough for every split


def sample_table(table: Table, share: float) -> Table:
    """About `share` of the samples of each class, whole groups, in the order of the table.

    Where the table says train, validation and test, each class keeps its share in each of them. Which samples those are depends
    on the table and the share alone, not on a seed of the run or the split: runs that differ by seed see the same ones.
    """
    labels = table.labels.astype(np.int64)
    strata, classes = labels, len(table.classes)
    if "split" in table.frame:
        strata = (pd.factorize(table.frame["split"], sort=True)[0] + 1) * classes + labels  # 0: no split is given
        strata = np.unique(strata, return_inverse=True)[1]
    groups = table.groups if table.groups is not None else table.files
    rows = sample_rows(strata, groups, share, LEAST, generator(0, "data", "sample"))
    return replace(
        table,
        frame=table.frame.assign(**{ORIGIN: table.origins}).iloc[rows].reset_index(drop=True),
        arrays=None if table.arrays is None else table.arrays[rows],
        files=_files(table, rows),
        cautions=(_caution(table, rows, share), *table.cautions),
    )


def _files(table: Table, rows: np.ndarray) -> np.ndarray | None:
    """As the table's: None where each row has a file of its own."""
    if table.files is None:
        return None
    files = table.files[rows]
    return files if len(distinct(files)) < len(files) else None


def _caution(table: Table, rows: np.ndarray, share: float) -> str:
    kept, all_rows = table.counts(rows), table.counts()
    more = [
        f"{name}: {count:,} of {of:,}"
        for name, count, of in zip(table.classes, kept, all_rows, strict=True)
        if count > 1.5 * share * of + 1
    ]
    unit = "rows" if table.groups is None else "groups"
    part = share_text(len(rows) / len(table))
    return (
        f"a trial on {len(rows):,} of {len(table):,} samples ({part}; `sample: {share:g}` in `data`): its "
        "metrics are not those of all samples. Leave `sample` out for the run that counts"
        + (f". Above their share, so that each has {LEAST} {unit}: {listing(more, 5)}" if more else "")
    )
