"""The rules of cleaning: which rows go, why, and which row stays in their place.

The rules, in this order, whatever order a recipe names them in and the tables are in:

1. conflicting_labels: all rows of one picture that has two labels. One picture are rows of one name, official duplicates
   and, where that step is requested, near duplicates. So are all rows of a lesion that has two labels: its photographs
   differ, but a diagnosis is of the lesion, and nothing shows which of the two is right.
2. repeated_names: all but one of the rows of one name.
3. official_duplicates: all but one of the pictures that the official list of ISIC-2020 links, also in chains.
4. published_lists: what the published list names; its twin stays, as the list names all but one of a set.
5. near_duplicates: a row whose image is found to be one photograph (imbalkit.inspection.near_duplicates) with that of a row that
   stays. Every row that goes so was compared with the very row that stays for it; chains of likeness are not followed.

Of rows that are one picture that stays which the published list (where it is requested) does not name, then the newest
year, then the first name by alphabet.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import get_args

import numpy as np
import pandas as pd

from imbalkit.errors import listing
from imbalkit_melanoma.cleaning import Step
from imbalkit_melanoma.datasets.groups import linked

STEPS: tuple[str, ...] = get_args(Step)
NOTHING = np.empty((0, 3), dtype=np.int64)


def clean(
    rows: pd.DataFrame,
    steps: Collection[str],
    official: np.ndarray,
    listed: np.ndarray | None = None,
    near: np.ndarray = NOTHING,
) -> pd.DataFrame:
    """The rows that go.

    Args:
        rows: index 0..n-1, columns isic_id, path, label, year, lesion_id
        steps: names among STEPS
        official: pairs of names that are one picture, [m, 2]
        listed: whether the published list names the row, bool [n]; used with that step
        near: pairs of rows whose images are near duplicates, and the distance of their hashes in bits, int64 [k, 3]; used
            with that step

    Returns:
        index: the rows' index; columns isic_id, path, label, year, reason (the step), duplicate_of (name of the row
        that stays in its place, empty without one), detail; sorted by reason, year and name
    """
    leaving = _Leaving(
        rows, listed if "published_lists" in steps and listed is not None else np.zeros(len(rows), dtype=bool)
    )
    picture = linked(rows[["isic_id"]], official)
    near = near if "near_duplicates" in steps else NOTHING
    if "conflicting_labels" in steps:
        for row, detail in _conflicts(rows, picture, near).items():
            leaving.drop(row, "conflicting_labels", detail)
    if "repeated_names" in steps:
        leaving.keep_one(pd.factorize(rows["isic_id"])[0], "repeated_names", "the name of another row")
    if "official_duplicates" in steps:
        named = rows["isic_id"].isin(official.ravel()).to_numpy()
        leaving.keep_one(picture, "official_duplicates", "one picture by the official list", named)
    leaving.drop_listed(picture, "published_lists", "byte-identical to a newer file by the published list")
    leaving.drop_near(near)
    return leaving.frame()


class _Leaving:
    """Rows that go, and the row that stays for each."""

    def __init__(self, rows: pd.DataFrame, listed: np.ndarray):
        self.rows, self.listed = rows, listed
        self.stays = np.ones(len(rows), dtype=bool)
        self.twin = np.full(len(rows), -1)
        self.why: dict[int, tuple[str, str]] = {}
        order = np.lexsort((rows["isic_id"].to_numpy(dtype=str), -rows["year"].to_numpy(), listed))
        self.rank = np.empty(len(rows), dtype=np.int64)  # of two rows the lower one stays
        self.rank[order] = np.arange(len(rows))

    def drop(self, row: int, reason: str, detail: str, twin: int = -1) -> None:
        self.stays[row], self.twin[row], self.why[row] = False, twin, (reason, detail)

    def keep_one(self, key: np.ndarray, reason: str, detail: str, among: np.ndarray | bool = True) -> None:
        """Of the rows of one key that stay (only those of the mask `among`), drop all but the first by rank."""
        here = np.flatnonzero(self.stays & among)
        here = here[np.lexsort((self.rank[here], key[here]))]
        first = np.flatnonzero(np.diff(key[here], prepend=-1))
        best = np.repeat(here[first], np.diff(first, append=len(here)))
        for row, twin in zip(here[here != best], best[here != best], strict=True):
            self.drop(int(row), reason, detail, int(twin))

    def drop_listed(self, picture: np.ndarray, reason: str, detail: str) -> None:
        """Drop what the published list names; the twin is known only where an official duplicate stays."""
        here = np.flatnonzero(self.stays & ~self.listed)
        twins = {int(picture[row]): int(row) for row in here[np.argsort(-self.rank[here])]}  # the best one last
        for row in np.flatnonzero(self.stays & self.listed):
            self.drop(int(row), reason, detail, twins.get(int(picture[row]), -1))

    def drop_near(self, near: np.ndarray) -> None:
        """Best row first, drop what is near a row that stays; a row that went stands for the one that stays for it."""
        ends = np.array([[self.place(row) for row in pair] for pair in near[:, :2]], dtype=np.int64).reshape(-1, 2)
        usable = (ends >= 0).all(axis=1) & (ends[:, 0] != ends[:, 1])
        swap = self.rank[ends[:, 0]] > self.rank[ends[:, 1]]
        better, worse = np.where(swap, ends[:, 1], ends[:, 0])[usable], np.where(swap, ends[:, 0], ends[:, 1])[usable]
        distance = near[usable, 2]
        for pair in np.lexsort((distance, self.rank[better], self.rank[worse])):
            if self.stays[better[pair]] and self.stays[worse[pair]]:
                detail = f"one photograph by comparison, hashes {distance[pair]} bits apart"
                self.drop(int(worse[pair]), "near_duplicates", detail, int(better[pair]))

    def place(self, row: int) -> int:
        """The row that stays for this one, -1 without one."""
        while row >= 0 and not self.stays[row]:
            row = self.twin[row]
        return int(row)

    def frame(self) -> pd.DataFrame:
        gone = np.array(sorted(self.why), dtype=np.int64)
        frame = self.rows.loc[gone, ["isic_id", "path", "label", "year"]]
        names, labels = (self.rows[column].to_numpy(dtype=object) for column in ("isic_id", "label"))
        places = [self.place(row) for row in gone]
        frame["reason"] = [self.why[row][0] for row in gone]
        frame["duplicate_of"] = [names[place] if place >= 0 else "" for place in places]
        torn = [place >= 0 and labels[row] != labels[place] for row, place in zip(gone, places, strict=True)]
        frame["detail"] = [
            self.why[row][1] + (f"; the row that stays is {labels[place]}" if differs else "")
            for row, place, differs in zip(gone, places, torn, strict=True)
        ]
        order = frame["reason"].map({step: number for number, step in enumerate(STEPS)})
        return frame.assign(order=order).sort_values(["order", "year", "isic_id"], kind="stable").drop(columns="order")


def _conflicts(rows: pd.DataFrame, picture: np.ndarray, near: np.ndarray) -> dict[int, str]:
    """Rows whose picture or lesion has two labels, and the evidence."""
    labels, names = rows["label"], rows["isic_id"]
    found: dict[int, str] = {}
    first, second = near[:, 0], near[:, 1]
    differ = labels.to_numpy()[first] != labels.to_numpy()[second]
    for one, other, distance in near[differ]:
        for row, twin in ((one, other), (other, one)):
            detail = f"one photograph with {names[twin]}, which is {labels[twin]} (hashes {distance} bits apart)"
            found[int(row)] = min(found.get(int(row), detail), detail)  # whatever the order of the pairs
    for key, what in ((rows["lesion_id"], "lesion {}"), (pd.Series(picture, index=rows.index), "one picture")):
        mixed = labels.groupby(key).transform("nunique") > 1
        for value, some in rows[mixed].groupby(key[mixed]):
            labelled = "; ".join(
                f"{label}: {listing(sorted(part), 5)}" for label, part in some.groupby("label")["isic_id"]
            )
            found |= {int(row): f"{what.format(value)} with two labels ({labelled})" for row in some.index}
    torn = np.isin(picture, picture[list(found)])
    same = {int(row): "one picture with a row whose label is in conflict" for row in np.flatnonzero(torn)}
    return same | found
