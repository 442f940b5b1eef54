"""Blends whose label is the rarer class's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import BuildContext, Mixer, PriorShift, param

if TYPE_CHECKING:
    from torch import nn


class Remix(Mixer):
    """Images blended as mixup does; a pair of a large and a small class gets the small class's label. Chou et al. 2020.

    The label share of a row is 0 where its class has `ratio` times its partner's rows or more and lam < `threshold`, 1 the other
    way round, else lam ~ Beta(alpha, alpha).
    """

    name = "remix"
    shares_labels_as_images = False
    alpha: float = param(1.0, help="of the Beta distribution", gt=0)
    ratio: float = param(3.0, help="kappa: how many times larger a class must be to lose its label", ge=1)
    threshold: float = param(0.5, help="tau: the share of pixels below which it loses it", ge=0, le=1)

    def prior_shift(self, context: BuildContext) -> PriorShift:
        why = "gives labels of small classes a larger share, by a rule that depends on the pair"
        return PriorShift(None, False, why)

    def build(self, context: BuildContext) -> nn.Module:
        import torch

        from imbalkit.functional.mixing import blend, drawn_shares, remix_share

        class Module(torch.nn.Module):
            counts: torch.Tensor

            def __init__(module):
                super().__init__()
                module.register_buffer("counts", torch.tensor(context.counts, dtype=torch.float32), persistent=False)

            def forward(module, images, labels, partners, partner_labels, rng):
                lam = drawn_shares(rng, self.alpha, len(labels), images.device)
                own, other = module.counts[labels], module.counts[partner_labels]
                return blend(images, partners, lam), remix_share(lam, own, other, self.ratio, self.threshold)

        return Module()
