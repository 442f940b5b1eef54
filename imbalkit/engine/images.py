"""Pixels for a run: the table's images at the size of its image rule."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from imbalkit.base.progress import Progress
from imbalkit.data.cache import LEFT_OUT, bad_images_message
from imbalkit.data.dark_images import darkness_in_a_run
from imbalkit.data.image_store import BadImage, ImageStore
from imbalkit.data.keeping import open_store
from imbalkit.data.table import Table
from imbalkit.errors import DataError, PlanError, listing
from imbalkit.functional.distinct import without
from imbalkit.recipe.document import show_place
from imbalkit.recipe.recipe import ImageSettings, Recipe
from imbalkit.recipe.traverse import needs_square
from imbalkit.training.device_images import place
from imbalkit_lite.images import ImageRule


def check_square(recipe: Recipe, rule: ImageRule) -> None:
    """Raise PlanError for what needs square images and gets others."""
    for at, what in needs_square(recipe) if rule.size[0] != rule.size[1] else ():
        raise PlanError(f"{show_place(at)}: {what}, the images are {list(rule.size)} (height, width)")


def load_images(
    table: Table, train: np.ndarray, rule: ImageRule, settings: ImageSettings, device: torch.device, progress: Progress
) -> tuple[ImageStore, tuple[BadImage, ...]]:
    """The images, decoded once, and those that are left out because they cannot be read.

    Args:
        table: the samples
        train: those to train on, int [n]
        rule: size and resizing
        settings: the cache, what to do with unreadable images, and how much of the device's memory they may take
        device: where they are needed
        progress: shows what goes on

    Raises:
        DataError: unreadable images, all of them listed (unless the recipe skips them)
        DataError: a class without an image to train on, as none of them can be read
    """
    paths = table.frame["path"].tolist() if "path" in table.frame else None
    store = open_store(
        paths,
        table.arrays,
        rule,
        Path(settings.cache).expanduser() if settings.cache else None,
        progress.images,
        settings.on_bad_image,
        progress.note,
        settings.keep,
    )
    bad = tuple(getattr(store, "bad", ()))
    if bad:
        _check_classes(table, train, bad)
        progress.note(bad_images_message(bad, len(table), LEFT_OUT))
    if paths is not None and table.arrays is None:
        good = without(np.arange(len(table)), np.array([image.index for image in bad], dtype=np.int64))
        for note in darkness_in_a_run(store, paths, good, rule.bits):
            progress.note(f"note: {note}")
    return place(store, device, settings.device_memory), bad


def _check_classes(table: Table, train: np.ndarray, bad: Sequence[BadImage]) -> None:
    """Raise DataError for classes of which no training image can be read: a network cannot learn them."""
    readable = without(train, np.array([image.index for image in bad], dtype=np.int64))
    counts = zip(table.classes, table.counts(train), table.counts(readable), strict=True)
    lost = [f"{name!r} ({before:,})" for name, before, after in counts if before and not after]
    if lost:
        first = next(image for image in bad if image.index in set(train.tolist()))
        raise DataError(
            f"no picture of {listing(lost)} that can be read remains to train on (such as {first.path}: {first.reason}): fix "
            "them, or take the class out of the data"
        )
