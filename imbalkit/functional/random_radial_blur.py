"""Radial blur as a Kornia augmentation."""

from __future__ import annotations

from typing import Any

from kornia.augmentation import IntensityAugmentationBase2D
from kornia.augmentation.random_generator import PlainUniformGenerator
from torch import Tensor, stack

from imbalkit.functional.radial_blur import Border, Centre, Method, radial_blur
from imbalkit.functional.rho import rho_names, rho_of


class RandomRadialBlur(IntensityAugmentationBase2D):
    """Radial blur of random strength, usable alone or in `kornia.augmentation.AugmentationSequential`.

    Source: Gilal et al. 2023; see `imbalkit.functional.radial_blur`. Masks, boxes and keypoints stay as they are.

    Args:
        rho: relative zoom of one step, drawn uniformly between these for each image
        iterations, centre, border, method: as in `radial_blur`
        independent: draw four rho an image (expand x, expand y, shrink x, shrink y) instead of one
        by_colour: draw them for each of red, green and blue (a grey image takes those of green)
        p: probability of blurring an image
        same_on_batch: blur every image of a batch alike
        keepdim: give back the shape of the input, instead of [B, C, H, W]

    Shape:
        float [C, H, W] or [B, C, H, W] to [B, C, H, W]

    Example:
        >>> blur = RandomRadialBlur(rho=(0.005, 0.02), p=1.0)
        >>> blur(torch.rand(8, 3, 320, 320)).shape
        torch.Size([8, 3, 320, 320])
    """

    def __init__(
        self,
        rho: tuple[float, float] = (0.005, 0.02),
        iterations: int = 5,
        centre: Centre = "middle",
        border: Border = "reflect",
        independent: bool = False,
        p: float = 0.5,
        same_on_batch: bool = False,
        keepdim: bool = False,
        method: Method = "iterated",
        by_colour: bool = False,
    ) -> None:
        super().__init__(p=p, same_on_batch=same_on_batch, keepdim=keepdim)
        self.drawn = independent, by_colour
        generators = ((tuple(rho), name, None, None) for name in rho_names(*self.drawn))
        self._param_generator = PlainUniformGenerator(*generators)
        self.flags = {"iterations": iterations, "centre": centre, "border": border, "method": method}

    def apply_transform(
        self, input: Tensor, params: dict[str, Tensor], flags: dict[str, Any], transform: Tensor | None = None
    ) -> Tensor:
        """Blur the images that were chosen, [B, C, H, W], by their drawn rho, [B] each."""
        drawn = stack([params[name] for name in rho_names(*self.drawn)], dim=1)
        rho = rho_of(drawn, *self.drawn, input.shape[1])
        options = {
            name: flags[name] for name in ("iterations", "centre", "border", "method")
        }  # containers add flags of their own
        return radial_blur(input, rho, **options)
