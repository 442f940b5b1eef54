"""Finds the column of a user's table that names the images, and where these lie."""

from __future__ import annotations

import os
import posixpath
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbalkit.data.paths import existing_path
from imbalkit.errors import DataError, listing
from imbalkit.inspection.numbers_as_text import NUMBER
from imbalkit_lite.containers import is_container, is_remote, join_address, member_problem, split_address
from imbalkit_lite.formats import EXTENSIONS
from imbalkit_lite.paths import local_path, other_system

if TYPE_CHECKING:
    import pandas as pd

_TABLES = (".csv", ".tsv", ".parquet", ".pq")
_OF_IMAGES = re.compile(
    r"(image|img|picture|photo|file|isic)([ _-]?(file|id|ids|name|names|path|paths|no))?|(file)?(path|name)s?", re.I
)


def has_no_images(text: pd.DataFrame, file: Path) -> bool:
    """Whether a table's columns are all that there is: no image lies beside it, and no cell of its first rows is named as one.

    Raises DataError where a column's name says that its values name images.
    """
    from imbalkit_lite.folders import list_folder

    if list_folder(file.parent).images or _containers_beside(file):
        return False
    cells = (value.lower() for value in text.head(100).to_numpy().ravel())
    if any(value.endswith(EXTENSIONS) or split_address(value) or other_system(value) for value in cells):
        return False
    named = next((name for name in text if _OF_IMAGES.fullmatch(str(name)) and text[name].is_unique), None)
    if named is not None and not text[named].str.fullmatch(NUMBER).all():
        raise DataError(
            f"column {named!r} of {file.absolute()} seems to name images (such as {text[named].iloc[0]!r}), and none lie beside "
            f"the table: name their folder with --root, or, for a model of the other columns alone, take {named!r} out"
        )
    return True


def image_paths(text: pd.DataFrame, file: Path, root: Path | None) -> dict[str, str]:
    """path_column or path_template, and root where it is not the table's folder: a folder, or a container beside the table."""
    from imbalkit_lite.folders import list_folder
    from imbalkit_lite.left_out import left_out

    bases = [_root(root)] if root else [file.parent, *_containers_beside(file)]
    best: tuple[float, dict[str, str]] = (0.0, {})
    for base in bases:
        below = list_folder(base)
        best = max(best, _best_column(text, file, base, below.images), key=lambda found: found[0])
        if best[0] >= 0.5:
            return best[1]
    below, base = list_folder(bases[0]), bases[0]
    for column in text:
        foreign = next((value for value in text[column] if other_system(value)), None)
        if foreign:
            raise DataError(
                f"column {column!r} of {file.absolute()} holds paths of another system ({other_system(foreign)}), such as "
                f"{foreign}: write the paths below the folder that holds the images here into it, and name that folder "
                "with --root"
            )
    raise DataError(
        f"no column of {file.absolute()} holds the paths or names of images; {len(below.images)} images were found below "
        f"{base.absolute()}: name their folder with --root (columns: {listing(text.columns, 30)})"
        + "".join(f"; {text}" for text in left_out(below))
    )


def _root(root: Path) -> Path:
    """The folder, or container, that was named. Raises DataError if it is not there."""
    address = split_address(root)
    inside = address is not None or is_container(root)
    found = existing_path(str(root if address is None else address.place), "image folder", folder=not inside)
    return found if address is None else root


def _containers_beside(file: Path) -> list[Path]:
    """Containers in a table's folder that are no tables."""
    return [
        path
        for path in sorted(file.parent.iterdir())
        if path != file and not path.name.startswith(".") and path.suffix.lower() not in _TABLES and is_container(path)
    ]


def _best_column(text: pd.DataFrame, file: Path, base: Path, images: list[str]) -> tuple[float, dict[str, str]]:
    """The column that names the most of the images below a folder or in a container: (share of its values, parameters)."""
    folders: dict[str, Counter[str]] = defaultdict(Counter)  # file name -> folders below base
    stems: dict[str, list[str]] = defaultdict(list)
    for image in images:
        folder, _, name = image.rpartition("/")
        folders[name][folder] += 1
        stems[os.path.splitext(name)[0]].append(image)
    sample = text.iloc[:: max(1, len(text) // 500)]
    best: tuple[float, dict[str, str]] = (0.0, {})
    for column in text:
        values = [_plain(value) for value in sample[column] if value]
        if not values or len(set(values)) < len(values) / 4:
            continue
        known = {*images, *(value for value in values if _is_member(value, file.parent))}
        for share, extra in _matches(str(column), values, known, folders, stems):
            if share > best[0]:
                place = _below(base, extra.pop("below")) if "below" in extra else str(base)
                if os.path.abspath(place) != os.path.abspath(file.parent):
                    extra["root"] = place
                best = (share, extra)
    return best


def _plain(value: str) -> str:
    """A path as images are listed: with '/', without './' and '..'; paths of another system stay as they are."""
    if other_system(value) or split_address(value) or not ("\\" in value or "/" in value or value.startswith("~")):
        return value
    return posixpath.normpath(local_path(value).replace(os.sep, "/"))


def _below(base: Path, folder: str) -> str:
    """A folder below a folder, or in a container."""
    if split_address(base) is None and not is_container(base):
        return os.path.join(base, folder)
    return join_address(base, folder) if folder else str(base)


def _is_member(value: str, folder: Path) -> bool:
    """Whether a cell is the address of a container's member that is there, or of a remote place."""
    address = split_address(local_path(value, folder)) if split_address(value) else None
    return address is not None and (is_remote(value) or member_problem(address) is None)


def _matches(column: str, values: list[str], known: set[str], folders: Any, stems: Any) -> list[tuple[float, dict]]:
    """How well a column names the images: (share of values found, parameters)."""
    found: list[tuple[float, dict]] = []
    whole = sum(value in known or (os.path.isabs(value) and os.path.isfile(value)) for value in values)
    found.append((whole / len(values), {"path_column": column}))
    # By file name, from the folder that most of them are in.
    tails: Counter[str] = Counter()
    for value in values:
        head, _, name = value.rpartition("/")
        for folder in folders.get(name, ()):
            if head == "" or folder == head or folder.endswith(f"/{head}"):
                tails[folder[: len(folder) - len(head)].rstrip("/")] += 1
    if tails:
        below, count = tails.most_common(1)[0]
        found.append((count / len(values) - 1e-6, {"path_column": column, "below": below}))
    if re.fullmatch(r"\w+", str(column)):
        ways: Counter[tuple[str, str]] = Counter()
        for value in values:
            for image in stems.get(value, ()):
                folder, _, name = image.rpartition("/")
                ways[folder, os.path.splitext(name)[1]] += 1
        if ways:
            (below, ending), count = ways.most_common(1)[0]
            found.append((count / len(values) - 2e-6, {"path_template": f"{{{column}}}{ending}", "below": below}))
    return found
