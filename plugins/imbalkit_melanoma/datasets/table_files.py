"""Finds the official tables and the images below folders of any nesting."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from imbalkit.kinds import DataError, existing_path, listing
from imbalkit_lite.folders import is_system, list_images

HOW_TO_GET = (
    "`imbalkit melanoma fetch` gets it, or fix the path in the recipe (relative paths start at the folder you run in)"
)
SUFFIX = "_downsampled"  # in 2,074 names of the ISIC-2019 tables


class TableFiles:
    """The tables below a folder, found by name in upper or lower case. Raises DataError if there is no such folder."""

    def __init__(self, folder: str):
        self.folder = existing_path(folder, "folder of tables", HOW_TO_GET, folder=True)
        self.files: dict[str, list[Path]] = {}
        for parent, folders, names in os.walk(self.folder, followlinks=False):
            folders[:] = sorted(name for name in folders if not name.startswith(".") and not is_system(name))
            for name in names:
                lower = name.lower()
                if lower.endswith((".csv", ".tab", ".txt")) or "." not in lower:
                    self.files.setdefault(lower, []).append(Path(parent, name))

    def find(self, *names: str) -> Path | None:
        """The first of these names that is there. Raises DataError if it is there twice with different content."""
        for name in names:
            found = sorted(self.files.get(name.lower(), []))
            for other in found[1:]:
                if not filecmp.cmp(found[0], other, shallow=False):
                    raise DataError(
                        f"expected one {name} below {self.folder.absolute()}, found two that differ: {found[0]} and {other}; "
                        "take one away, or name a folder that holds one"
                    )
            if found:
                return found[0]
        return None

    def find_like(self, part: str) -> Path | None:
        """The one file whose name contains `part`. Raises DataError as `find` does."""
        names = sorted(name for name in self.files if part in name)
        return self.find(*names)

    def need(self, *names: str) -> Path:
        """As `find`. Raises DataError if none is there."""
        found = self.find(*names)
        if found is None:
            there = sorted({path.name for paths in self.files.values() for path in paths if path.suffix})
            raise DataError(
                f"there is no {' or '.join(names)} below {self.folder.absolute()} (tables there: {listing(there, 8) or 'none'}): "
                f"{HOW_TO_GET}"
            )
        return found


def isic_id(name: str) -> str:
    """The archive's name of an image: without the `_downsampled` of ISIC-2019."""
    return name.removesuffix(SUFFIX)


def find_images(folders: Sequence[str], names: Iterable[str]) -> tuple[list[str], list[bool], int]:
    """Where images are.

    An image is known by its file name without ending, case and `_downsampled`. Of several files the one with the name as
    the table has it comes first, then the first folder, then the first path by alphabet.

    Args:
        folders: searched at any depth; one that is not there holds nothing
        names: image names as the tables have them

    Returns:
        paths [n], whether each is there [n] (a path that is not is where it would be), names with several files
    """
    exact: dict[str, str] = {}
    plain: dict[str, str] = {}
    several: set[str] = set()
    roots = [Path(folder).expanduser() for folder in folders]
    for root in roots:
        for image in list_images(root):
            stem = os.path.splitext(os.path.basename(image))[0].upper()
            path = f"{root}{os.sep}{image.replace('/', os.sep)}"
            key = stem.removesuffix(SUFFIX.upper())
            if key in plain:
                several.add(key)
            exact.setdefault(stem, path)
            plain.setdefault(key, path)
    names = list(names)
    keys = [isic_id(name).upper() for name in names]
    found = [exact.get(name.upper()) or plain.get(key) for name, key in zip(names, keys, strict=True)]
    paths = [path or f"{roots[0]}{os.sep}{name}.jpg" for path, name in zip(found, names, strict=True)]
    return paths, [path is not None for path in found], len(several.intersection(keys))
