"""Boxes of one image on another (CutMix), in NumPy: where they lie and what they cover."""

from __future__ import annotations

import math

import numpy as np


def boxes(share: np.ndarray, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Boxes of area 1 - share with a centre drawn anywhere, cut off at the image's edges. Yun et al. 2019 (CutMix), eq. 2.

    Args:
        share: of the image that is kept, float [n]
        height, width: px
        rng: draws 2 n numbers

    Returns:
        int64 [n, 4]: top, bottom, left, right; bottom and right are the first px outside
    """
    side = np.sqrt(1 - np.asarray(share, dtype=np.float64))
    edges = []
    for length in (height, width):
        centre, half = rng.integers(0, length, len(side)), (side * length).astype(np.int64) // 2
        edges += [np.clip(centre - half, 0, length), np.clip(centre + half, 0, length)]
    return np.stack(edges, axis=1)


def box_share(edges: np.ndarray, height: int, width: int) -> np.ndarray:
    """The share of each image outside its box, float64 [n]: that of its own label."""
    top, bottom, left, right = edges.T
    share: np.ndarray = 1 - (bottom - top) * (right - left) / (height * width)
    return share


def mean_box_area(alpha: float) -> float:
    """The share of an image that its box covers on average, 0..1, but for the rounding of sides down to even px.

    Of a side s a share of s - s^2 / 4 is left on average where the centre lies anywhere, so that of the area u = s^2 there is
    E[(s - s^2 / 4)^2] = E[u - u^1.5 / 2 + u^2 / 16], with u = 1 - lam ~ Beta(alpha, alpha). For alpha = 1: 0.32.
    """

    def moment(power: float) -> float:
        """E[u^power]."""
        up, down = (
            math.lgamma(alpha + power) - math.lgamma(alpha),
            math.lgamma(2 * alpha + power) - math.lgamma(2 * alpha),
        )
        return math.exp(up - down)

    return 0.5 - moment(1.5) / 2 + moment(2) / 16
