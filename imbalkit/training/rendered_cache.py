"""The rendered cache: a row alone decides its pixels, so that a rendered copy serves every later epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from imbalkit.errors import RunError
from imbalkit.plan import Plan


@dataclass(frozen=True)
class CachedRows:
    """Rows of a batch that were rendered before: where they stand, and their pixels."""

    rows: np.ndarray  # positions in the batch, int64 [n]
    pixels: torch.Tensor  # float32 [n, H, W, C] in 0..1, on the host


class RenderedCache:
    """Float32 pixels of the rows that came first, as many as there is room for; the others are rendered each time.

    Rows are known by seed, key, source and view, which decide their pixels: those that survive a resampling are found again.
    """

    def __init__(self, shape: Sequence[int], gigabytes: float):
        """
        Args:
            shape: height, width, channels of a row
            gigabytes: memory for all rows, in GiB; it is taken as rows are added

        Raises RunError for more memory than the machine can give.
        """
        row_bytes = 4 * int(np.prod(shape))
        try:
            self._pixels = torch.empty((int(gigabytes * 2**30) // row_bytes, *shape))
        except RuntimeError as error:
            raise RunError(f"images.render_cache_gib: this machine has no {gigabytes:g} GiB; choose less") from error
        self._slots: dict[tuple[int, int, int, int], int] = {}

    def __len__(self) -> int:
        return len(self._slots)

    def find(self, plan: Plan, rows: np.ndarray) -> CachedRows:
        """Those of `rows` (positions in the plan) that are in the cache."""
        slots = np.array([self._slots.get(name, -1) for name in _names(plan, rows)], dtype=np.int64)
        where = np.flatnonzero(slots >= 0)
        # By NumPy: readers call this, and PyTorch's threads of their own would slow those of the training.
        return CachedRows(where, torch.from_numpy(self._pixels.numpy()[slots[where]]))

    def add(self, plan: Plan, rows: np.ndarray, images: torch.Tensor) -> None:
        """Add `rows` (positions in the plan), rendered as `images` float32 [n, C, H, W], while there is room."""
        for name, image in zip(_names(plan, rows), images, strict=True):
            slot = len(self._slots)
            if slot < len(self._pixels) and name not in self._slots:
                self._pixels[slot] = image.permute(1, 2, 0)
                self._slots[name] = slot  # last: whoever finds it finds its pixels


def _names(plan: Plan, rows: np.ndarray) -> list[tuple[int, int, int, int]]:
    columns = (plan.key[rows].tolist(), plan.source[rows].tolist(), plan.view[rows].tolist())
    return [(plan.seed, *row) for row in zip(*columns, strict=True)]
