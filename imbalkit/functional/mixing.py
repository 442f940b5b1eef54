"""Images of two rows made one."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from imbalkit.functional.boxes import box_share, boxes


def drawn_shares(rng: np.random.Generator, alpha: float, rows: int, device: torch.device) -> Tensor:
    """A share of each row from Beta(alpha, alpha), float32 [rows], on the images' device."""
    shares = torch.from_numpy(rng.beta(alpha, alpha, rows).astype("float32"))
    return shares.to(device, non_blocking=True)


def blend(images: Tensor, partners: Tensor, share: Tensor) -> Tensor:
    """share x + (1 - share) x_partner of each row. Zhang et al. 2018 (mixup), eq. 1.

    Args:
        images, partners: float [n, ...]
        share: [n]
    """
    share = share.to(images.dtype).view(-1, *[1] * (images.ndim - 1))
    return torch.lerp(partners, images, share)


def pasted(images: Tensor, partners: Tensor, edges: Tensor) -> Tensor:
    """Each image with its partner's pixels inside its box.

    Args:
        images, partners: float [n, C, H, W]
        edges: int64 [n, 4] as `boxes` gives them, on the images' device
    """
    top, bottom, left, right = (edges[:, index, None] for index in range(4))
    rows = torch.arange(images.shape[-2], device=images.device)
    columns = torch.arange(images.shape[-1], device=images.device)
    inside = ((rows >= top) & (rows < bottom))[:, :, None] & ((columns >= left) & (columns < right))[:, None, :]
    return torch.where(inside[:, None], partners, images)


def with_boxes(images: Tensor, partners: Tensor, share: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Each image with a random box of its partner, and the share of it that is left, float32 [n]. Yun et al. 2019.

    Args:
        images, partners: float [n, C, H, W]
        share: of each image that is kept before its box is cut off at the edges, float [n]
        rng: draws the boxes
    """
    height, width = images.shape[-2:]
    edges = boxes(share, height, width, rng)
    kept = torch.from_numpy(box_share(edges, height, width).astype("float32")).to(images.device, non_blocking=True)
    return pasted(images, partners, torch.from_numpy(edges).to(images.device, non_blocking=True)), kept


def remix_share(share: Tensor, counts: Tensor, partner_counts: Tensor, ratio: float, threshold: float) -> Tensor:
    """The share of a row's own label: 0 where its class is `ratio` times its partner's or more and `share` below the threshold,
    1 where it is the other way round, else `share`. Chou et al. 2020 (Remix), eq. 6; by row, not of the batch's mean.

    Args:
        share: of a row's own pixels, float [n]
        counts, partner_counts: training rows of each row's class and of its partner's, float [n]
    """
    larger = (counts >= ratio * partner_counts) & (share < threshold)
    smaller = (counts * ratio <= partner_counts) & (1 - share < threshold)
    return torch.where(larger, torch.zeros_like(share), torch.where(smaller, torch.ones_like(share), share))
