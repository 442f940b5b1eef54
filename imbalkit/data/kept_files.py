"""Image files kept as they are, in one file, and decoded each time they are taken: 1/20 of the disk that pixels take, or less."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from imbalkit.base.threads import available_cores
from imbalkit.data.image_store import BadImage, ImageStore
from imbalkit.errors import DataError
from imbalkit_lite.images import ImageRule, read_image
from imbalkit_lite.members import read_at

DATA = "files.bin"
_AT_A_TIME = 8  # images that a thread decodes before it takes others


class KeptFiles(ImageStore):
    """Image files in a cache folder, decoded by `read_image` as the decoded store's pixels were: they are the same.

    Attributes:
        rule: size and resizing
        places: offset and length of each sample in the file, int64 [n, 2]; -1 for a bad image
        bad: the images that could not be read (with `on_bad_image="skip"`)
        decoded: how many images the filling had to decode, to see that they can be
        content: a hash of each file, uint64 [n]
    """

    def __init__(
        self,
        folder: Path,
        rule: ImageRule,
        places: np.ndarray,
        bad: Sequence[BadImage] = (),
        decoded: int = 0,
        content: np.ndarray | None = None,
    ):
        self.folder, self.rule, self.places, self.bad, self.decoded = Path(folder), rule, places, tuple(bad), decoded
        self.content, self.shape, self.dtype = content, (*rule.size, 3), np.dtype(np.uint8)
        need = int(places.sum(axis=1).max(initial=0))
        if (self.folder / DATA).stat().st_size < need:
            raise DataError(f"the cache {self.folder} is damaged: {DATA} is shorter than its index says; delete it")
        self._open()

    def _open(self) -> None:
        self._file = open(self.folder / DATA, "rb", buffering=0)  # noqa: SIM115  # open as long as this

    def __len__(self) -> int:
        return len(self.places)

    def take(self, indices: Any) -> np.ndarray:
        requested = np.asarray(indices, dtype=np.int64)
        pixels = np.empty((len(requested), *self.shape), dtype=np.uint8)
        if len(requested) <= _AT_A_TIME:
            self._decode(pixels, requested)
            return pixels
        cuts = range(_AT_A_TIME, len(requested), _AT_A_TIME)
        parts = zip(np.split(pixels, cuts), np.split(requested, cuts), strict=True)  # views: each writes its own
        list(_decoders(os.getpid()).map(lambda part: self._decode(*part), parts))
        return pixels

    def _decode(self, pixels: np.ndarray, indices: np.ndarray) -> None:
        for place, index in zip(pixels, indices.tolist(), strict=True):
            place[:] = read_image(self._read(index), self.rule)

    def _read(self, index: int) -> bytes:
        offset, length = self.places[index].tolist()
        if offset < 0:
            bad = next(image for image in self.bad if self.places[image.index, 0] < 0)
            raise DataError(f"requested an image that could not be read, such as sample {bad.index} ({bad.path})")
        content = read_at(self._file.fileno(), offset, length)
        if len(content) < length:
            raise DataError(f"the cache {self.folder} is damaged: {DATA} is shorter than its index says; delete it")
        return content

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_file"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._open()


@lru_cache(maxsize=1)
def _decoders(process: int) -> ThreadPoolExecutor:
    """Threads of this process that decode for all who take: as many as there are cores, however many batches are read."""
    return ThreadPoolExecutor(available_cores(), thread_name_prefix="imbalkit-decode")
