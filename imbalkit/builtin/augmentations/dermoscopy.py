"""Random changes for photographs of skin lesions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import Augmentation, BuildContext, param

if TYPE_CHECKING:
    from torch import nn


class Dermoscopy(Augmentation):
    """Orientation, slight zoom, colour, blur and cutout of each image: a skin lesion has no up, and lamps and lenses differ.

    The steps are those of the winners of SIIM-ISIC 2020 (Ha et al. 2020) that a phone's pictures call for, milder and cheap.
    """

    name = "dermoscopy"

    orientations: bool = param(
        True,
        help="every flip and quarter turn, equally likely; of images that are not square those that keep the shape",
    )
    scale: float = param(0.1, help="largest zoom in or out, less 1; the rim is mirrored", ge=0, le=1)
    brightness: float = param(0.2, help="factor from 1 less this to 1 plus this", ge=0, le=1)
    contrast: float = param(0.2, help="factor from 1 less this to 1 plus this", ge=0, le=1)
    saturation: float = param(0.2, help="factor from 1 less this to 1 plus this", ge=0, le=1)
    hue: float = param(0.02, help="largest turn of the hues either way", unit="of a whole turn", ge=0, le=0.5)
    blur: float = param(0.01, help="largest sigma of a Gaussian blur", unit="of the shorter side", ge=0, le=0.1)
    blur_p: float = param(0.2, help="probability of blurring an image", ge=0, le=1)
    cutout: float = param(
        0.375, help="side of a square filled with the image's mean colour", unit="of the shorter side", ge=0, le=1
    )
    cutout_p: float = param(0.5, help="probability of such a square", ge=0, le=1)

    def build(self, context: BuildContext) -> nn.Module:
        from functools import partial

        from imbalkit.functional.dermoscopy import DRAWS, Strengths, dermoscopy
        from imbalkit.functional.drawn import FromUniforms

        strengths = Strengths(**{field: getattr(self, field) for field in type(self).model_fields})
        return FromUniforms(partial(dermoscopy, strengths=strengths), DRAWS)
