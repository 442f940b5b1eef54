"""Where a table's pixels come from: an array in memory, or the cache's mapped file, behind one interface."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from imbalkit.errors import DataError
from imbalkit_lite.images import ImageRule, read_pixels, resize
from imbalkit_lite.paths import local_path


class ImageStore(ABC):
    """Pixels of a table's samples, addressed by sample index."""

    shape: tuple[int, int, int]  # height, width, channels of one sample
    dtype: np.dtype
    content: np.ndarray | None = None  # a hash of each sample's file, uint64 [n], 0 for a bad image; None without files

    @abstractmethod
    def __len__(self) -> int:
        """Samples of the table."""

    @abstractmethod
    def take(self, indices: Any) -> np.ndarray:
        """Samples by table index, int [n] (repeats allowed), as a fresh contiguous array [n, h, w, c]."""


class ArrayStore(ImageStore):
    """Pixels that are in memory already: uint8 [n, H, W] or [n, H, W, C], resized once if need be."""

    def __init__(self, array: np.ndarray, rule: ImageRule | None = None):
        array = np.asarray(array)
        array = array[..., None] if array.ndim == 3 else array
        if array.ndim != 4 or array.dtype != np.uint8:
            raise DataError(f"expected images uint8 [n, H, W] or [n, H, W, C], got {array.dtype} {list(array.shape)}")
        if array.shape[1] in (1, 3) and array.shape[2] > 1 and array.shape[3] > 4:
            raise DataError(
                f"expected images uint8 [n, H, W, C], got {list(array.shape)}: channels come last; transpose it with "
                "array.transpose(0, 2, 3, 1)"
            )
        if rule is not None and array.shape[1:3] != rule.size:
            resized = np.empty((len(array), *rule.size, array.shape[3]), dtype=np.uint8)
            for image, place in zip(array, resized, strict=True):
                place[:] = resize(image, rule)
            array = resized
        self._array, self.shape, self.dtype = array, array.shape[1:], array.dtype

    def __len__(self) -> int:
        return len(self._array)

    def take(self, indices: Any) -> np.ndarray:
        return np.ascontiguousarray(self._array.take(np.asarray(indices, dtype=np.int64), axis=0))


class FileStore(ImageStore):
    """Image files, decoded anew at each read: for images that are looked at once. RGB, or grey with 1 channel."""

    def __init__(self, paths: Sequence[str | PathLike[str]], rule: ImageRule, channels: int = 3, workers: int = 8):
        wrong = next((path for path in paths if not isinstance(path, str | PathLike)), None)
        if wrong is not None:
            raise DataError(f"expected paths of image files, got {type(wrong).__name__} {str(wrong)[:40]!r}")
        if channels not in (1, 3):
            raise DataError(
                f"an image file gives 1 or 3 channels, {channels} are requested: give the images as an array"
            )
        self.paths, self.rule, self.workers = [local_path(os.fspath(path)) for path in paths], rule, workers
        self.shape, self.dtype = (*rule.size, channels), np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, indices: Any) -> np.ndarray:
        requested = np.asarray(indices, dtype=np.int64).tolist()
        pixels = np.empty((len(requested), *self.shape), dtype=np.uint8)
        with ThreadPoolExecutor(self.workers, thread_name_prefix="imbalkit-decode") as pool:
            for place, image in zip(pixels, pool.map(self._read, requested), strict=True):
                place[:] = image
        return pixels

    def _read(self, index: int) -> np.ndarray:
        return read_pixels(self.paths[index], self.rule, self.shape[2])


@dataclass(frozen=True)
class BadImage:
    """A file that could not be read: its sample index in the table, its path, and why."""

    index: int
    path: str
    reason: str


class CachedImages(ImageStore):
    """Pixels in a cache folder, mapped read-only: what is read belongs to the page cache, not to this process.

    Attributes:
        slots: record of each sample in the file, int64 [n]; -1 for a bad image
        bad: the images that could not be read (with `on_bad_image="skip"`)
        decoded: how many images the filling had to decode
        content: a hash of each file, uint64 [n]
    """

    def __init__(
        self,
        folder: Path,
        slots: np.ndarray,
        bad: Sequence[BadImage] = (),
        decoded: int = 0,
        content: np.ndarray | None = None,
    ):
        self.content = content
        self.folder, self.slots, self.bad, self.decoded = Path(folder), slots, tuple(bad), decoded
        meta = json.loads((self.folder / "meta.json").read_text())
        self.shape, self.dtype = tuple(meta["shape"]), np.dtype(meta["dtype"])
        self._open()

    def _open(self) -> None:
        records = int(self.slots.max(initial=-1)) + 1
        file = self.folder / "pixels.bin"
        need = records * int(np.prod(self.shape)) * self.dtype.itemsize
        if file.stat().st_size < need:
            raise DataError(f"the cache {self.folder} is damaged: pixels.bin is shorter than its index says; delete it")
        if records:
            pixels = np.memmap(file, dtype=self.dtype, mode="r", shape=(records, *self.shape))
            self._pixels = pixels.view(np.ndarray)
        else:  # an empty file cannot be mapped
            self._pixels = np.empty((0, *self.shape), dtype=self.dtype)

    def __len__(self) -> int:
        return len(self.slots)

    def take(self, indices: Any) -> np.ndarray:
        slots = self.slots[np.asarray(indices, dtype=np.int64)]
        if len(slots) and slots.min() < 0:
            bad = next(image for image in self.bad if self.slots[image.index] < 0)
            raise DataError(f"requested an image that could not be read, such as sample {bad.index} ({bad.path})")
        return self._pixels.take(slots, axis=0)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_pixels"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._open()
