"""What people call the splits: train, validation and test."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from imbalkit.errors import DataError, listing

if TYPE_CHECKING:
    import pandas as pd

SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
"""Names of a split (lower case) -> train | validation | test."""

_WORDS = "|".join(sorted(SPLITS, key=len, reverse=True))
_BESIDE = r"images?|imgs?|pictures?|pics?|photos?|files?|sets?|splits?|data|datasets?|subset|part|folder|[xy]|\d"
_SPLIT = re.compile(rf"(?:(?:{_BESIDE})[\W_]*)*({_WORDS})(?:[\W_]*(?:{_BESIDE}))*")


def split_names(values: pd.Series, where: str) -> pd.Series:
    """A split column to train | validation | test. Raises DataError listing what is none of them."""
    text = values.astype("string").str.strip().str.lower()
    unknown = [str(value) for value in values[~text.isin(list(SPLITS))].unique()]
    if unknown:
        raise DataError(
            f"{where} holds {listing(map(repr, unknown))}; expected {listing(SPLITS, 20)} in every row "
            "(for a numbered fold, make a column with these names)"
        )
    return text.map(SPLITS).astype(str)


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
