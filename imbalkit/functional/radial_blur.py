"""Radial (zoom) blur as iterated expansion and shrinking about a centre.

Gilal et al. 2023: with h_e(x) = x + rho_e (x - c) and h_s(x) = x - rho_s (x - c),
I_i(u, v) = 1/2 [ I_{i-1}(h_e(u), h_e(v)) + I_{i-1}(h_s(u), h_s(v)) ].

`composed` takes the picture as continuous: the two maps then commute, and n iterations are one sum of n + 1 scalings with
binomial weights, each sampled once. That is another, sharper result, as each iteration of the first one interpolates anew.

Columns depend on u alone and rows on v alone, so each map is a lerp along rows, then one along columns. A position is
kept as its pixel and the offset rho (x - c) from it: exact in float32 to 1e-6 px at any width, and mirror-symmetric.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from imbalkit.errors import ImbalkitError, nearest
from imbalkit.functional.borders import fold
from imbalkit.functional.radial_blur_runs import Map, blur_by_runs

Centre = Literal["middle", "paper"]
Border = Literal["reflect", "replicate", "zero"]
Method = Literal["iterated", "composed"]
CENTRES = ("middle", "paper")
BORDERS = ("reflect", "replicate", "zero")
METHODS = ("iterated", "composed")


def radial_blur(
    images: Tensor,
    rho: Tensor | float,
    iterations: int = 5,
    centre: Centre = "middle",
    border: Border = "reflect",
    method: Method = "iterated",
) -> Tensor:
    """Radial blur of a batch, each image with a rho of its own. Differentiable in images and rho.

    Args:
        images: float [B, C, H, W] (half precision is computed in float32)
        rho: relative zoom of one step, [B]; or [B, 4]: expand x, expand y, shrink x, shrink y; or [B, C, 4]: these four of each
            channel, as a lens that bends colours differently does; a number serves all
        iterations: how often expansion and shrinking are averaged
        centre: "middle" is (w-1)/2, (h-1)/2; "paper" is w/2, h/2, half a pixel off, so that flips do not commute
        border: "reflect" about the pixel centres of the rim, "replicate" the rim, or mix with "zero" outside
        method: "iterated" as the paper has it; "composed" as one sum of scalings, a different result on any device

    Returns:
        [B, C, H, W], dtype and device of `images`

    Raises:
        ImbalkitError: wrong shape, dtype or option
    """
    rho = _checked(images, rho, iterations, centre, border, method)
    if iterations == 0 or images.numel() == 0:
        return images.clone()
    work = images if images.dtype == torch.float64 else images.float()
    height, width = images.shape[2:]
    if rho.ndim == 3:  # each channel is a grey image with a rho of its own
        planes = work.reshape(-1, 1, height, width)
        blurred = radial_blur(planes, rho.reshape(-1, 4), iterations, centre, border, method)
        return blurred.view(images.shape).to(images.dtype)
    if method == "composed":
        return _blur_composed(work, rho, iterations, centre, border).to(images.dtype)
    maps = [
        (_offsets(height, rho[:, 1], centre), _offsets(width, rho[:, 0], centre)),
        (_offsets(height, -rho[:, 3], centre), _offsets(width, -rho[:, 2], centre)),
    ]
    blur = blur_by_runs if _runs_are_faster(work, rho) else _blur_by_gather
    return blur(work, maps, iterations, border).to(images.dtype)


def _offsets(size: int, zoom: Tensor, centre: str) -> Tensor:
    """How far from itself each pixel of an axis is sampled, px: [B, n] for a zoom [B]."""
    middle = size / 2 if centre == "paper" else (size - 1) / 2
    return zoom[:, None] * (torch.arange(size, device=zoom.device) - middle).to(zoom.dtype)


@dataclass(frozen=True)
class _Taps:
    """Where each pixel of an axis is sampled: between pixel `low` (may lie outside) and the next, by `weight`."""

    low: Tensor  # int64 [B, n]
    weight: Tensor  # float [B, n]


def _taps(offsets: Tensor) -> _Taps:
    whole = offsets.detach().floor()
    return _Taps(torch.arange(offsets.shape[1], device=offsets.device) + whole.long(), offsets - whole)


# --- iterated, batched, differentiable, any device ----------------------------------------------------------------------------


def _blur_by_gather(images: Tensor, maps: Sequence[Map], iterations: int, border: str) -> Tensor:
    taps = [(_taps(rows), _taps(columns)) for rows, columns in maps]
    for _ in range(iterations):
        expanded, shrunk = (_resample(_resample(images, 2, rows, border), 3, columns, border) for rows, columns in taps)
        images = torch.lerp(expanded, shrunk, 0.5)
    return images


def _resample(images: Tensor, axis: int, taps: _Taps, border: str) -> Tensor:
    shape = [len(images), 1, 1, 1]
    shape[axis] = images.shape[axis]

    def pixels(index: Tensor) -> Tensor:
        values = images.gather(axis, fold(index, images.shape[axis], border).view(shape).expand(images.shape))
        if border != "zero":
            return values
        inside = (index >= 0) & (index < images.shape[axis])
        return values * inside.view(shape)

    return torch.lerp(pixels(taps.low), pixels(taps.low + 1), taps.weight.view(shape))


# --- one pass: plain indexing that torch.compile fuses into a single kernel ------------------------------------------


def _blur_composed(images: Tensor, rho: Tensor, iterations: int, centre: str, border: str) -> Tensor:
    height, width = images.shape[2:]
    image = torch.arange(len(images), device=images.device)[:, None, None, None]
    channel = torch.arange(images.shape[1], device=images.device)[:, None, None]
    expansions = _repeated(rho[:, :2], iterations)  # x, y
    shrinkings = _repeated(-rho[:, 2:], iterations)
    result = torch.zeros_like(images)
    for times, (one, other) in enumerate(zip(expansions, reversed(shrinkings), strict=True)):
        zoom = _both(one, other)  # [B, 2]
        share = math.comb(iterations, times) / 2**iterations
        for row, row_weight in _corners(_taps(_offsets(height, zoom[:, 1], centre)), height, border):
            for column, column_weight in _corners(_taps(_offsets(width, zoom[:, 0], centre)), width, border):
                pixels = images[image, channel, row[:, None, :, None], column[:, None, None, :]]
                result = result + pixels * (share * row_weight[:, None, :, None] * column_weight[:, None, None, :])
    return result


def _both(one: Tensor, other: Tensor) -> Tensor:
    """The zoom that two in a row amount to: (1 + a)(1 + b) - 1, without rounding to the precision of 1."""
    return one + other + one * other


def _repeated(zoom: Tensor, times: int) -> list[Tensor]:
    """The zoom of 0, 1, ... `times` zooms in a row."""
    found = [torch.zeros_like(zoom)]
    for _ in range(times):
        found.append(_both(found[-1], zoom))
    return found


def _corners(taps: _Taps, size: int, border: str) -> list[tuple[Tensor, Tensor]]:
    """The two pixels of each position along an axis and their weights, [B, n] each."""
    found = []
    for index, weight in ((taps.low, 1 - taps.weight), (taps.low + 1, taps.weight)):
        inside = (index >= 0) & (index < size)
        found.append((fold(index, size, border), weight * inside if border == "zero" else weight))
    return found


def _runs_are_faster(images: Tensor, rho: Tensor) -> bool:
    if images.device.type != "cpu" or (torch.is_grad_enabled() and (images.requires_grad or rho.requires_grad)):
        return False
    return float(rho.abs().max()) * max(images.shape[2:]) / 2 <= 8  # px; farther, and runs are many and short


def _checked(images: Tensor, rho: Tensor | float, iterations: int, centre: str, border: str, method: str) -> Tensor:
    """rho as [B, 4] or [B, C, 4] on the device of the images, float32 (float64 for float64 images)."""
    if not isinstance(images, Tensor) or images.ndim != 4:
        got = list(images.shape) if isinstance(images, Tensor) else type(images).__name__
        raise ImbalkitError(f"radial_blur: expected images [B, C, H, W], got {got}")
    if not images.is_floating_point():
        raise ImbalkitError(
            f"radial_blur: expected floating-point images, got {images.dtype}; convert with images.float()"
        )
    if not isinstance(iterations, int) or iterations < 0:
        raise ImbalkitError(f"radial_blur: expected iterations to be a whole number >= 0, got {iterations!r}")
    for what, value, known in (("centre", centre, CENTRES), ("border", border, BORDERS), ("method", method, METHODS)):
        if value not in known:
            raise ImbalkitError(
                f"radial_blur: expected {what} to be one of {', '.join(known)}; got {value!r}{nearest(value, known)}"
            )
    dtype = torch.float64 if images.dtype == torch.float64 else torch.float32
    rho = torch.as_tensor(rho, device=images.device).to(dtype)
    if rho.ndim == 0:
        rho = rho.expand(len(images))
    n, channels = images.shape[:2]
    if rho.shape not in ((n,), (n, 4), (n, channels, 4)):
        raise ImbalkitError(
            f"radial_blur: expected rho [{n}] or [{n}, 4] (expand x, expand y, shrink x, shrink y) for {n} images, or "
            f"[{n}, {channels}, 4] for each of their channels; got {list(rho.shape)}"
        )
    return rho[:, None].expand(-1, 4) if rho.ndim == 1 else rho
