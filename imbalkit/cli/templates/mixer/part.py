"""Images of two rows made one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import BuildContext, Mixer, param

if TYPE_CHECKING:
    from torch import nn


class Mine(Mixer):
    """The left part of an image beside the right part of another one, cut at a random column."""

    name = "mine"
    least: float = param(0.5, help="smallest share of its own image that a row keeps", ge=0, le=1)

    def build(self, context: BuildContext) -> nn.Module:
        import torch

        class Module(torch.nn.Module):
            def forward(module, images, labels, partners, partner_labels, rng):
                width = images.shape[-1]
                kept = torch.from_numpy(rng.uniform(self.least, 1, len(labels)) * width).round()
                kept = kept.to(images.device, non_blocking=True)  # columns of each row's own image
                own = torch.arange(width, device=images.device) < kept[:, None]
                return torch.where(own[:, None, None], images, partners), (kept / width).float()

        return Module()
