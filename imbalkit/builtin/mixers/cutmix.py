"""A box of another image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.builtin.mixers.label_shares import as_in_the_rows
from imbalkit.kinds import BuildContext, Mixer, PriorShift, param

if TYPE_CHECKING:
    from torch import nn


class CutMix(Mixer):
    """A box of the partner's image pasted over each image; labels in the shares of the areas. Yun et al. 2019.

    The box has the area 1 - lam, lam ~ Beta(alpha, alpha), before it is cut off at the edges; shares are those after it.
    """

    name = "cutmix"
    needs_images = True
    alpha: float = param(1.0, help="of the Beta distribution: 1 draws the box's area evenly from 0..1", gt=0)

    def prior_shift(self, context: BuildContext) -> PriorShift:
        return as_in_the_rows(len(context.classes))

    def build(self, context: BuildContext) -> nn.Module:
        import torch

        from imbalkit.functional.mixing import with_boxes

        class Module(torch.nn.Module):
            def forward(module, images, labels, partners, partner_labels, rng):
                return with_boxes(images, partners, rng.beta(self.alpha, self.alpha, len(labels)), rng)

        return Module()
