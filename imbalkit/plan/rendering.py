"""From rows of a plan to pixels: decide each operation's parameters, then apply them on the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from imbalkit.data.image_store import ImageStore
from imbalkit.errors import PlanError
from imbalkit.plan.operation import Operation, RowsWithViews


@dataclass(frozen=True)
class ViewGroup:
    """The rows of a batch that share a view: where they stand, the operations, and each row's parameters."""

    rows: np.ndarray  # positions in the batch, int64 [n]
    steps: tuple[tuple[Operation, np.ndarray], ...]  # operation, float32 [n, parameters]


def decide(plan: RowsWithViews, rows: np.ndarray, ready: np.ndarray | None = None) -> list[ViewGroup]:
    """What is to be done to these rows (positions in the plan), as numbers; rows without operations are left out.

    Args:
        plan: the plan
        rows: positions in it, int64 [n]
        ready: positions in `rows` of those that nothing is to be done to
    """
    due = np.ones(len(rows), dtype=np.bool_)
    due[[] if ready is None else ready] = False
    views = plan.view[rows]
    groups = []
    for view in np.unique(views[due]):
        ops = plan.views[view]
        if ops:
            where = np.flatnonzero((views == view) & due)
            chosen = rows[where]
            steps = [(op, plan.parameters(chosen, i, op).astype(np.float32)) for i, op in enumerate(ops)]
            groups.append(ViewGroup(where, tuple(steps)))
    return groups


def to_float(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 [n, H, W, C] to float32 [n, C, H, W] in 0..1; the memory stays channels-last."""
    return pixels.permute(0, 3, 1, 2).to(torch.float32).div_(255)


def apply(images: torch.Tensor, groups: Sequence[ViewGroup]) -> torch.Tensor:
    """Apply decided operations to float images [n, C, H, W] in 0..1; changes and returns `images`.

    Raises:
        PlanError: an operation that swaps height and width on images that are not square
    """
    for group in groups:
        rows = torch.from_numpy(group.rows).to(images.device, non_blocking=True)
        part = images[rows]
        for op, parameters in group.steps:
            if op.square_only and part.shape[-1] != part.shape[-2]:
                raise PlanError(f"{op.label} needs square images, got {part.shape[-2]} x {part.shape[-1]} px")
            part = op.apply(part, torch.from_numpy(parameters).to(images.device, non_blocking=True))
        images[rows] = part
    return images


def render(images: ImageStore, plan: RowsWithViews, rows: Any, device: torch.device | str = "cpu") -> torch.Tensor:
    """The pixels of rows (positions in the plan): float32 [n, C, H, W] in 0..1. The same on every call and device."""
    rows = np.asarray(rows, dtype=np.int64)
    pixels = torch.from_numpy(images.take(plan.source[rows])).to(device)
    return apply(to_float(pixels), decide(plan, rows))
