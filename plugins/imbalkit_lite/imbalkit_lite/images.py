"""Decoding and the one resize routine, free of torch: the cache, predict and export all go through here.

Libraries differ by a grey level in some pixels, so nothing else in imbalkit scales an image.
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from imbalkit_lite.card import INTERPOLATIONS as _NAMES
from imbalkit_lite.card import RESIZES
from imbalkit_lite.errors import DataError, nearest
from imbalkit_lite.opening import open_picture

INTERPOLATIONS = {name: Image.Resampling[name.upper()] for name in _NAMES}
VERSION = 1  # raise it when the pixels that a rule gives change: old caches are then left aside
_MOST_PIXELS = 2**28  # of a scaled image before it is cropped; only a thread-thin picture gets there


@dataclass(frozen=True)
class ImageRule:
    """How a file becomes pixels of one size.

    Attributes:
        size: height, width in px
        resize: stretch (to the size, whatever the shape), crop (scale until the size is covered, cut the centre out) or
            pad (scale until it fits, centre it on black)
        interpolation: nearest | bilinear | bicubic | lanczos; all but nearest are antialiased, as Pillow does it
        exif: turn photographs upright by their EXIF orientation
        bits: how many bits 16-bit grey pictures hold, 8 to 16: 0..2^bits - 1 becomes 0..255

    Raises DataError for anything else.
    """

    size: tuple[int, int]
    resize: str = "stretch"
    interpolation: str = "bilinear"
    exif: bool = True
    bits: int = 16

    def __post_init__(self) -> None:
        size = (self.size, self.size) if isinstance(self.size, int) else tuple(int(side) for side in self.size)
        if len(size) != 2 or min(size) < 1:
            raise DataError(f"expected an image size (height, width) of at least 1 px, got {self.size}")
        object.__setattr__(self, "size", size)
        for what, value, known in (
            ("resize", self.resize, RESIZES),
            ("interpolation", self.interpolation, INTERPOLATIONS),
        ):
            if value not in known:
                raise DataError(
                    f"expected {what} to be one of {', '.join(known)}, got {value!r}{nearest(value, known)}"
                )

        if not 8 <= self.bits <= 16:
            raise DataError(f"expected 8 to 16 bits, got {self.bits}")

    @property
    def key(self) -> str:
        """The rule as a folder name, such as "320x320-stretch-bilinear-upright-v1"."""
        turning = "upright" if self.exif else "asis"
        bits = "" if self.bits == 16 else f"-{self.bits}bit"
        return f"{self.size[0]}x{self.size[1]}-{self.resize}-{self.interpolation}-{turning}{bits}-v{VERSION}"


class Probe(NamedTuple):
    """What `probe` finds: height and width in px (upright), Pillow's mode, the smallest and the largest value of any channel.

    Values are the file's own: 0..255, for 16-bit grey 0..65535, for float pictures 0..1. A JPEG's are of a reduced copy.
    """

    height: int
    width: int
    mode: str
    low: float
    high: float


def decode(source: str | PathLike[str] | bytes, exif: bool = True, bits: int = 16) -> np.ndarray:
    """A file's first picture as RGB.

    Transparency is laid over white; palettes, greyscale, CMYK and other colour spaces become RGB as Pillow converts
    them; 16-bit greyscale is scaled to 8 bits by round(255 v / (2^bits - 1)), which is round(v / 257) for 16 bits; float
    pictures must hold 0..1 and are scaled by 255.

    Args:
        source: path, or the file's content
        exif: turn it upright by its EXIF orientation
        bits: how many bits 16-bit greyscale holds; larger values are an error

    Returns:
        uint8 [H, W, 3]

    Raises:
        DataError: naming the file (if a path is given), where it is missing, unreadable, truncated or too large
    """
    return np.array(_load(source, exif, bits))


def read_image(source: str | PathLike[str] | bytes, rule: ImageRule) -> np.ndarray:
    """`resize(decode(source))` without the array between: uint8 [h, w, 3]. Raises DataError as `decode` does."""
    image = _load(source, rule.exif, rule.bits)
    try:
        return np.array(_fit(image, rule))
    except MemoryError:
        raise DataError(
            f"there is not enough memory to scale its {image.size[0]:,} x {image.size[1]:,} pixels"
        ) from None


def read_pixels(source: str | PathLike[str] | bytes, rule: ImageRule, channels: int = 3) -> np.ndarray:
    """A picture as a network takes it: uint8 [h, w, C], RGB or grey with 1 channel. Raises DataError as `decode` does."""
    image = read_image(source, rule)
    return image if channels == 3 else np.array(Image.fromarray(image).convert("L"))[..., None]


def probe(path: str | PathLike[str]) -> Probe:
    """Size, mode and values of a picture, after reading the whole file.

    A JPEG is decoded at an eighth of its size, which still reads all of its data: a truncated file is found. Raises
    DataError as `decode` does.
    """
    with open_picture(path) as image:
        width, height = image.size
        turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        mode = image.mode
        image.draft(None, (max(1, width // 8), max(1, height // 8)))
        image.load()
        rgb = image if mode in ("L", "RGB") else _to_rgb(image)  # which also refuses values that no run could use
        values = np.asarray(image if mode[0] in "IF" else rgb)
        low, high = values.min().item(), values.max().item()
    return Probe(*((width, height) if turned else (height, width)), mode, low, high)


def resize(array: np.ndarray, rule: ImageRule) -> np.ndarray:
    """The one resize routine: uint8 [H, W, C] (or [H, W]) to uint8 [h, w, C].

    With (H, W) the picture, (h, w) the rule's size, and round-half-up on integers, `round(a / b) = (2a + b) // 2b`:

    * stretch scales to (h, w).
    * crop scales to (h, max(w, round(W h / H))) if h W >= w H, else to (max(h, round(H w / W)), w); then takes rows
      from (scaled height - h) // 2 and columns from (scaled width - w) // 2.
    * pad scales to (max(1, round(H w / W)), w) if h W >= w H, else to (h, max(1, round(W h / H))); then puts that on
      black at row (h - scaled height) // 2 and column (w - scaled width) // 2.

    Scaling an axis of n pixels to m, s = n / m. nearest: output i is input floor((i + 0.5) s). Others: output i is a
    weighted mean around c = (i + 0.5) s over the pixels j with int(c - r + 0.5) <= j < int(c + r + 0.5) that the
    picture has; the weight is filter((j + 0.5 - c) / max(s, 1)), the stretching being the antialiasing;
    r = support * max(s, 1); support 1 (bilinear, the triangle), 2 (bicubic, a = -0.5), 3 (lanczos). Weights are
    normalised to 1 and rounded to multiples of 2^-22. Width first, then height, each rounded half up and clipped to
    0..255. It is what Pillow does for one axis; which axis it takes first, and how it rounds for nearest, differ
    between its releases, so both are decided here.
    """
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim != 3 or array.dtype != np.uint8 or 0 in array.shape:
        raise DataError(f"expected an image uint8 [H, W, C], got {array.dtype} {list(array.shape)}")
    if array.shape[2] == 3:
        return np.array(_fit(Image.fromarray(array), rule))
    # Channel by channel: Pillow would take four channels for transparency and weigh the colours by it.
    planes = [Image.fromarray(np.ascontiguousarray(array[..., channel])) for channel in range(array.shape[2])]
    return np.stack([np.array(_fit(plane, rule)) for plane in planes], axis=-1)


def _fit(image: Image.Image, rule: ImageRule) -> Image.Image:
    """`resize` on a Pillow image of one or three bands."""
    (h, w), (width, height), how = rule.size, image.size, INTERPOLATIONS[rule.interpolation]
    if rule.resize == "stretch":
        return _scale(image, h, w, how)
    by_height = h * width >= w * height
    tall, wide = (
        _round(width * h, height),
        _round(height * w, width),
    )  # the free side, scaled to the height or the width
    if rule.resize == "crop":
        new_h, new_w = (h, max(w, tall)) if by_height else (max(h, wide), w)
        if new_h * new_w > _MOST_PIXELS:
            raise DataError(f"a picture of {height}x{width} px is too thin to be cropped to {h}x{w} px")
        top, left = (new_h - h) // 2, (new_w - w) // 2
        return _scale(image, new_h, new_w, how).crop((left, top, left + w, top + h))
    new_h, new_w = (max(1, wide), w) if by_height else (h, max(1, tall))
    padded = Image.new(image.mode, (w, h))
    padded.paste(_scale(image, new_h, new_w, how), ((w - new_w) // 2, (h - new_h) // 2))
    return padded


def _scale(image: Image.Image, height: int, width: int, how: Image.Resampling) -> Image.Image:
    if image.size == (width, height):
        return image
    if how != Image.Resampling.NEAREST:
        return image.resize((width, image.size[1]), how).resize((width, height), how)
    pixels = np.asarray(image)
    rows, columns = (
        (2 * np.arange(new) + 1) * old // (2 * new) for new, old in ((height, image.size[1]), (width, image.size[0]))
    )
    return Image.fromarray(pixels[rows[:, None], columns])


def _to_bytes(values: np.ndarray, bits: int) -> np.ndarray:
    """Integers [H, W] from 0 to 2^bits - 1 as uint8. Raises DataError for others."""
    top = 2**bits - 1
    if values.min() < 0 or values.max() > top:
        advice = "scale them to 0..65535" if bits == 16 else "images.bits must fit every picture"
        raise DataError(
            f"expected greyscale of at most {bits} bits (0 to {top}), got values from {values.min()} to {values.max()}: {advice}"
        )
    table = ((510 * np.arange(top + 1) + top) // (2 * top)).astype(np.uint8)
    result = np.empty(values.shape, dtype=np.uint8)
    for row in range(0, len(values), 256):  # an index takes 8 bytes a pixel
        result[row : row + 256] = table[values[row : row + 256]]
    return result


def _round(a: int, b: int) -> int:
    return (2 * a + b) // (2 * b)


def _load(source: str | PathLike[str] | bytes, exif: bool, bits: int) -> Image.Image:
    """The file's first picture, mode RGB."""
    with open_picture(source) as image:
        image.load()
        if exif:
            ImageOps.exif_transpose(image, in_place=True)
        return _to_rgb(image, bits)


def _to_rgb(image: Image.Image, bits: int = 16) -> Image.Image:
    """Any Pillow image to mode RGB."""
    if image.mode.startswith("I"):  # 16-bit greyscale; Pillow before 11 opens a 16-bit PNG as 32-bit "I"
        image = Image.fromarray(_to_bytes(np.asarray(image), bits))
    elif image.mode == "F":
        values = np.asarray(image)
        if not (values.min() >= 0 and values.max() <= 1):
            raise DataError(
                f"expected a float picture of values 0..1, got {values.min()} to {values.max()}: scale them"
            )
        image = Image.fromarray(np.floor(values * 255.0 + 0.5).astype(np.uint8))
    elif image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        # Premultiplied "La" has no direct way to RGBA.
        layered = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (255, 255, 255, 255)), layered)
    return image if image.mode == "RGB" else image.convert("RGB")
