"""A user's picture as the app's icon, in the sizes of the template's own."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from imbalkit_lite.errors import ImbalkitError

LEAST = 96  # px; a smaller one would be blurred
SAFE = 66 / 108  # of the foreground's side: what no phone's mask cuts off (developer.android.com, adaptive icons)


class IconError(ImbalkitError):
    """A picture that cannot be an icon."""


def read_icon(path: Path) -> Image.Image:
    """The picture in a PNG file, RGBA. Raises IconError."""
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            size = picture.size
            if min(size) < LEAST:
                raise IconError(
                    f"--icon: expected a PNG of at least {LEAST} px a side, {path} has {size[0]} x {size[1]}"
                )
            return _eight_bits(picture).convert("RGBA")
    except FileNotFoundError:
        raise IconError(f"--icon: there is no file {path}") from None
    except Image.DecompressionBombError:
        raise IconError(f"--icon: {path} is too large a picture: 512 x 512 px are enough") from None
    except (OSError, ValueError, SyntaxError) as error:  # Pillow raises each of them for damaged files
        reason = (
            error.strerror if isinstance(error, OSError) and error.strerror else "it is no PNG file, or it is damaged"
        )
        raise IconError(f"--icon: {path} cannot be read: {reason}") from None


def fitted(picture: Image.Image, template: bytes, share: float = 1) -> bytes:
    """A PNG of the size of the template's PNG: the picture, whole, in the middle `share` of it, transparent around it."""
    with Image.open(io.BytesIO(template)) as old:
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
