"""Quarter turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from imbalkit.kinds import Op, PlanError, param

if TYPE_CHECKING:
    import torch


class Rotate90(Op):
    """Rotates the image clockwise by quarter turns, without interpolation."""

    name = "rotate90"
    former_names = ("turn",)

    degrees: Literal[90, -90, 180, 270] = param(
        help="clockwise angle; -90 and 270 are both a quarter turn anticlockwise", unit="degrees"
    )

    @property
    def square_only(self) -> bool:  # type: ignore[override]  # a constant of the class elsewhere
        """Half a turn keeps height and width; quarter turns swap them."""
        return self.degrees != 180

    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        """Raises PlanError for a quarter turn of images that are not square."""
        import torch

        height, width = images.shape[2:]
        if self.square_only and height != width:
            raise PlanError(
                f"{self.label}: expected square images, got {height} x {width} px (height x width), which a quarter "
                "turn swaps: make the images square, or turn by 180"
            )
        return torch.rot90(images, k=-(self.degrees // 90), dims=(2, 3))

    @property
    def label(self) -> str:
        if self.degrees == 180:
            return "turn 180"
        return f"turn {abs(self.degrees)} {'clockwise' if self.degrees > 0 else 'anticlockwise'}"
