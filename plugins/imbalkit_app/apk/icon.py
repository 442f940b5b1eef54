"""A user's picture as the app's icon, in the sizes of the template's own."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from imbalkit_lite.errors import DataError, ImbalkitError
from imbalkit_lite.opening import open_picture

LEAST = 96  # px; a smaller one would be blurred
SAFE = 66 / 108  # of the foreground's side: what no phone's mask cuts off (developer.android.com, adaptive icons)


class IconError(ImbalkitError):
    """A picture that cannot be an icon."""


def read_icon(path: Path) -> Image.Image:
    """The picture in a PNG file, RGBA. Raises IconError."""
    try:
        with open_picture(path) as picture:
            kind, icon = picture.format, _eight_bits(picture).convert("RGBA")
    except DataError as error:
        raise IconError(f"--icon: {error}") from None
    if kind != "PNG":
        raise IconError(f"--icon: expected a PNG, {path} is {kind}")
    if min(icon.size) < LEAST:
        raise IconError(
            f"--icon: expected a PNG of at least {LEAST} px a side, {path} has {icon.width} x {icon.height}"
        )
    return icon


def fitted(picture: Image.Image, template: bytes, share: float = 1) -> bytes:
    """A PNG of the size of the template's PNG: the picture, whole, in the middle `share` of it, transparent around it."""
    with open_picture(template) as old:
        canvas = Image.new("RGBA", old.size)
    room = min(canvas.size) * share
    scale = room / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    scaled = picture.resize(size, Image.Resampling.LANCZOS)
    canvas.paste(scaled, ((canvas.width - size[0]) // 2, (canvas.height - size[1]) // 2))
    out = io.BytesIO()
    canvas.save(out, "PNG", optimize=True)
    return out.getvalue()


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Grey pictures of 16 bits, which Pillow would clip, in 8."""
    if not picture.mode.startswith("I"):
        return picture
    return picture.point(lambda value: value / 256).convert("L")
