"""Pixels from whatever a user's own loop has: a store, an array, a tensor, or an ordinary map-style torch Dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from imbalkit.data.image_store import ArrayStore, ImageStore
from imbalkit.errors import DataError

_USE = "give a map-style Dataset of such images, or imbalkit.data.image_store.ArrayStore(images uint8 [n, H, W] or [n, H, W, C])"
_GREY = ("1", "L", "LA", "I", "F", "I;16")  # modes of Pillow


def as_store(images: Any) -> ImageStore:
    """Images as a store.

    Args:
        images: an ImageStore; an array [n, H, W] or [n, H, W, C]; a tensor [n, H, W] or [n, C, H, W]; or a map-style torch
            Dataset as `DatasetStore` takes it

    Raises:
        DataError: something else
    """
    if isinstance(images, ImageStore) or (
        hasattr(images, "take") and hasattr(images, "shape") and not _is_array(images)
    ):
        return images
    if isinstance(images, torch.Tensor) and images.dtype == torch.uint8 and images.ndim in (3, 4):
        images = images.detach().cpu()
        return ArrayStore((_channels_last(images) if images.ndim == 4 else images).numpy())
    if isinstance(images, np.ndarray) and images.dtype == np.uint8:
        return ArrayStore(images)
    for method, what in (("__getitem__", "items by number"), ("__len__", "a length")):
        if not hasattr(type(images), method) or isinstance(images, str | bytes | dict):
            raise DataError(
                f"expected images as items 0, 1, 2, ...; {type(images).__name__} does not have {what}: {_USE}"
            )
    return DatasetStore(images)


def _channels_last(images: torch.Tensor) -> torch.Tensor:
    """[..., H, W, C] of torch's order [..., C, H, W], or as it is where the third axis from the end can be no channels."""
    return images if images.shape[-3] > 4 and images.shape[-1] <= 4 else images.movedim(-3, -1)


def _is_array(images: Any) -> bool:
    return isinstance(images, np.ndarray | torch.Tensor)


class DatasetStore(ImageStore):
    """A map-style torch Dataset (Subset, ConcatDataset, those of torchvision, a list): item i is sample i.

    An item is an image, or a tuple that begins with one; labels are the plan's, and the item's own are not looked at. An image is
    a Pillow image, an array [H, W] or [H, W, C] or a tensor [H, W] or [C, H, W], uint8 or float in 0..1 (which is rounded to 8
    bits: exact for what torchvision's ToTensor gives). All have the size of the first, which is read at once.

    What the dataset draws at random (a random crop) is drawn anew each time; a plan's own views are not.
    """

    def __init__(self, dataset: Any):
        """Raises DataError for items that are no images."""
        self.dataset = dataset
        if not len(dataset):
            raise DataError(f"expected images, got none: {type(dataset).__name__} has no items")
        first = _pixels(dataset[0], 0)
        self.shape, self.dtype = first.shape, first.dtype

    def __len__(self) -> int:
        return len(self.dataset)

    def take(self, indices: Any) -> np.ndarray:
        requested, places = np.unique(np.asarray(indices, dtype=np.int64), return_inverse=True)
        pixels = np.empty((len(requested), *self.shape), dtype=np.uint8)
        for place, index in zip(pixels, requested.tolist(), strict=True):
            image = _pixels(self.dataset[index], index, self.shape[2])
            if image.shape != self.shape:
                raise DataError(
                    f"item {index} is {list(image.shape)} (height, width, channels), the first {list(self.shape)}: "
                    "resize the dataset's images to one size"
                )
            place[:] = image
        return pixels[places]


def _pixels(item: Any, index: int, channels: int | None = None) -> np.ndarray:
    """The image of an item, uint8 [H, W, C]; a Pillow image with so many channels (default: those that it has)."""
    image = item[0] if isinstance(item, tuple | list) and len(item) else item
    if hasattr(image, "convert") and hasattr(image, "mode"):
        image = np.asarray(image.convert("L" if (channels or (1 if image.mode in _GREY else 3)) == 1 else "RGB"))
    elif isinstance(image, torch.Tensor):
        image = image.detach().cpu()
        image = (_channels_last(image) if image.ndim == 3 else image).numpy()
    if not isinstance(image, np.ndarray) or image.ndim not in (2, 3):
        shape = f" {list(image.shape)}" if isinstance(image, np.ndarray) else ""
        raise DataError(
            f"item {index}: expected an image, or (image, label), got {type(image).__name__}{shape}: {_USE}"
        )
    image = image[..., None] if image.ndim == 2 else image
    if np.issubdtype(image.dtype, np.floating):
        if not ((image >= 0) & (image <= 1)).all():
            raise DataError(
                f"item {index}: expected floats in 0..1, got {np.min(image):.4g} to {np.max(image):.4g}: leave normalisation to "
                f"`transform`, or {_USE}"
            )
        return np.rint(image * 255).astype(np.uint8)
    if image.dtype != np.uint8:
        raise DataError(f"item {index}: expected pixels uint8, or floats in 0..1, got {image.dtype}: {_USE}")
    return image
