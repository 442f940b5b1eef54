"""From a set's rows to its Table: an order of its own, groups, image files, cleaning."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from imbalkit.data.table import Table
from imbalkit.errors import listing
from imbalkit_melanoma.cleaning.lists import OFFICIAL, read_official, read_published
from imbalkit_melanoma.cleaning.near import near_pairs
from imbalkit_melanoma.cleaning.steps import NOTHING, clean
from imbalkit_melanoma.datasets.groups import groups
from imbalkit_melanoma.datasets.official import METADATA
from imbalkit_melanoma.datasets.table_files import TableFiles, find_images

_ORDER = ["year", "isic_id", "name", "label", "diagnosis", "patient_id", "lesion_id", "age", "sex", "site"]
_KNOWN = {"path", "label", "group", "name", "melanoma", *METADATA}
_SHOWN = 5  # files named in a message


def to_table(
    rows: pd.DataFrame,
    notes: list[str],
    files: TableFiles,
    folders: list[str],
    steps: Collection[str],
    near_distance: int,
) -> Table:
    """A set's rows as a Table. Raises DataError as IsicDataset.load says.

    Args:
        rows: as imbalkit_melanoma.datasets.official reads them, with a column `label`
        notes: on these rows
        files: the official tables
        folders: hold the images
        steps: what to leave out, of imbalkit_melanoma.cleaning.Step
        near_distance: up to how many bits the perceptual hashes of near duplicates may differ
    """
    order = _ORDER if rows["isic_id"].duplicated().any() else _ORDER[:2]
    newest_first = [column != "year" for column in order]
    rows = rows.sort_values(order, ascending=newest_first, ignore_index=True)  # whatever the order in the tables
    official, official_notes = _official(steps, files, rows)
    rows["group"] = groups(rows, official)
    paths, on_disk, several = find_images(folders, rows["name"].to_numpy(dtype=object))
    rows["path"], there = paths, np.array(on_disk)
    removed, cleaning_notes = _cleaned(steps, near_distance, files, rows, official, there)
    notes = [*notes, *official_notes]
    if several:
        notes.append(f"{several:,} images are there more than once; the first by folder and path is used")
    notes += cleaning_notes
    used = ~rows.index.isin(removed.index)
    if (missing := np.flatnonzero(used & ~there)).size:
        notes.append(f"{len(missing):,} of {used.sum():,} images are not there: enough for a plan, not for a run")
    names = [name for name in ("benign", "other", "melanoma") if (rows["label"] == name).any()]
    classes = names if rows["label"].isin(names).all() else sorted(rows["label"].unique())
    return Table.build(
        rows.loc[used, ["path", "label", "group", *METADATA, *(name for name in rows if name not in _KNOWN)]],
        classes=classes,
        notes=notes,
        removed=removed.reset_index(drop=True) if len(removed) else None,
        problems=[_not_there(rows["name"].iloc[missing], int(used.sum()), folders)] if len(missing) else [],
    )


def _official(steps: Collection[str], files: TableFiles, rows: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """The official pairs of duplicates, [m, 2], and notes."""
    requested = "official_duplicates" in steps
    if not (rows["year"] == 2020).any():
        note = "official_duplicates: the list is of ISIC-2020 alone, there is nothing to look for"
        return np.empty((0, 2), dtype=object), [note] if requested else []
    pairs = read_official(files, requested)
    unknown = pd.Index(pairs.ravel()).difference(pd.Index(rows["isic_id"]))
    if len(unknown):
        return pairs, [
            f"{OFFICIAL} names {len(unknown):,} images that the data do not have: {listing(unknown, _SHOWN)}"
        ]
    return pairs, []


def _cleaned(
    steps: Collection[str],
    near_distance: int,
    files: TableFiles,
    rows: pd.DataFrame,
    official: np.ndarray,
    there: np.ndarray,
) -> tuple[pd.DataFrame, list[str]]:
    """The rows that cleaning leaves out, and notes."""
    if not steps:
        return rows.iloc[:0], []
    listed, near, notes = None, NOTHING, []
    if "published_lists" in steps:
        # HAM10000 was the set of 2018: the list names all of it, as 2019 has the same files under the same names.
        named = read_published(files)
        listed = pd.MultiIndex.from_frame(rows[["year", "isic_id"]].replace({"year": {2018: 2019}})).isin(
            pd.MultiIndex.from_frame(named)
        )
    if "near_duplicates" in steps:
        near = near_pairs(rows["path"].to_numpy(), there, near_distance)
        if not there.all():
            notes.append(
                f"near_duplicates: {(~there).sum():,} of {len(there):,} images are not there and were compared with none, so "
                "that counts may fall once they are"
            )
    return clean(rows, steps, official, listed, near), notes


def _not_there(names: pd.Series, total: int, folders: list[str]) -> str:
    """The message with which a run is refused."""
    roots = [Path(folder).expanduser().absolute() for folder in folders]
    places = listing(str(root) + ("" if root.exists() else " (no such folder)") for root in roots)
    return (
        f"{len(names):,} of {total:,} image files are not there, such as {listing(names[:_SHOWN])} (looked below {places} for "
        "these names with .jpg, .jpeg or .png): `imbalkit melanoma fetch` gets them; or set `images` to the folder that holds "
        "them"
    )
