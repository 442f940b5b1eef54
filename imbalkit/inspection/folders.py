"""What `imbalkit init` makes of a folder: class folders, splits, or tables beside the images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imbalkit.base.yaml_text import one_line
from imbalkit.data.folder_layout import LayoutError
from imbalkit.errors import DataError, listing
from imbalkit.inspection.columns import inspect_table
from imbalkit.inspection.findings import Findings, data_set
from imbalkit.inspection.split_tables import find_split_tables, inspect_parts, inspect_split_tables, tables_in
from imbalkit_lite.containers import is_container
from imbalkit_lite.paths import local_path


def inspect_folder(path: Path, root: Path | None, label: str | None) -> Findings:
    """The dataset part that reads a folder. Raises DataError where nothing fits."""
    from imbalkit_lite.folders import list_folder
    from imbalkit_lite.left_out import left_out

    place = Path(local_path(str(path)))
    below = list_folder(place)
    if "." in below.closed:
        raise DataError(f"{place.absolute()} cannot be listed: {below.closed['.']}")
    images = below.images
    tops = list(dict.fromkeys(image.split("/")[0] for image in images if "/" in image))
    tables = tables_in(place)
    why, more = None, tuple(left_out(below))
    asked = bool(tables) and (label is not None or root is not None)  # for what tables alone have
    if not asked and (len(tops) > 1 or (tops and not tables)):
        try:
            found = class_folders(path)
        except LayoutError as error:  # perhaps the tables say
            why = error
        else:
            if tables:
                found.hints.append(
                    f"tables that are not used: {listing(t.name for t in tables)}; to use one, run init on it"
                )
            if len(found.table.classes) > 1:
                return found
            more = tuple(found.table.cautions)
    if len(tables) > 1 and not images and all(table.suffix.lower() == ".parquet" for table in tables):
        return inspect_parts(tables, label)
    if by_split := find_split_tables(path.expanduser()):
        return inspect_split_tables(by_split, root, label)
    if len(tables) == 1:
        return inspect_table(tables[0], root, label)
    if tables:
        raise DataError(f"{place.absolute()} has several tables: run init on one of {listing(t.name for t in tables)}")
    if why is not None:
        raise why
    deeper = sorted({image.split("/")[1] for image in images if image.count("/") > 1})
    what = f"{len(images)} images in {listing(tops) or 'no folder'}" if images else "no images"
    archives = [
        entry.name
        for entry in sorted(place.iterdir())
        if entry.suffix.lower() in (".gz", ".7z", ".rar") or is_container(entry)
    ]
    containers = [name for name in archives if is_container(name)]
    if archives and not images:
        what += f"; run init on {listing(containers)}" if containers else f" (unpack {listing(archives)} first)"
    if len(tops) == 1 and len(deeper) > 1:
        what += f", which has the folders {listing(deeper)}: run init on {path / tops[0]} if these are the classes"
    raise DataError(
        f"expected one folder a class, or a CSV file with image paths and labels, in {place.absolute()}; found {what}"
        + "".join(f"; {text}" for text in more)
    )


def class_folders(path: Path) -> Findings:
    """An image folder, with the parameters that its layout asks for. Raises DataError, LayoutError."""
    parameters: dict[str, Any] = {}
    hints: list[str] = []
    while True:
        part = data_set("image_folder", root=str(path), **parameters)
        try:
            found = Findings(part, part.load(), hints=hints)
            break
        except LayoutError as error:
            if not error.proposal or error.proposal.items() <= parameters.items():
                raise
            keys = ", ".join(f"{key}: {one_line(value)}" for key, value in error.proposal.items())
            hints.append(f"{error}; the recipe has {keys}")
            parameters |= error.proposal
    found.hints += _groups_below(found, part)
    return found


def _groups_below(found: Findings, part: Any) -> list[str]:
    """A hint where the class folders hold folders, such as one a patient."""
    depth = 2 if "split" in found.table.frame else 1
    above = len(str(Path(part.root).expanduser())) + 1  # a separator, or the "!" of a container
    parts = [Path(path[above:]).parts for path in found.table.frame["path"]]
    below = {part[: depth + 1] for part in parts if len(part) > depth + 1}
    deep = sum(len(part) > depth + 1 for part in parts)
    if not (5 <= len(below) < deep and deep > 0.8 * len(parts)):
        return []
    found.group_pattern = "^" + "[^/]+/" * depth + "([^/]+)/"
    return [
        f"the class folders hold {len(below)} folders: if each is of one patient or scene, keep it in one split "
        f"with group_pattern: '{found.group_pattern}'"
    ]
