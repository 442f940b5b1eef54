"""Pixels as data URIs."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np

SIDE = 160  # px: the longest side of an embedded picture
SMALL = 64  # px: up to here pictures are kept without loss, and shown with hard edges
_TYPES = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".svg": "svg+xml", ".gif": "gif", ".webp": "webp"}


def picture_uri(pixels: np.ndarray, side: int = SIDE) -> str:
    """uint8 [h, w, c], or float in 0..1, as a data URI: PNG if it is small, else JPEG of at most `side` px."""
    from PIL import Image

    if pixels.dtype != np.uint8:
        pixels = (np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8)
    if pixels.shape[-1] not in (1, 3):  # more channels than a screen has: the mean of all
        pixels = pixels.mean(axis=-1, keepdims=True).astype(np.uint8)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    stream = io.BytesIO()
    if is_small(pixels):
        image.save(stream, "PNG", optimize=True)
        return _uri(stream.getvalue(), "png")
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    image.save(stream, "JPEG", quality=82, optimize=True)
    return _uri(stream.getvalue(), "jpeg")


def is_small(pixels: np.ndarray) -> bool:
    """Whether a picture [h, w, c] is shown with hard edges."""
    return max(pixels.shape[:2]) < SMALL


def file_uri(path: Path) -> str | None:
    """A picture file as a data URI; None for other types."""
    kind = _TYPES.get(path.suffix.lower())
    return None if kind is None else _uri(path.read_bytes(), kind)


def _uri(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
