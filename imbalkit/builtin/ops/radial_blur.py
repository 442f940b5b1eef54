"""Radial blur (Gilal et al. 2023), with a strength drawn for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.builtin.radial_blur import RadialBlurParameters
from imbalkit.functional.rho import rho_names, rho_of
from imbalkit.kinds import Op, draw_range, range_label

if TYPE_CHECKING:
    import numpy as np
    import torch


class RadialBlur(RadialBlurParameters, Op):
    """Averages slight expansions and shrinkings about the centre, as a zoom during the exposure would."""

    name = "radial_blur"

    @property
    def parameters(self) -> tuple[str, ...]:  # type: ignore[override]  # a constant of the class elsewhere
        return rho_names(self.axes == "independent", self.channels == "independent")

    def decide(self, uniforms: np.ndarray) -> np.ndarray:
        return draw_range(self.rho, uniforms)

    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        from imbalkit.functional.radial_blur import radial_blur

        rho = rho_of(parameters, self.axes == "independent", self.channels == "independent", images.shape[1])
        return radial_blur(images, rho, self.iterations, self.centre, self.border, self.method)

    @property
    def label(self) -> str:
        unusual = [
            *(["four a row"] if self.axes == "independent" else []),
            *(["for each colour"] if self.channels == "independent" else []),
            *([f"{self.iterations} steps"] if self.iterations != 5 else []),
            *(["the paper's centre"] if self.centre == "paper" else []),
            *([f"{self.border} border"] if self.border != "reflect" else []),
            *(["composed"] if self.method == "composed" else []),
        ]
        return ", ".join([f"radial blur rho {range_label(self.rho)}", *unusual])
