"""Images in one folder a class."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import field_validator

from imbalkit.datasets.common import HOW_TO_GET, SPLITS, Text, existing
from imbalkit.errors import DataError, listing, nearest
from imbalkit.kinds import Dataset, param
from imbalkit_lite.images import EXTENSIONS, list_images

if TYPE_CHECKING:
    from imbalkit.table import Table


class ImageFolder(Dataset):
    """Images sorted into one folder a class, at any depth below it.

    Where every top-level folder with images is a split (train, val, valid, validation, dev, test), the class folders
    are looked for one level down and the table gets a `split` column.
    """

    name = "image_folder"

    root: str = param(help="folder that holds one folder a class, or one a split with the class folders in it")
    classes: list[Text] | None = param(
        None, help="class folders to use, in the order of the classes (default: all, in natural order)", min_length=1
    )
    group_pattern: str | None = param(
        None,
        help="regular expression with one (group), searched in the path below root: images with the same find, such as "
        "one patient's, stay on one side of the split",
    )
    how_to_get: str | None = param(None, help=HOW_TO_GET)

    @field_validator("group_pattern")
    @classmethod
    def _one_group(cls, value: str | None) -> str | None:
        try:
            groups = re.compile(value or "()").groups
        except re.error as error:
            raise ValueError(f"expected a regular expression: {error}") from None
        if groups != 1:
            raise ValueError(f"expected a regular expression with one (group), got {groups}")
        return value

    def load(self) -> Table:
        """All images below the class folders. Raises DataError for a missing root or class folder, or no images."""
        import pandas as pd

        from imbalkit.table import Table

        root = existing(self.root, "image folder", self.how_to_get, folder=True)
        images = list_images(root)
        parts = [image.split("/") for image in images]
        stray = sum(len(part) == 1 for part in parts)
        images, parts = [i for i in images if "/" in i], [part for part in parts if len(part) > 1]
        if not images:
            raise DataError(
                f"expected one folder a class with images ({', '.join(EXTENSIONS)}) in {root.absolute()}, found "
                + (f"{stray} images that are in no class folder" if stray else "no images")
            )
        frame: dict[str, Any] = {"path": [os.path.join(root, *part) for part in parts]}
        notes = [f"{stray} images directly in {self.root} have no class folder and are left out"] if stray else []
        depth = 0
        if has_splits(parts):
            depth = 1
            flat = sorted({part[0] for part in parts if len(part) == 2})
            if flat:
                raise DataError(
                    f"expected class folders in {root.absolute() / flat[0]}, found images; "
                    f"sort them into class folders, or name a root without {flat[0]!r}"
                )
            frame["split"] = [SPLITS[part[0].lower()] for part in parts]
        frame["label"] = [part[depth] for part in parts]
        table = pd.DataFrame(frame)
        if self.group_pattern:
            found = [re.search(self.group_pattern, image) for image in images]
            table["group"] = [match.group(1) if match else None for match in found]
        table, more = self._chosen(table)
        return Table.build(table, classes=self.classes, notes=(*notes, *more))

    def _chosen(self, table: Any) -> tuple[Any, list[str]]:
        """Only the classes asked for, and notes on what is odd."""
        known = sorted(table["label"].unique())
        notes = []
        if self.classes is not None:
            for name in self.classes:
                if name not in known:
                    raise DataError(
                        f"there is no class folder {name!r} with images in {Path(self.root).expanduser().absolute()}"
                        f"{nearest(name, known)} (found: {listing(known)})"
                    )
            left = table[~table["label"].isin(self.classes)]
            if len(left):
                notes.append(f"{len(left)} images of other classes are left out: {listing(left['label'].unique())}")
            table = table[table["label"].isin(self.classes)]
        if "split" in table:
            for split, rows in table.groupby("split"):
                absent = sorted(set(table["label"]) - set(rows["label"]))
                if absent:
                    notes.append(f"the split {split!r} has no images of {listing(absent)}")
        return table, notes


def has_splits(parts: list[list[str]]) -> bool:
    """Whether every top-level folder is a split's, given the images' paths in parts."""
    tops = {part[0].lower() for part in parts}
    return tops <= set(SPLITS)
