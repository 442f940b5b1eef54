"""Which folders of a data set are splits and which are classes, by their names and what lies in them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbalkit.base.yaml_text import one_line
from imbalkit.data.split_names import SPLITS, mentions_split, split_like
from imbalkit.errors import DataError, listing

if TYPE_CHECKING:
    from imbalkit_lite.folders import Listing


class LayoutError(DataError):
    """Folders that can be read in several ways; `proposal` holds the parameters that decide it, the likeliest way."""

    def __init__(self, message: str, proposal: Mapping[str, Any]):
        super().__init__(message)
        self.proposal = dict(proposal)


def find_splits(images: Iterable[str]) -> dict[str, str]:
    """Top-level folder -> train | validation | test; empty where the top-level folders are classes.

    Folders are splits where all that hold images have such names (train, val, test, ...). Raises LayoutError where some
    look like a training set, with a test set or class folders of its own, and others do not, or where their names only
    resemble those of splits.
    """
    tops, below = _levels(images)
    if all(top.lower() in SPLITS for top in tops):
        return {top: SPLITS[top.lower()] for top in tops}
    like = {top: mentions_split(top) if below[top] else split_like(top) for top in tops}
    splits = {top: split for split in ("train", "validation", "test") for top in tops if like[top] == split}
    named = {top: split for top, split in splits.items() if top.lower() in SPLITS}
    if "train" in named.values() and len(set(named.values())) > 1:
        splits = named  # beside train and test, train_old is another folder
    others = [top for top in tops if top not in splits]
    deeper = set().union(*below.values())
    left_out = [f"/{top}" if top in deeper else top for top in others]  # a name alone means folders at any depth
    alone = len(set(splits.values())) == 1 and (
        any(len(below[top]) < 2 for top in splits) or all(below[top] for top in others)
    )
    if "train" not in splits.values() or alone:
        return {}
    exact = len(splits) == len(named)
    text = f"{listing(splits)} look{'s' if len(splits) == 1 else ''} like {'a split' if len(splits) == 1 else 'splits'}"
    text += f", beside which is {listing(others)}" if others else ""
    if not any(below[top] for top in splits):
        raise LayoutError(
            f"{text}; but there are no class folders in them: list the images and their labels in a table (data set "
            "`table`), or say `splits: {}` if these folders are classes",
            {},
        )
    ignore = f"leave out {listing(others)} with `ignore: {one_line(left_out)}`, or " if exact else ""
    raise LayoutError(
        f"{text}: {ignore}say which folders are splits with `splits: {one_line(splits)}` (`splits: {{}}`: none, all are classes)",
        {"ignore": left_out} if exact else {"splits": splits},
    )


def empty_folders(found: Listing, used: Collection[str], splits: Mapping[str, str] | None) -> Iterator[tuple[str, str]]:
    """(place, name) of the splits' and the class folders that hold no image at all.

    Args:
        found: what lies below the root
        used: names of the class folders with images, in any split
        splits: top-level folder -> split; None where the top-level folders are classes
    """
    for place in found.folders:
        top, *below = place.split("/")
        if splits is None:
            empty = not below and top not in used
        elif below:
            empty = top in splits and len(below) == 1 and below[0] not in used
        else:
            empty = top.lower() in SPLITS and top not in splits
        if empty:
            yield place, [top, *below][-1]


def layout_cautions(images: Iterable[str]) -> list[str]:
    """Cautions on top-level folders that are taken for classes, given the images' paths."""
    tops, below = _levels(images)
    text = []
    for top in tops:
        if split_like(top) and len(below[top]) > 1:
            text.append(
                f"the folder {top!r} is taken for a class, though it has the name of a split and holds the folders "
                f"{listing(sorted(below[top]), 5)}; if it is one, say `splits: {one_line({top: split_like(top)})}`"
            )
    inside = {name: split_like(name) for top in tops for name in below[top] if split_like(name)}
    if len(set(inside.values())) > 1:
        text.append(
            f"the class folders hold folders with the names of splits ({listing(sorted(inside))}), which are not used as "
            "such: put the splits above the classes, or list the images in a table with a column for the split"
        )
    return text


def check_names(images: Sequence[str], root: Path) -> None:
    """Raise DataError for names that are no UTF-8 text, which tables and reports cannot hold."""
    odd = [image for image in images if not _is_text(image)]
    if odd:
        raise DataError(
            f"{len(odd)} of {len(images)} images in {root.absolute()} have names that are no UTF-8 text, such as "
            f"{repr(os.fsencode(odd[0]))[2:-1]}: rename them (the program convmv does)"
        )


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _levels(images: Iterable[str]) -> tuple[list[str], dict[str, set[str]]]:
    """Top-level folders with images, and the folders with images in each."""
    below: dict[str, set[str]] = {}
    for image in images:
        parts = image.split("/", 2)
        if len(parts) > 1:
            below.setdefault(parts[0], set())
            if len(parts) > 2:
                below[parts[0]].add(parts[1])
    return list(below), below
