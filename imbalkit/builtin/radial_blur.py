"""The parameters that the operation and the augmentation have in common."""

from __future__ import annotations

from typing import Literal

from imbalkit.kinds import Part, RhoRange, param


class RadialBlurParameters(Part):
    """Radial blur (Gilal et al. 2023): slight expansions and shrinkings about the centre, averaged."""

    rho: RhoRange = param(
        (0.005, 0.02),
        help="relative zoom of one step: drawn uniformly between these for each row or image",
        unit="of the radius",
    )
    axes: Literal["shared", "independent"] = param(
        "shared", help="one rho, or four of its own: expand x, expand y, shrink x, shrink y"
    )
    channels: Literal["shared", "independent"] = param(
        "shared",
        help="the same rho for all colours, or its own for each of red, green and blue: the coloured fringes of a simple lens; a "
        "grey image takes that of green",
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
