"""Radial blur (Gilal et al. 2023), with a strength drawn for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.builtin.radial_blur import RadialBlurParameters
from imbalkit.kinds import Op, draw_range, range_label

if TYPE_CHECKING:
    import numpy as np
    import torch


class RadialBlur(RadialBlurParameters, Op):
    """Averages slight expansions and shrinkings about the centre, as a zoom during the exposure would."""

    name = "radial_blur"

    @property
    def parameters(self) -> tuple[str, ...]:  # type: ignore[override]  # a constant of the class elsewhere
        if self.axes == "shared":
            return ("rho",)
        return ("rho_expand_x", "rho_expand_y", "rho_shrink_x", "rho_shrink_y")

    def decide(self, uniforms: np.ndarray) -> np.ndarray:
        return draw_range(self.rho, uniforms)

    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        from imbalkit.functional.radial_blur import radial_blur

        rho = parameters[:, 0] if self.axes == "shared" else parameters
        return radial_blur(images, rho, self.iterations, self.centre, self.border, self.method)

    @property
    def label(self) -> str:
        unusual = [
            *(["four a row"] if self.axes == "independent" else []),
            *([f"{self.iterations} steps"] if self.iterations != 5 else []),
            *(["the paper's centre"] if self.centre == "paper" else []),
            *([f"{self.border} border"] if self.border != "reflect" else []),
            *(["composed"] if self.method == "composed" else []),
        ]
        return ", ".join([f"radial blur rho {range_label(self.rho)}", *unusual])
