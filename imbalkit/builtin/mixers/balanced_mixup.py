"""Natural rows blended with balanced ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.builtin.mixers.label_shares import with_those_of
from imbalkit.kinds import BuildContext, Mixer, Order, OrderRef, PriorShift, param

if TYPE_CHECKING:
    from torch import nn


class BalancedMixup(Mixer):
    """(1 - lam) x + lam x_partner, the partners from a balanced order, labels alike; lam ~ Beta(alpha, 1), one for a batch.

    Galdran et al. 2021. On average alpha / (1 + alpha) of the labels are balanced.
    """

    name = "balanced_mixup"
    alpha: float = param(
        0.2, help="of the Beta distribution: 0.1, 0.2 and 0.3 take 9, 17 and 23 % balanced labels", gt=0
    )
    order: OrderRef = param("balanced", help="which rows the partners are", validate_default=True)

    @property
    def partners(self) -> Order:
        return self.order

    def prior_shift(self, context: BuildContext) -> PriorShift:
        return with_those_of(self.order, self.alpha / (1 + self.alpha), context)

    def build(self, context: BuildContext) -> nn.Module:
        import torch

        from imbalkit.functional.mixing import blend

        class Module(torch.nn.Module):
            def forward(module, images, labels, partners, partner_labels, rng):
                share = torch.full((len(labels),), 1 - rng.beta(self.alpha, 1), device=images.device)
                return blend(images, partners, share), share

        return Module()
