"""What the readers share: split names, paths, mappings of labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator

from imbalkit.kinds import DataError, as_text, listing, nearest
from imbalkit_lite.paths import local_path, other_system

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

MISSING_LABELS = "raw labels that mean 'not known', such as nan: their rows are left out"
MISSING_GROUPS = "groups that mean 'not known', such as unknown: each such row is a group of its own"
HOW_TO_GET = "what the error says when the data are not there"


def _keys_as_text(value: Any) -> Any:
    # A recipe from Python may have numbers as keys; labels are text.
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else value


Text = Annotated[str, BeforeValidator(as_text)]
"""A name that YAML may have read as a number."""

LabelNames = Annotated[dict[str, Text], BeforeValidator(_keys_as_text)]
"""Raw label -> class name, such as {0: other, 1: melanoma}."""


def existing(path: str, what: str, how_to_get: str | None = None, folder: bool = False) -> Path:
    """The path with `~` expanded. Raises DataError, with the absolute path and what to do, if nothing is there."""
    try:
        found = Path(local_path(path)).expanduser()  # the latter fails for a home that is not known
        right, there = found.is_dir() if folder else found.is_file(), found.exists()
    except (
        OSError,
        RuntimeError,
    ) as error:  # a name that is too long, a home that is not known, a folder that is closed
        shown = path if len(path) <= 100 else f"{path[:100]}..."
        raise DataError(
            f"{what} cannot be looked for at {shown}: {getattr(error, 'strerror', None) or error}"
        ) from None
    if right:
        return found
    if there:
        kinds = ("folder", "file") if folder else ("file", "folder")
        raise DataError(f"expected {what} to be a {kinds[0]}, but {found.absolute()} is a {kinds[1]}")
    if system := other_system(str(found)):
        raise DataError(f"there is no {what} at {found}: this is a path of another system ({system})")
    advice = how_to_get or "mend the path in the recipe (relative paths start at the folder you run imbalkit in)"
    raise DataError(f"there is no {what} at {found.absolute()}: {advice}")


def map_labels(labels: pd.Series, names: Mapping[str, str]) -> pd.Series:
    """Raw labels (text) to class names. Raises DataError listing the raw labels that have none."""
    unknown = sorted(set(labels.unique()) - set(names))
    if unknown:
        hint = nearest(unknown[0], names)
        raise DataError(
            f"`labels` names no class for {listing(map(repr, unknown))}{hint}; it knows {listing(map(repr, names))}"
        )
    return labels.map(dict(names))


def check_words(values: pd.Series, words: Iterable[str] | None, key: str) -> None:
    """Raise DataError for a word that stands for missing values, but that no value (text) is."""
    for word in words or ():
        if not (values == word).any():
            known = [str(value) for value in values.dropna().unique()]
            raise DataError(
                f"`{key}`: no row has the value {word!r}{nearest(word, known)} (values: {listing(map(repr, known))})"
            )


def class_order(names: Mapping[str, str] | None, labels: Iterable[str]) -> list[str] | None:
    """Classes in the order in which `labels` of the recipe names them, only those that occur; None without it."""
    present = set(labels)
    return [name for name in dict.fromkeys(names.values()) if name in present] if names else None


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
