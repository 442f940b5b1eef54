"""Boxes of rare images on natural ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.builtin.mixers.label_shares import with_those_of
from imbalkit.functional.boxes import mean_box_area
from imbalkit.kinds import BuildContext, Mixer, Order, OrderRef, PriorShift, param

if TYPE_CHECKING:
    from torch import nn


class CMO(Mixer):
    """A box of an image of a rarer class pasted on a natural one, in some batches: context-rich oversampling. Park et al. 2022.

    CutMix whose partners come from an order that favours rare classes. `balanced` is what the published code draws, which
    weighs rows by 1 / N_c; the paper's classes in proportion to N_c^-r are the order {name: power, q: -r}. Off in the first and
    last three epochs (there in the first four). At the defaults 16 % of the labels are the partners'.
    """

    name = "cmo"
    needs_images = True
    alpha: float = param(1.0, help="of the Beta distribution of the area that is kept", gt=0)
    probability: float = param(0.5, help="share of the batches that are mixed", ge=0, le=1)
    order: OrderRef = param("balanced", help="which rows the pasted boxes come from", validate_default=True)
    first_epochs_off: int = param(3, help="first epochs that train on unmixed images", unit="epochs", ge=0)
    last_epochs_off: int = param(3, help="last epochs that train on unmixed images", unit="epochs", ge=0)

    @property
    def partners(self) -> Order:
        return self.order

    def prior_shift(self, context: BuildContext) -> PriorShift:
        return with_those_of(self.order, self.probability * mean_box_area(self.alpha), context)

    def build(self, context: BuildContext) -> nn.Module:
        import torch

        from imbalkit.functional.mixing import with_boxes

        class Module(torch.nn.Module):
            def forward(module, images, labels, partners, partner_labels, rng):
                if rng.random() >= self.probability:
                    return images, torch.ones(len(labels), device=images.device)
                return with_boxes(images, partners, rng.beta(self.alpha, self.alpha, len(labels)), rng)

        return Module()
