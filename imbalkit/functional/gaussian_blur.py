"""Gaussian blur with a sigma for each image, and the sigma that is as strong as a radial blur."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from imbalkit.errors import ImbalkitError
from imbalkit.functional.borders import fold

REACH = 4.0  # the kernel ends at this many sigmas, rounded up to whole pixels


def gaussian_blur(images: Tensor, sigma: Tensor | float) -> Tensor:
    """Gaussian blur of a batch; the border is reflected about the pixel centres of the rim.

    Args:
        images: float [B, C, H, W] (half precision is computed in float32)
        sigma: standard deviation in px, [B]; a number serves all images; 0 leaves an image as it is

    Returns:
        [B, C, H, W], dtype and device of `images`

    Raises:
        ImbalkitError: wrong shape or dtype
    """
    if not isinstance(images, Tensor) or images.ndim != 4:
        got = list(images.shape) if isinstance(images, Tensor) else type(images).__name__
        raise ImbalkitError(f"gaussian_blur: expected images [B, C, H, W], got {got}")
    if not images.is_floating_point():
        raise ImbalkitError(f"gaussian_blur: expected float images, got {images.dtype}; convert with images.float()")
    work = images if images.dtype == torch.float64 else images.float()
    # A sigma that the host knows stays there until its kernels are made, so that their width needs no wait for the device.
    sigma = (sigma if isinstance(sigma, Tensor) else torch.tensor(sigma)).to(work.dtype)
    if sigma.ndim == 0:
        sigma = sigma.expand(len(images))
    if sigma.shape != (len(images),):
        raise ImbalkitError(
            f"gaussian_blur: expected sigma [{len(images)}] for {len(images)} images, got {list(sigma.shape)}"
        )
    if images.numel() == 0:
        return images.clone()
    kernels = _kernels(sigma).to(work.device, non_blocking=True)  # [B, K]
    with torch.autocast(images.device.type, enabled=False):  # else convolutions fall back to half precision
        for axis in (2, 3):
            work = _convolve(work, kernels, axis)
    return work.to(images.dtype)


def matching_sigma(rho: Tensor, height: int, width: int, iterations: int = 5) -> Tensor:
    """Sigma of the Gaussian blur that is as strong as a radial blur, in px.

    After n steps a pixel at x is a mean over positions c + M (x - c), where M is the product of n factors 1 + rho or
    1 - rho, each as likely: E[M] = 1 and E[M^2] = (1 + rho^2)^n. The point spread at x so has the variance
    ((1 + rho^2)^n - 1) (x - c)^2 along each axis. Its mean over the image's pixels and both axes, with
    mean (x - c)^2 = (w^2 - 1) / 12, is the Gaussian's variance. The slight smoothing by interpolation, at most 1/4 px^2
    a step and axis, is left out.

    Args:
        rho: relative zoom of one step, any shape
        height, width: of the image, px
        iterations: steps of the radial blur

    Returns:
        sigma, shape and dtype of `rho`
    """
    spread = torch.expm1(iterations * torch.log1p(rho * rho))
    return torch.sqrt(spread * ((height**2 - 1) + (width**2 - 1)) / 24)


def _kernels(sigma: Tensor) -> Tensor:
    reach = torch.ceil(REACH * sigma)  # [B] px
    widest = max(0, math.ceil(float(reach.detach().max())))
    distance = torch.arange(-widest, widest + 1, device=sigma.device, dtype=sigma.dtype)
    weight = torch.exp(-0.5 * (distance / sigma.clamp(min=1e-3)[:, None]) ** 2)
    # Each kernel ends at its own reach, so that an image never depends on its neighbours in the batch.
    weight = weight * (distance.abs() <= reach[:, None])
    return weight / weight.sum(dim=1, keepdim=True)


def _convolve(images: Tensor, kernels: Tensor, axis: int) -> Tensor:
    batch, channels, height, width = images.shape
    reach, size = kernels.shape[1] // 2, images.shape[axis]
    index = fold(torch.arange(-reach, size + reach, device=images.device), size)
    padded = images.index_select(axis, index)
    kernels = kernels.repeat_interleave(channels, dim=0)  # [B C, K]
    kernels = kernels[:, None, :, None] if axis == 2 else kernels[:, None, None, :]
    stacked = padded.reshape(1, batch * channels, *padded.shape[2:])
    return conv2d(stacked, kernels, groups=batch * channels).view(batch, channels, height, width)
