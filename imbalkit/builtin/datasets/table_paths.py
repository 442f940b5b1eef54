"""Cautions on the image paths in a table."""

from __future__ import annotations

from collections.abc import Sequence

from imbalkit.kinds import listing
from imbalkit_lite.folders import by_ending, ending, is_system
from imbalkit_lite.formats import UNREADABLE


def path_cautions(paths: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Cautions on rows of pictures that cannot be read, and of thumbnails and deleted files.

    Args:
        paths: below the folder that they start at
        labels: class of each row
    """
    cautions = []
    unreadable: dict[str, list[str]] = {}
    for path, label in zip(paths, labels, strict=True):
        if ending(path).lower() in UNREADABLE:
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
