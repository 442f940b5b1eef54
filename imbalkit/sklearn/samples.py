"""What a user hands to `fit` and `predict` as samples: rows of columns, images in memory, or files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from imbalkit.data.pixels import as_uint8
from imbalkit.data.table import Table

LABEL, GROUP = "label", "group"
COLUMNS, ARRAYS, FILES = "columns", "arrays", "files"


@dataclass(frozen=True)
class Samples:
    """Samples of one form.

    Attributes:
        form: COLUMNS, ARRAYS (images in memory) or FILES (of images)
        values: a DataFrame with text as names of its columns, images [n, h, w] or [n, h, w, c], or a list of paths
        numeric: columns that are numbers by their type; the others are categories
    """

    form: str
    values: Any
    numeric: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    def table(self, codes: np.ndarray, names: list[str], groups: np.ndarray | None) -> Table:
        """Images in memory as the table that `load` of the data which `write` writes would be; arguments as `write`."""
        group = {} if groups is None else {GROUP: groups}
        frame = pd.DataFrame({LABEL: np.array(names, dtype=object)[codes], **group})
        return Table.build(frame, arrays=as_uint8(self.values, "X"), classes=names)

    def data(self, folder: Path, names: list[str], groups: np.ndarray | None) -> dict[str, Any]:
        """The recipe's `data` that reads what `write` writes into the folder."""
        labels = {str(code): name for code, name in enumerate(names)}
        if self.form == ARRAYS:
            found: dict[str, Any] = {"name": "arrays", "file": str(folder / "images.npz"), "labels": labels}
            if groups is None:
                return found
            return {**found, "groups": GROUP, **({"missing_groups": [""]} if None in groups else {})}
        file = str(folder / "table.parquet")
        found = {"name": "table", "file": file, "label_column": LABEL, "labels": labels}
        if self.form == COLUMNS:
            words = [name for name in self.values if name not in self.numeric]
            found |= {"name": "features", "numeric": list(self.numeric), "categories": words}
        return found if groups is None else {**found, "group_column": GROUP}

    def write(self, folder: Path, codes: np.ndarray, groups: np.ndarray | None) -> None:
        """Write them into a folder with their labels.

        Args:
            folder: an empty one
            codes: label codes, int [n]
            groups: of each sample, text [n], None where it is not known; None without
        """
        if self.form == ARRAYS:
            arrays: dict[str, Any] = {"x": self.values, "y": codes}
            if groups is not None:
                arrays[GROUP] = np.array(["" if name is None else name for name in groups])
            np.savez(folder / "images.npz", **arrays)
            return
        own = pd.DataFrame({LABEL: codes, **({} if groups is None else {GROUP: groups})})
        values = pd.DataFrame({"path": self.values}) if self.form == FILES else self.values.reset_index(drop=True)
        pd.concat([values, own], axis=1).to_parquet(folder / "table.parquet", index=False)


def form_of(x: Any) -> str:
    """Which form samples have: what is a table or a matrix of numbers is COLUMNS, also where scikit-learn will refuse it."""
    if isinstance(x, pd.DataFrame):
        return COLUMNS
    if getattr(x, "ndim", 0) in (3, 4):
        return ARRAYS
    if isinstance(x, pd.Series | np.ndarray | list | tuple) and len(x) and getattr(x, "ndim", 1) == 1:
        first = next(iter(x))
        if isinstance(first, str | os.PathLike):
            return FILES
        if getattr(first, "ndim", 0) in (2, 3):  # a list of images
            return ARRAYS
    return COLUMNS


def files_of(x: Any) -> Samples:
    """Paths of images. Raises ValueError for what is no path, with its place."""
    paths = list(x)
    for place, path in enumerate(paths):
        if not isinstance(path, str | os.PathLike):
            raise ValueError(f"expected the path of an image in each place of X, got {path!r:.60} in place {place}")
    return Samples(FILES, [os.path.abspath(path) for path in paths])


def images_of(x: Any) -> Samples:
    """Images in memory: uint8, integers within 0..255, or floats within 0..1. Raises ValueError for images of several sizes."""
    if not isinstance(x, np.ndarray):
        sizes = {np.shape(image) for image in x}
        if len(sizes) > 1:
            raise ValueError(
                f"expected images of one size, got {', '.join(str(list(size)) for size in sorted(sizes)[:3])}: resize them, or "
                "give their files as paths"
            )
        x = np.stack([np.asarray(image) for image in x])
    return Samples(ARRAYS, x)


def groups_of(groups: Any, rows: int) -> np.ndarray:
    """A group of each sample as text, object [n], None where it is not known. Raises ValueError for another shape."""
    # A list as objects: a text array would write a missing group as "nan".
    found = np.asarray(groups, dtype=None if hasattr(groups, "dtype") else object)
    if found.shape != (rows,):
        raise ValueError(f"expected a group for each of {rows} samples, got groups of shape {list(found.shape)}")
    known = pd.Series(found, dtype=None if found.dtype.kind in "iufb" else object)
    return np.array([None if pd.isna(group) else str(group) for group in known], dtype=object)
