"""The image paths of a table: where they lead, and cautions on them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from imbalkit.kinds import DataError, listing
from imbalkit_lite.containers import (
    Address,
    is_container,
    is_member,
    is_remote,
    join_address,
    member_problem,
    split_address,
)
from imbalkit_lite.folders import by_ending, ending, is_system
from imbalkit_lite.formats import UNREADABLE
from imbalkit_lite.paths import local_path

_SHOWN = 10  # rows in a message
_UNREADABLE = tuple(UNREADABLE)


def root_place(root: str) -> str:
    """The folder, container or remote place that relative paths start at."""
    return root if is_remote(root) else str(Path(local_path(root)))


def image_paths(cells: Iterable[str], root: str) -> list[str]:
    """Where the cells of a table lead: below a folder, into a container, or wherever they say themselves."""
    if split_address(root) is None and not is_container(root):
        start = os.path.join(root, "")  # before most cells; millions of them
        return [local_path(cell, root) if _is_special(cell) else start + cell for cell in cells]
    return [
        local_path(cell) if os.path.isabs(cell) or split_address(cell) else join_address(root, cell) for cell in cells
    ]


def _is_special(cell: str) -> bool:
    """Whether a cell may be more than the rest of a path: absolute, of a home, of another system, in a container."""
    return os.sep != "/" or cell[:1] in "/~" or "!" in cell or ":" in cell or "\\" in cell


def check_members(paths: Mapping[int, str]) -> None:
    """Raise DataError, with rows, for containers that cannot be opened and members that are not there.

    Args:
        paths: row of the table -> path
    """
    missing: list[tuple[int, Address]] = []
    inside = 0
    for row, path in paths.items():
        address = split_address(path)
        if address is None:
            continue
        inside += 1
        try:
            missing += [] if is_member(address) else [(row, address)]
        except DataError as error:
            raise DataError(f"row {row}: {error}") from None
    if missing:
        head = (
            f"{len(missing):,} of {inside:,} images in containers are not there: correct the paths or take the rows out"
        )
        lines = [f"  row {row}: {member_problem(address)}" for row, address in missing[:_SHOWN]]
        raise DataError("\n".join([head, *lines, *(["  ..."] if len(missing) > _SHOWN else [])]))


def path_cautions(paths: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Cautions on rows of pictures that cannot be read, and of thumbnails and deleted files.

    Args:
        paths: below the folder that they start at
        labels: class of each row
    """
    cautions = []
    unreadable: dict[str, list[str]] = {}
    for path, label in zip(paths, labels, strict=True):
        if path.lower().endswith(_UNREADABLE) and ending(path).lower() in UNREADABLE:
            unreadable.setdefault(label, []).append(path)
    if unreadable:
        number = sum(map(len, unreadable.values()))
        shown = listing((f"{label}: {by_ending(some)}" for label, some in unreadable.items()), 12, "; ")
        cautions.append(
            f"{number:,} rows name pictures of a kind that cannot be read ({shown}): convert them, such as to .png, and name "
            "those; a run stops at them, or leaves them out with images.on_bad_image: skip"
        )
    system = sum(map(is_system, paths))
    if system:
        cautions.append(
            f"{system:,} rows name images in folders of file servers or systems (such as @eaDir or $RECYCLE.BIN), which hold "
            "thumbnails and deleted files: take them out of the table"
        )
    return cautions
