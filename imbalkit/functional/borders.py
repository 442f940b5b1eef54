"""What lies outside an image, as OpenCV names it."""

from __future__ import annotations

import torch
from torch import Tensor


def fold(index: Tensor, size: int, border: str = "reflect") -> Tensor:
    """The pixel inside that stands for each index of an axis, int64 of any shape.

    "reflect" mirrors about the rim's pixel centres (BORDER_REFLECT_101), as often as needed; else the rim is repeated.
    """
    if border != "reflect":
        return index.clamp(0, size - 1)
    period = max(2 * (size - 1), 1)
    index = index.abs() % period
    return torch.minimum(index, period - index) if size > 1 else index
