"""Which rho a radial blur draws: one, or one for each direction, each colour or both. Without torch, as plans name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.errors import ImbalkitError

if TYPE_CHECKING:
    from torch import Tensor

DIRECTIONS = ("expand_x", "expand_y", "shrink_x", "shrink_y")
COLOURS = ("red", "green", "blue")


def rho_names(by_direction: bool, by_colour: bool) -> tuple[str, ...]:
    """Names of what is drawn for an image, such as rho, rho_expand_x, rho_red or rho_red_expand_x."""
    colours = [f"_{colour}" for colour in COLOURS] if by_colour else [""]
    directions = [f"_{direction}" for direction in DIRECTIONS] if by_direction else [""]
    return tuple(f"rho{colour}{direction}" for colour in colours for direction in directions)


def rho_of(drawn: Tensor, by_direction: bool, by_colour: bool, channels: int) -> Tensor:
    """What `radial_blur` takes, of what was drawn in the order of `rho_names`, [n, names].

    A grey image takes the rho of green. Raises ImbalkitError for colours of images that have neither 3 channels nor 1.
    """
    if not by_colour:
        return drawn if by_direction else drawn[:, 0]
    if channels not in (1, 3):
        raise ImbalkitError(f"radial blur: a rho for each colour needs images of 3 channels (or 1), got {channels}")
    by_channel = drawn.reshape(len(drawn), 3, -1).expand(-1, -1, 4)
    return by_channel if channels == 3 else by_channel[:, 1:2]
