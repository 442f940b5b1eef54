"""Batches of a plan: the next ones are read in the background while the device works on this one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from imbalkit.plan import Plan
from imbalkit.rendering import ViewGroup, apply, decide, to_float
from imbalkit.stores import ImageStore


@dataclass(frozen=True)
class Batch:
    """Rows of a plan on the host; `render` moves them to a device.

    Attributes:
        rows: positions in the plan, int64 [n]
        pixels: uint8 [n, H, W, C]
        labels: int64 [n]
        groups: the operations that are due
    """

    rows: np.ndarray
    pixels: torch.Tensor
    labels: torch.Tensor
    groups: Sequence[ViewGroup]

    def render(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Images float32 [n, C, H, W] in 0..1, and labels int64 [n], on the device."""
        pixels = self.pixels.to(device, non_blocking=True)
        return apply(to_float(pixels), self.groups), self.labels.to(device, non_blocking=True)


def partition(rows: np.ndarray, most: int) -> list[np.ndarray]:
    """Rows in order, cut into as few pieces of at most `most` as possible, whose sizes differ by one at most."""
    return np.array_split(rows, max(1, -(-len(rows) // most)))


def read_batch(plan: Plan, images: ImageStore, rows: np.ndarray, pin: bool = False) -> Batch:
    """One batch on the host."""
    pixels = torch.from_numpy(images.take(plan.source[rows]))
    labels = torch.from_numpy(plan.label[rows].astype(np.int64))
    if pin:
        pixels, labels = pixels.pin_memory(), labels.pin_memory()
    return Batch(rows, pixels, labels, decide(plan, rows))


def read_ahead(
    plan: Plan, images: ImageStore, batches: Sequence[np.ndarray], pin: bool = False, depth: int = 4
) -> Iterator[Batch]:
    """Batches in order, up to `depth` of them read ahead by a thread, which ends when the caller stops early."""
    ready: queue.Queue[Batch | BaseException | None] = queue.Queue(depth)
    stopped = threading.Event()

    def put(item: Batch | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                return ready.put(item, timeout=0.1)
            except queue.Full:
                continue

    def read() -> None:
        try:
            for rows in batches:
                if stopped.is_set():
                    return
                put(read_batch(plan, images, rows, pin))
            put(None)
        except BaseException as error:  # handed to the caller's thread
            put(error)

    thread = threading.Thread(target=read, name="imbalkit-read-ahead", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()
