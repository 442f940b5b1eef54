"""RandAugment and TrivialAugment (wide) with a draw for each image.

torchvision's and Kornia's classes draw an operation for a whole batch. Here every image has its own, from uniform numbers that
the caller draws on the host: the same numbers, the same operations, on any device, and nothing waits for it.

The operations, and their largest strengths, are torchvision's: RandAugment's of Cubuk et al. 2020, the wide ones of Mueller
and Hutter 2021, table 1. Where torchvision's still change a picture at strength 0 (solarize, posterize), ours do not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from imbalkit.functional.warp import Matrix, warp

BINS = 31  # strengths, from 0 to the largest
DRAWS = 3  # uniform numbers of an operation: which one, how strong, which sign
GEOMETRIC = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")
OPERATIONS = (
    *("identity", *GEOMETRIC, "brightness", "color", "contrast", "sharpness"),
    *("posterize", "solarize", "auto_contrast", "equalize"),
)


@dataclass(frozen=True)
class Space:
    """The largest strengths: shear (tangent), translation (share of the side, or px), rotation (degrees), factor - 1, bits."""

    shear: float
    translate_share: float
    translate_px: float
    rotate: float
    factor: float
    bits: int


RAND = Space(0.3, 150 / 331, 0, 30, 0.9, 4)
TRIVIAL = Space(0.99, 0, 32, 135, 0.99, 6)


@dataclass(frozen=True)
class Drawn:
    """An operation, a share 0..1 of its largest strength, and the sign of what has one."""

    name: str
    share: float
    sign: int


def rand_augment(images: Tensor, uniforms: Tensor, magnitude: int = 9) -> Tensor:
    """RandAugment: several operations of one strength, drawn for each image (Cubuk et al. 2020).

    Args:
        images: float [n, 1 or 3, H, W] in 0..1
        uniforms: in [0, 1), on the host, [n, operations, 3]: which operation, unused, which sign
        magnitude: 0 to 30; 0 gives the images as they are, equalize and auto_contrast included, which have no strength

    Returns:
        in 0..1, shape, dtype and device of `images`; what lies outside an image is black
    """
    if magnitude == 0:
        return images.clone()
    return _applied(images, uniforms, RAND, magnitude)


def trivial_augment(images: Tensor, uniforms: Tensor) -> Tensor:
    """TrivialAugment, wide: one operation of any of 31 strengths, drawn for each image (Mueller and Hutter 2021).

    Args:
        images: float [n, 1 or 3, H, W] in 0..1
        uniforms: in [0, 1), on the host, [n, 1, 3]: which operation, which strength, which sign

    Returns:
        in 0..1, shape, dtype and device of `images`; what lies outside an image is black
    """
    return _applied(images, uniforms, TRIVIAL, None)


def drawn(uniforms: Sequence[float], magnitude: int | None) -> Drawn:
    """The operation that three uniform numbers stand for."""
    which, strength, sign = uniforms
    strength = int(strength * BINS) if magnitude is None else magnitude
    return Drawn(OPERATIONS[int(which * len(OPERATIONS))], strength / (BINS - 1), -1 if sign < 0.5 else 1)


def _applied(images: Tensor, uniforms: Tensor, space: Space, magnitude: int | None) -> Tensor:
    work = (images if images.dtype == torch.float64 else images.float()).clone()
    for step in uniforms.transpose(0, 1).tolist():
        operations = [drawn(numbers, magnitude) for numbers in step]
        moved = [index for index, one in enumerate(operations) if one.name in GEOMETRIC and one.share]
        if moved:
            matrices = [_matrix(operations[index], space, *work.shape[2:]) for index in moved]
            pictures = warp(torch.stack([work[index] for index in moved]), matrices, "nearest")
            for index, picture in zip(moved, pictures, strict=True):
                work[index] = picture
        for index, one in enumerate(operations):
            if one.name not in (*GEOMETRIC, "identity"):
                work[index] = _recoloured(work[index], one, space)
    return work.clamp_(0, 1).to(images.dtype)


def _matrix(drawn: Drawn, space: Space, height: int, width: int) -> Matrix:
    """The map of a geometric operation, as `warp` takes it."""
    strength = drawn.sign * drawn.share
    match drawn.name:
        case "shear_x":  # about the upper left corner, as the papers' code does
            return (1, strength * space.shear, strength * space.shear * height / 2), (0, 1, 0)
        case "shear_y":
            return (1, 0, 0), (strength * space.shear, 1, strength * space.shear * width / 2)
        case "translate_x":
            return (1, 0, -int(strength * (space.translate_share * width + space.translate_px))), (0, 1, 0)
        case "translate_y":
            return (1, 0, 0), (0, 1, -int(strength * (space.translate_share * height + space.translate_px)))
        case _:
            angle = math.radians(strength * space.rotate)
            return (math.cos(angle), -math.sin(angle), 0), (math.sin(angle), math.cos(angle), 0)


def _recoloured(image: Tensor, drawn: Drawn, space: Space) -> Tensor:
    """The other operations on an image [C, H, W]."""
    from torchvision.transforms.v2 import functional as F

    factor = 1 + drawn.sign * drawn.share * space.factor
    bits = 8 - round(drawn.share * space.bits)
    changed: Tensor = image
    match drawn.name:
        case "brightness":
            changed = F.adjust_brightness(image, factor)
        case "color":
            changed = F.adjust_saturation(image, factor)
        case "contrast":
            changed = F.adjust_contrast(image, factor)
        case "sharpness":
            changed = _sharpened(image, factor)
        case "posterize" if bits < 8:
            changed = F.posterize(image, bits)
        case "solarize" if drawn.share:
            changed = F.solarize(image, 1 - drawn.share)
        case "auto_contrast":
            changed = F.autocontrast(image)
        case "equalize":
            changed = F.equalize(image)
    return changed


def _sharpened(image: Tensor, factor: float) -> Tensor:
    """torchvision's adjust_sharpness, which makes its kernel anew on the device and so waits for it."""
    if min(image.shape[1:]) <= 2:
        return image
    smooth, inside = image.clone(), image[:, 1:-1, 1:-1]
    smooth[:, 1:-1, 1:-1] = (9 * avg_pool2d(image, 3, 1) + 4 * inside) / 13
    return smooth.lerp(image, factor).clamp_(0, 1)
