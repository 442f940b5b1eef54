"""Radial blur (Gilal et al. 2023), with a strength drawn for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from imbalkit.kinds import Op, RhoRange, draw_range, param, range_label

if TYPE_CHECKING:
    import numpy as np
    import torch


class RadialBlur(Op):
    """Averages slight expansions and shrinkings about the centre, as a zoom during the exposure would."""

    name = "radial_blur"

    rho: RhoRange = param(
        (0.005, 0.02),
        help="relative zoom of one step: drawn uniformly between these for each row",
        unit="of the radius",
    )
    axes: Literal["shared", "independent"] = param(
        "shared", help="one rho a row, or four of its own: expand x, expand y, shrink x, shrink y"
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

    @property
    def parameters(self) -> tuple[str, ...]:  # type: ignore[override]
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
