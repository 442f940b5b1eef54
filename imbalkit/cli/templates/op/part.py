"""Gamma correction as an operation of a view: copies of a row, each a little lighter or darker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import Op, param

if TYPE_CHECKING:
    import numpy as np
    import torch


class Mine(Op):
    """Raises each value (0..1) to a power drawn for each row: below 1 lighter, above 1 darker."""

    name = "mine"
    parameters = ("power",)  # what `decide` draws for each row
    most: float = param(1.5, help="largest power; the smallest is 1 / most", gt=1)

    def decide(self, uniforms: np.ndarray) -> np.ndarray:
        """Uniform numbers [n, 1] to powers [n, 1]: as often lighter as darker."""
        return self.most ** (2 * uniforms - 1)

    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        return images ** parameters[:, :, None, None].to(images.dtype)
