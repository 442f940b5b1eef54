"""What a user hands to `fit` and `predict` as samples: rows of columns, images in memory, or files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

LABEL, GROUP = "label", "group"
COLUMNS, ARRAYS, FILES = "columns", "arrays", "files"
_RESERVED = ("path", LABEL, GROUP, "split")  # names that a table of samples has for something else


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

    def write(self, folder: Path, codes: np.ndarray, names: list[str], groups: np.ndarray | None) -> dict[str, Any]:
        """Write them into a folder with their labels: the recipe's `data` that reads them.

        Args:
            folder: an empty one
            codes: label codes, int [n]
            names: class names by code
            groups: of each sample, text [n]; None without
        """
        labels = {str(code): name for code, name in enumerate(names)}
        group = {} if groups is None else {GROUP: groups}
        if self.form == ARRAYS:
            own: dict[str, Any] = {"x": self.values, "y": codes, **group}
            np.savez(folder / "images.npz", **own)
            found: dict[str, Any] = {"name": "arrays", "file": str(folder / "images.npz"), "labels": labels}
            return found if groups is None else {**found, "groups": GROUP}
        own = {LABEL: codes, **group}
        if self.form == FILES:
            pd.DataFrame({"path": self.values, **own}).to_parquet(folder / "table.parquet", index=False)
            found = {"name": "table", "file": str(folder / "table.parquet"), "label_column": LABEL, "labels": labels}
        else:
            pd.concat([self.values.reset_index(drop=True), pd.DataFrame(own)], axis=1).to_parquet(
                folder / "table.parquet", index=False
            )
            found = {"name": "features", "file": str(folder / "table.parquet"), "label_column": LABEL, "labels": labels}
            found |= {"numeric": list(self.numeric)} if self.numeric else {}
            words = [name for name in self.values if name not in self.numeric]
            found |= {"categories": words} if words else {}
        return found if groups is None else {**found, "group_column": GROUP}


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


def columns_of(frame: pd.DataFrame) -> Samples:
    """A table with its columns' names as text. Raises ValueError for names that collide, or stand for something else."""
    names = [str(name) for name in frame.columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"expected columns of different names, got {twice!r} twice")
    taken = next((name for name in names if name in _RESERVED), None)
    if taken is not None:
        raise ValueError(
            f"X has a column {taken!r}, a name that the table of samples has for something else: rename it"
        )
    frame = frame.set_axis(names, axis=1)
    numeric = tuple(
        name
        for name in names
        if pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name])
    )
    return Samples(COLUMNS, frame, numeric)
