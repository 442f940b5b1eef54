"""A random augmentation as a module: it draws uniform numbers for each image, a pure function does the rest."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


class FromUniforms(nn.Module):
    """Images [n, C, H, W] to `change(images, uniforms)`, uniforms float64 [n, *shape] of torch's generator of the host."""

    def __init__(self, change: Callable[[Tensor, Tensor], Tensor], *shape: int):
        super().__init__()
        self.change, self.shape = change, shape

    def forward(self, images: Tensor) -> Tensor:
        return self.change(images, torch.rand(len(images), *self.shape, dtype=torch.float64))
