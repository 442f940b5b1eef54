"""Affine maps of a batch, each image by a matrix of its own that the host knows: one pass, and no wait for a device."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

Matrix = tuple[tuple[float, float, float], tuple[float, float, float]]


def warp(
    images: Tensor,
    matrices: list[Matrix],
    mode: Literal["nearest", "bilinear"] = "bilinear",
    border: Literal["zeros", "reflection"] = "zeros",
) -> Tensor:
    """Sample each image where its matrix says.

    Args:
        images: float32 or float64 [n, C, H, W]
        matrices: n of ((a, b, x), (c, d, y)), px: the pixel at (u, v) right of and below the middle takes what lies at
            (a u + b v + x, c u + d v + y)
        mode: interpolation
        border: what lies outside: black, or the image mirrored about its rim

    Returns:
        shape, dtype and device of `images`
    """
    (height, width), device = images.shape[2:], images.device
    rows = torch.tensor(matrices, dtype=torch.float64).reshape(-1, 2, 3)
    rows = (rows * 2 / torch.tensor([[width], [height]])).to(images.dtype).to(device, non_blocking=True)
    u = torch.arange(width, dtype=images.dtype, device=device) - (width - 1) / 2
    v = torch.arange(height, dtype=images.dtype, device=device) - (height - 1) / 2
    # grid_sample's coordinates are from the middle, in halves of width and height.
    grid = images.new_empty(len(images), height, width, 2)
    for axis in (0, 1):
        a, b, offset = rows[:, axis, :, None].unbind(1)  # [n, 1] each
        torch.add((a * u + offset)[:, None, :], (b * v)[:, :, None], out=grid[..., axis])
    return grid_sample(images, grid, mode=mode, padding_mode=border, align_corners=False)
