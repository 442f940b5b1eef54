"""Blends of two images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.builtin.mixers.label_shares import as_in_the_rows
from imbalkit.kinds import BuildContext, Mixer, PriorShift, param

if TYPE_CHECKING:
    from torch import nn


class Mixup(Mixer):
    """lam x + (1 - lam) x_partner with labels in the same shares, lam ~ Beta(alpha, alpha) for each row. Zhang et al. 2018."""

    name = "mixup"
    alpha: float = param(1.0, help="of the Beta distribution: near 0 hardly mixes, 1 draws lam evenly from 0..1", gt=0)

    def prior_shift(self, context: BuildContext) -> PriorShift:
        return as_in_the_rows(len(context.classes))

    def build(self, context: BuildContext) -> nn.Module:
        import torch

        from imbalkit.functional.mixing import blend, drawn_shares

        class Module(torch.nn.Module):
            def forward(module, images, labels, partners, partner_labels, rng):
                lam = drawn_shares(rng, self.alpha, len(labels), images.device)
                return blend(images, partners, lam), lam

        return Module()
