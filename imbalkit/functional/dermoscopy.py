"""Random changes that leave a photograph of a skin lesion what it is: orientation, zoom, colour, focus, a hidden part.

Each image has its own, from uniform numbers that the caller draws on the host. Every step is one pass over the pixels, so
that a batch costs little beside a training step on a CPU.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from imbalkit.functional.gaussian_blur import gaussian_blur
from imbalkit.functional.warp import warp

GREY = (0.299, 0.587, 0.114)  # of ITU-R BT.601
DRAWS = 11


@dataclass(frozen=True)
class Strengths:
    """How much is changed; 0 switches a step off.

    Attributes:
        orientations: the eight symmetries of the square, equally likely; of other images the four that keep the shape
        scale: zoom by 1 / (1 + scale) to 1 + scale, uniform in its logarithm
        brightness, contrast, saturation: factors of 1 - strength to 1 + strength
        hue: largest turn of the hues, of a whole turn
        blur: largest sigma of a Gaussian blur, of the shorter side
        blur_p: probability of blurring an image
        cutout: side of the square that is hidden, of the shorter side
        cutout_p: probability of hiding a part
    """

    orientations: bool = True
    scale: float = 0.1
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    hue: float = 0.02
    blur: float = 0.01
    blur_p: float = 0.2
    cutout: float = 0.375
    cutout_p: float = 0.5


def dermoscopy(images: Tensor, uniforms: Tensor, strengths: Strengths) -> Tensor:
    """The changed images.

    Args:
        images: float [n, 1 or 3, H, W] in 0..1
        uniforms: in [0, 1), on the host, float64 [n, 11]
        strengths: how much is changed

    Returns:
        in 0..1, shape, dtype, device and order in memory of `images`
    """
    work = images if images.dtype == torch.float64 else images.float()
    columns = uniforms.T
    side = min(images.shape[2:])
    work = oriented(work, (columns[0] * 8).long().tolist() if strengths.orientations else [0] * len(work))
    if strengths.scale:
        zooms = torch.exp((2 * columns[1] - 1) * math.log1p(strengths.scale)).tolist()
        work = warp(work, [((1 / zoom, 0, 0), (0, 1 / zoom, 0)) for zoom in zooms], border="reflection")
    if strengths.brightness or strengths.contrast or strengths.saturation or strengths.hue:
        spread = [strengths.brightness, strengths.contrast, strengths.saturation]
        factors = 1 + (2 * columns[2:5] - 1) * torch.tensor(spread, dtype=columns.dtype)[:, None]
        work = recoloured(work, factors[0], factors[1], factors[2], (2 * columns[5] - 1) * strengths.hue)
    if strengths.blur and strengths.blur_p:
        _blur_some(work, columns[6] < strengths.blur_p, columns[7] * strengths.blur * side)
    if strengths.cutout and strengths.cutout_p:
        _hide(work, columns[8] < strengths.cutout_p, columns[9:11].T, round(strengths.cutout * side))
    if not images.is_contiguous() and images.is_contiguous(memory_format=torch.channels_last):
        work = work.contiguous(memory_format=torch.channels_last)
    return work.to(images.dtype)


def oriented(images: Tensor, codes: Sequence[int]) -> Tensor:
    """Each image [C, H, W] in one of its orientations, exactly, contiguous [n, C, H, W].

    Of a code from 0 to 7, 4 transposes (square images alone), then 1 turns the image upside down and 2 left to right.
    """
    out = torch.empty_like(images, memory_format=torch.contiguous_format)
    square = images.shape[2] == images.shape[3]
    for target, image, code in zip(out, images, codes, strict=True):
        axes = [axis for axis, bit in ((1, 1), (2, 2)) if code & bit]
        image = image.transpose(1, 2) if square and code & 4 else image
        target.copy_(image.flip(axes) if axes else image)
    return out


def recoloured(images: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor, hue: Tensor) -> Tensor:
    """Brightness, contrast, saturation and hue of each image, [n] each on the host, clamped to 0..1 at the end.

    The first three are torchvision's `adjust_brightness`, `adjust_contrast` and `adjust_saturation` in this order. The hue turns
    by `hue` of a whole turn about the grey axis of YIQ, which keeps the luma. All four are one matrix and one offset for each
    image: M = H S c b, and the offset (1 - c) b times the mean luma. Grey images have no saturation and hue.
    """
    n, channels = images.shape[:2]
    flat = images.flatten(2)  # [n, C, H W]
    luma = torch.tensor(GREY if channels == 3 else [1.0], dtype=torch.float64)
    matrix = torch.eye(channels, dtype=torch.float64).repeat(n, 1, 1)
    if channels == 3:
        grey = luma.repeat(3, 1)  # [3, 3]: the luma in each channel
        kept = saturation[:, None, None].double()
        matrix = _hue_turns(hue.double()) @ (kept * matrix + (1 - kept) * grey)
    gain = (brightness * contrast).double()
    weight = (1 - contrast.double()) * brightness.double()
    matrix, weights = (
        numbers.to(images.dtype).to(images.device, non_blocking=True)
        for numbers in (gain[:, None, None] * matrix, weight[:, None] * luma)
    )
    with torch.autocast(images.device.type, enabled=False):
        offset = (flat.mean(dim=2) * weights).sum(dim=1)[:, None, None]
        return torch.baddbmm(offset, matrix, flat).clamp_(0, 1).view_as(images)


def _hue_turns(turns: Tensor) -> Tensor:
    """Matrices [n, 3, 3] that turn the chroma of RGB in YIQ by `turns` [n] of a whole turn."""
    to_yiq = torch.tensor([GREY, (0.595716, -0.274453, -0.321263), (0.211456, -0.522591, 0.311135)], dtype=turns.dtype)
    cos, sin = torch.cos(2 * math.pi * turns), torch.sin(2 * math.pi * turns)
    turn = torch.zeros(len(turns), 3, 3, dtype=turns.dtype)
    turn[:, 0, 0] = 1
    turn[:, 1, 1], turn[:, 1, 2], turn[:, 2, 1], turn[:, 2, 2] = cos, -sin, sin, cos
    to_rgb: Tensor = torch.linalg.inv(to_yiq)
    return to_rgb @ turn @ to_yiq


def _blur_some(images: Tensor, chosen: Tensor, sigmas: Tensor) -> None:
    """Blur the chosen images in place."""
    rows = chosen.nonzero().flatten().tolist()
    if rows:
        blurred = gaussian_blur(torch.stack([images[row] for row in rows]), sigmas[rows])
        for row, image in zip(rows, blurred, strict=True):
            images[row] = image


def _hide(images: Tensor, chosen: Tensor, places: Tensor, side: int) -> None:
    """Fill a square of the chosen images with their mean colour, in place (DeVries and Taylor 2017: cut at the rim)."""
    height, width = images.shape[2:]
    for row in chosen.nonzero().flatten().tolist():
        down, across = (int(place * size) for place, size in zip(places[row].tolist(), (height, width), strict=True))
        top, left = max(0, down - side // 2), max(0, across - side // 2)
        square = images[row, :, top : max(0, down - side // 2 + side), left : max(0, across - side // 2 + side)]
        square.copy_(images[row].mean(dim=(1, 2))[:, None, None])
