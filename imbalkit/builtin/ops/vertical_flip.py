"""Mirroring top and bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import Op

if TYPE_CHECKING:
    import torch


class VerticalFlip(Op):
    """Swaps top and bottom."""

    name = "vertical_flip"

    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        return images.flip(2)
