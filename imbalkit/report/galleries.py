"""Which pictures a report shows, and the text below each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imbalkit.report.pictures import is_small, picture_uri


@dataclass(frozen=True)
class Shown:
    """A picture of a gallery.

    Attributes:
        uri: the picture, as data URI
        alt: what it is, for those who do not see it
        head: the number that it is shown for
        lines: what else is known of it
        heat: the same picture with what speaks for the class lit up, dim all over where nothing does; empty without
        small: whether it is shown with hard edges
    """

    uri: str
    alt: str
    head: str
    lines: tuple[str, ...] = ()
    heat: str = ""
    small: bool = False


def shown(
    pixels: np.ndarray,
    alt: str,
    head: str,
    lines: tuple[str, ...] = (),
    heat: np.ndarray | None = None,
    side: int = 160,
) -> Shown:
    """A picture, uint8 or float in 0..1 [h, w, c], with the heat map [h', w'] that belongs to it."""
    small = is_small(pixels)
    lit = "" if heat is None else picture_uri(lit_up(pixels, heat), side)
    if heat is not None and not heat.any():
        lines = (*lines, "no part supports the predicted class")
    return Shown(picture_uri(pixels, side), alt, head, tuple(line for line in lines if line), lit, small)


def lit_up(pixels: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A picture in grey and dim but where the heat map is high, uint8 [h, w, 3]: no colour scale that must be learned.

    Args:
        pixels: uint8 or float in 0..1, [h, w, c]
        heat: float [h', w'] >= 0, of any size
    """
    from PIL import Image

    picture = pixels.astype(np.float32) / (255 if pixels.dtype == np.uint8 else 1)
    picture = np.repeat(picture.mean(axis=-1, keepdims=True), 3, axis=-1) if picture.shape[-1] != 3 else picture
    height, width = picture.shape[:2]
    top = float(heat.max(initial=0.0))
    share = heat / top if top > 0 else np.zeros_like(heat)
    large = Image.fromarray(share.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    light = np.clip(np.asarray(large), 0, 1)[..., None] ** 0.7
    grey = picture.mean(axis=-1, keepdims=True)
    dim = 0.32 * grey + 0.02
    return (np.clip(light * picture + (1 - light) * dim, 0, 1) * 255 + 0.5).astype(np.uint8)
