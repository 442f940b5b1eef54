"""Random online augmentation: new draws in every epoch, on the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import Augmentation, BuildContext, param

if TYPE_CHECKING:
    from torch import nn


class Mine(Augmentation):
    """Adds Gaussian noise to each value of an image (0..1)."""

    name = "mine"
    deviation: float = param(0.05, help="standard deviation of the noise, where values are 0..1", ge=0)

    def build(self, context: BuildContext) -> nn.Module:
        import torch

        deviation = self.deviation

        class Noise(torch.nn.Module):
            def forward(self, images: torch.Tensor) -> torch.Tensor:
                return (images + deviation * torch.randn_like(images)).clamp(0, 1)

        return Noise()
