"""Mirroring left and right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import Op

if TYPE_CHECKING:
    import torch


class HorizontalFlip(Op):
    """Swaps left and right."""

    name = "horizontal_flip"

    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        return images.flip(3)
