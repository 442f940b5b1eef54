"""Finds the official tables and the images below folders of any nesting."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from imbalkit.kinds import DataError, existing_path, listing
from imbalkit_lite.containers import join_address, members_of
from imbalkit_lite.folders import is_system, list_images
from imbalkit_lite.members import Members

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


def _member(name: str, containers: Mapping[str, Members]) -> str | None:
    """The address of an image in the first container that has it."""
    return next((join_address(place, name) for place, members in containers.items() if name in members), None)


def isic_id(name: str) -> str:
    """The archive's name of an image: without the `_downsampled` of ISIC-2019."""
    return name.removesuffix(SUFFIX)


def find_images(folders: Sequence[str], names: Iterable[str]) -> tuple[list[str], list[bool], int]:
    """Where images are.

    An image is known by its file name without ending, case and `_downsampled`. Of several files the one with the name as
    the table has it comes first, then the first folder, then the first path by alphabet.

    Args:
        folders: searched at any depth; one that is not there holds nothing. A container is one as well: of an HDF5 file, whose
            members have no endings, the name as the table has it is looked for
        names: image names as the tables have them

    Returns:
        paths [n], whether each is there [n] (a path that is not is where it would be), names with several files
    """
    exact: dict[str, str] = {}
    plain: dict[str, str] = {}
    several: set[str] = set()
    roots = [Path(folder).expanduser() for folder in folders]
    containers = [str(root) for root in roots if root.is_file()]
    unnamed = {place: members_of(place) for place in containers if not members_of(place).named_files}
    for root in roots:
        for image in list_images(root) if str(root) not in unnamed else ():
            stem = os.path.splitext(os.path.basename(image))[0].upper()
            path = join_address(root, image) if root.is_file() else f"{root}{os.sep}{image.replace('/', os.sep)}"
            key = stem.removesuffix(SUFFIX.upper())
            if key in plain:
                several.add(key)
            exact.setdefault(stem, path)
            plain.setdefault(key, path)
    names = list(names)
    keys = [isic_id(name).upper() for name in names]
    found = [
        _member(name, unnamed) or exact.get(name.upper()) or plain.get(key)
        for name, key in zip(names, keys, strict=True)
    ]
    first = next((root for root in roots if not root.is_file()), roots[0])
    paths = [path or f"{first}{os.sep}{name}.jpg" for path, name in zip(found, names, strict=True)]
    return paths, [path is not None for path in found], len(several.intersection(keys))
