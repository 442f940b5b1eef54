"""Radial blur (Gilal et al. 2023) drawn anew in each epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from imbalkit.kinds import Augmentation, BuildContext, RhoRange, param

if TYPE_CHECKING:
    from torch import nn


class RandomRadialBlurPart(Augmentation):
    """Blurs some images radially, by a strength drawn anew each time."""

    name = "random_radial_blur"

    rho: RhoRange = param(
        (0.005, 0.02),
        help="relative zoom of one step, drawn uniformly between these for each image",
        unit="of the radius",
    )
    axes: Literal["shared", "independent"] = param(
        "shared", help="one rho an image, or four of its own: expand x, expand y, shrink x, shrink y"
    )
    iterations: int = param(5, help="how often expansion and shrinking are averaged", unit="steps", ge=1, le=100)
    centre: Literal["middle", "paper"] = param(
        "middle", help="the middle of the image, (w-1)/2 and (h-1)/2, or w/2 and h/2 as the paper writes"
    )
    border: Literal["reflect", "replicate", "zero"] = param(
        "reflect", help="what lies outside: the image mirrored, its rim repeated, or black (which darkens the rim)"
    )
    method: Literal["iterated", "composed"] = param(
        "iterated",
        help="interpolate anew at each step, as the paper has it, or take all steps as one sum of scalings (sharper)",
    )
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
            p=self.p,
            same_on_batch=self.same_on_batch,
        )
