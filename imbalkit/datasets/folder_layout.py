"""Which folders of a data set are splits and which are classes, told by their names and what lies in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from imbalkit.datasets.common import SPLITS
from imbalkit.errors import DataError, listing

_WORDS = "|".join(sorted(SPLITS, key=len, reverse=True))
_BESIDE = r"images?|imgs?|pictures?|pics?|photos?|files?|sets?|splits?|data|datasets?|subset|part|folder|[xy]|\d"
_SPLIT = re.compile(rf"(?:(?:{_BESIDE})[\W_]*)*({_WORDS})(?:[\W_]*(?:{_BESIDE}))*")


class LayoutError(DataError):
    """Folders that can be read in several ways; `proposal` holds the parameters that decide it, the likeliest way."""

    def __init__(self, message: str, proposal: Mapping[str, Any]):
        super().__init__(message)
        self.proposal = dict(proposal)


def split_like(name: str) -> str | None:
    """The split that a folder's name speaks of (train | validation | test), else None.

    >>> split_like("train_images"), split_like("Test set"), split_like("ISIC_2018_Training_Input"), split_like("brain")
    ('train', 'test', None, None)
    """
    found = _SPLIT.fullmatch(name.strip().lower())
    return SPLITS[found.group(1)] if found else None


def mentions_split(name: str) -> str | None:
    """As `split_like`, for a name with other words beside, such as ISIC_2018_Training_Input."""
    words = re.split(r"[\W_]+|(?<=[a-z0-9])(?=[A-Z])", name)
    found = {SPLITS[word.lower()] for word in words if word.lower() in SPLITS}
    return split_like(name) or (found.pop() if len(found) == 1 else None)


def find_splits(images: Iterable[str]) -> dict[str, str]:
    """Top-level folder -> train | validation | test; empty where the top-level folders are classes.

    Folders are splits where all that hold images are called so (train, val, test, ...). Raises LayoutError where some
    look like a training set and a test set and others do not, or where their names only resemble those of splits.
    """
    parts = [image.split("/") for image in images]
    tops = dict.fromkeys(part[0] for part in parts if len(part) > 1)
    if all(top.lower() in SPLITS for top in tops):
        return {top: SPLITS[top.lower()] for top in tops}
    with_classes = {part[0] for part in parts if len(part) > 2}
    like = {top: mentions_split(top) if top in with_classes else split_like(top) for top in tops}
    sides = {top: side for side in ("train", "validation", "test") for top in tops if like[top] == side}
    if "train" not in sides.values() or len(set(sides.values())) < 2:
        return {}
    others = [top for top in tops if top not in sides]
    exact = all(top.lower() in SPLITS for top in sides)
    splits = {"splits": sides}
    said = f"{listing(sides)} look like splits" + (f", beside them is {listing(others)}" if others else "")
    if not with_classes & set(sides):
        raise LayoutError(
            f"{said}; but there are no class folders in them: list the images and their labels in a table (data set "
            "`table`), or say `splits: {}` if these folders are classes",
            {},
        )
    ignore = f"leave out {listing(others)} with `ignore: [{', '.join(others)}]`, or " if exact else ""
    raise LayoutError(
        f"{said}: {ignore}say which folders are splits with `splits: {_flow(sides)}` (`splits: {{}}`: none, all are "
        "classes)",
        {"ignore": others} if exact else splits,
    )


def _flow(mapping: Mapping[str, str]) -> str:
    """A mapping as YAML on one line."""
    import yaml

    return yaml.safe_dump(dict(mapping), default_flow_style=True, width=10**6, sort_keys=False).strip()
