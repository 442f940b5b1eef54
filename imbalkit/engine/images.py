"""Pixels for a run: the table's images at the size that the recipe or the backbone asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from imbalkit.base.progress import Progress
from imbalkit.data.cache import bad_images_message, open_store
from imbalkit.data.dark_images import darkness_in_a_run
from imbalkit.data.image_store import BadImage, ImageStore
from imbalkit.errors import DataError, PlanError, listing
from imbalkit.recipe.image_rule import image_rule
from imbalkit.recipe.prepared import Prepared
from imbalkit.recipe.traverse import operations
from imbalkit.training.device_images import place


def load_images(
    prepared: Prepared, device: torch.device, progress: Progress
) -> tuple[ImageStore, tuple[BadImage, ...]]:
    """The images, decoded once, and those that are left out because they cannot be read.

    Raises:
        DataError: unreadable images, all of them listed (unless the recipe skips them)
        DataError: a class without a picture to train on, as none of them can be read
        PlanError: quarter turns of images that are not square
    """
    rule, settings, table = image_rule(prepared), prepared.recipe.images, prepared.table
    for where, op in operations(prepared.recipe):
        if op.square_only and rule.size[0] != rule.size[1]:
            raise PlanError(
                f"{where}: {op.label} needs square images, the images are {list(rule.size)} (height, width)"
            )
    store = open_store(
        table.frame["path"].tolist() if "path" in table.frame else None,
        table.arrays,
        rule,
        Path(settings.cache).expanduser() if settings.cache else None,
        progress.images,
        settings.on_bad_image,
        progress.note,
    )
    bad = tuple(getattr(store, "bad", ()))
    if bad:
        _check_classes(prepared, bad)
        progress.note(bad_images_message(bad, len(table)).replace("to skip):", "to error to stop here); left out:"))
    if "path" in table.frame and table.arrays is None:
        good = np.setdiff1d(np.arange(len(table)), [image.index for image in bad])
        for note in darkness_in_a_run(store, table.frame["path"].tolist(), good, rule.bits):
            progress.note(f"note: {note}")
    return place(store, device, settings.device_memory), bad


def _check_classes(prepared: Prepared, bad: Sequence[BadImage]) -> None:
    """Raise DataError for classes of which no training picture can be read: a network cannot learn them."""
    rows = np.setdiff1d(prepared.split.train, [image.index for image in bad])
    before, left = prepared.table.counts(prepared.split.train), prepared.table.counts(rows)
    lost = [
        f"{name!r} ({count:,})"
        for name, count, rest in zip(prepared.classes, before, left, strict=True)
        if count and not rest
    ]
    if lost:
        first = next(image for image in bad if image.index in set(prepared.split.train.tolist()))
        raise DataError(
            f"no picture of {listing(lost)} that can be read is left to train on (such as {first.path}: {first.reason}): mend "
            "them, or take the class out of the data"
        )
