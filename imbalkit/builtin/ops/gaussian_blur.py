"""Gaussian blur: the control for radial blur."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from imbalkit.kinds import Op, RhoRange, SigmaRange, draw_range, param, range_label

if TYPE_CHECKING:
    import numpy as np
    import torch


class GaussianBlur(Op):
    """Gaussian blur by a drawn sigma, or by the sigma that is as strong as a radial blur of a drawn rho.

    Equal strength means that the point spread's variance, averaged over the pixels of the image, is equal; see
    `imbalkit.functional.gaussian_blur.matching_sigma`.
    """

    name = "gaussian_blur"

    sigma: SigmaRange | None = param(
        None, help="standard deviation, drawn uniformly between these for each row (or give match_rho)", unit="px"
    )
    match_rho: RhoRange | None = param(
        None,
        help="be as strong as a radial blur with rho between these, whatever the image's size (or give sigma)",
        unit="of the radius",
    )
    match_iterations: int = param(5, help="iterations of the matched radial blur", unit="steps", ge=1, le=100)

    @model_validator(mode="after")
    def _one_strength(self) -> Any:
        if (self.sigma is None) == (self.match_rho is None):
            raise PydanticCustomError(
                "one_strength",
                "expected either sigma: [low, high] in px or match_rho: [low, high], got {got}",
                {"got": "neither" if self.sigma is None else "both"},
            )
        return self

    @property
    def parameters(self) -> tuple[str, ...]:  # type: ignore[override]  # a constant of the class elsewhere
        return ("sigma",) if self.match_rho is None else ("rho",)

    def decide(self, uniforms: np.ndarray) -> np.ndarray:
        return draw_range(self._strength, uniforms)

    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        from imbalkit.functional.gaussian_blur import gaussian_blur, matching_sigma

        sigma = parameters[:, 0]
        if self.match_rho is not None:
            height, width = images.shape[2:]
            sigma = matching_sigma(sigma, height, width, self.match_iterations)
        return gaussian_blur(images, sigma)

    @property
    def label(self) -> str:
        strength = range_label(self._strength)
        if self.match_rho is None:
            return f"gaussian blur sigma {strength} px"
        return f"gaussian blur as strong as radial rho {strength}"

    @property
    def _strength(self) -> tuple[float, float]:
        """The one of both that is given."""
        return self.match_rho or self.sigma or (0.0, 0.0)
