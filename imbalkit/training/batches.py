"""Batches of a plan: the next ones are read in the background while the device works on this one."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from imbalkit.data.image_store import ImageStore
from imbalkit.plan import Plan
from imbalkit.plan.rendering import ViewGroup, apply, decide, to_float
from imbalkit.training.device_images import DeviceImages
from imbalkit.training.rendered_cache import CachedRows, RenderedCache

READERS = 4  # threads: a slow disk reads several batches at once


@dataclass(frozen=True)
class Batch:
    """Rows of a plan; `render` moves to a device what is not there.

    Attributes:
        plan: the plan
        rows: positions in it, int64 [n]
        pixels: uint8 [n, H, W, C]
        labels: int64 [n]
        groups: the operations to apply
        rendered: cache of rendered copies, if there is one
        cached: the rows of this batch that are in it
        columns: what the network takes beside the images, float32 [n, W]; None for nothing
    """

    plan: Plan
    rows: np.ndarray
    pixels: torch.Tensor
    labels: torch.Tensor
    groups: Sequence[ViewGroup]
    rendered: RenderedCache | None = None
    cached: CachedRows | None = None
    columns: torch.Tensor | None = None

    def render(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Images float32 [n, C, H, W] in 0..1, and labels int64 [n], on the device."""
        images = apply(to_float(self.pixels.to(device, non_blocking=True)), self.groups)
        if self.rendered is not None and self.cached is not None:
            images[torch.from_numpy(self.cached.rows)] = self.cached.pixels.permute(0, 3, 1, 2).to(device)
            for group in self.groups:
                self.rendered.add(self.plan, self.rows[group.rows], images[torch.from_numpy(group.rows)])
        return images, self.labels.to(device, non_blocking=True)

    def beside(self, device: torch.device) -> tuple[torch.Tensor, ...]:
        """What the network takes beside the images, on the device: the columns, or nothing."""
        return () if self.columns is None else (self.columns.to(device, non_blocking=True),)


def partition(rows: np.ndarray, most: int) -> list[np.ndarray]:
    """Rows in order, cut into as few pieces of at most `most` as possible, whose sizes differ by one at most."""
    return np.array_split(rows, max(1, -(-len(rows) // most)))


def read_batch(
    plan: Plan,
    images: ImageStore,
    rows: np.ndarray,
    pin: bool = False,
    rendered: RenderedCache | None = None,
    columns: np.ndarray | None = None,
) -> Batch:
    """One batch, on the host unless the images are on a device; `columns` are those of every sample, float32 [samples, W]."""
    labels = torch.from_numpy(plan.label[rows].astype(np.int64))
    if isinstance(images, DeviceImages):
        pixels = images.gather(plan.source[rows])
    else:
        pixels = torch.from_numpy(images.take(plan.source[rows]))
        pixels = pixels.pin_memory() if pin else pixels
    cached = rendered.find(plan, rows) if rendered is not None else None
    groups = decide(plan, rows, cached.rows if cached is not None else None)
    beside = None if columns is None else torch.from_numpy(columns[plan.source[rows]])
    if pin and beside is not None:
        beside = beside.pin_memory()
    return Batch(plan, rows, pixels, labels.pin_memory() if pin else labels, groups, rendered, cached, beside)


def read_ahead(
    plan: Plan,
    images: ImageStore,
    batches: Sequence[np.ndarray],
    pin: bool = False,
    rendered: RenderedCache | None = None,
    depth: int = READERS,
    columns: np.ndarray | None = None,
) -> Generator[Batch, None, None]:
    """Batches in order, up to `depth` of them read ahead by threads, which end when the caller stops early."""
    pool = ThreadPoolExecutor(min(READERS, depth), thread_name_prefix="imbalkit-read-ahead")
    pending: deque[Future[Batch]] = deque()
    try:
        for rows in batches:
            pending.append(pool.submit(read_batch, plan, images, rows, pin, rendered, columns))
            if len(pending) > depth:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
