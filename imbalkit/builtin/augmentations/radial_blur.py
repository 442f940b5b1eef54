"""Radial blur (Gilal et al. 2023) drawn anew in each epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.builtin.radial_blur import RadialBlurParameters
from imbalkit.kinds import Augmentation, BuildContext, param

if TYPE_CHECKING:
    from torch import nn


class RandomRadialBlurPart(RadialBlurParameters, Augmentation):
    """Blurs some images radially, by a strength drawn anew each time."""

    name = "random_radial_blur"

    p: float = param(0.5, help="probability of blurring an image", ge=0, le=1)
    same_on_batch: bool = param(False, help="blur every image of a batch alike")

    def build(self, context: BuildContext) -> nn.Module:
        from imbalkit.functional.random_radial_blur import RandomRadialBlur

        return RandomRadialBlur(
            rho=self.rho,
            iterations=self.iterations,
            centre=self.centre,
            border=self.border,
            method=self.method,
            independent=self.axes == "independent",
            by_colour=self.channels == "independent",
            p=self.p,
            same_on_batch=self.same_on_batch,
        )
