"""Averaged views (test-time augmentation): a network's mean answer to one picture, mirrored and turned.

The probabilities of a picture are the mean of softmax(logits) over its views (Krizhevsky, Sutskever and Hinton 2012, section 4.1,
of reflections and crops; the eight views here are those of Ha, Liu and Liu 2020, arXiv:2010.05351, who won the melanoma challenge
of that year with them). The class prior stays: it is a mean of probabilities at one prior.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class View(NamedTuple):
    """One view of a picture: its rows and columns swapped first, then the order of its rows and of its columns turned."""

    transposed: bool = False
    rows: bool = False
    columns: bool = False


# By name, the picture itself first. Each set is a group: a view of a view is in it, so that the mean over a set is the same for
# all pictures that are views of each other.
VIEWS: dict[str, tuple[View, ...]] = {
    "none": (View(),),
    "flips": tuple(View(False, *turned) for turned in itertools.product((False, True), repeat=2)),
    "dihedral": tuple(View(*turned) for turned in itertools.product((False, True), repeat=3)),
}


def viewed(images: Tensor, view: View, axes: tuple[int, int] = (2, 3)) -> Tensor:
    """A view of images [n, ...], whose rows (height) and columns (width) are the `axes`; square ones if it transposes."""
    if view.transposed:
        images = images.transpose(*axes)
    turned = [axis for axis, turns in zip(axes, view[1:], strict=True) if turns]
    return images.flip(turned) if turned else images


def log_mean_probabilities(logits: Tensor) -> Tensor:
    """Logits [n, K] whose softmax is the mean of softmax(logits) over the views, logits [V, n, K].

    ln(1/V sum_v softmax(z_v)) + 1/V sum_v ln sum_k exp(z_vk): the second term, one number a row, changes no probability, but
    gives views that are alike back as they are, which a map of the loss (imbalkit.functional.maps.ScaleMap) may see. In float32
    at least, and without a probability that rounds to 0.
    """
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    mean = logits.log_softmax(-1).logsumexp(0) - math.log(len(logits))
    return mean + logits.logsumexp(-1, keepdim=True).mean(0)


class AveragedViews(nn.Module):
    """A network's averaged views: images [n, C, H, W] to logits [n, K], as the network itself.

    The views go through the network one after another, so that no batch is larger than without them. What else the network is
    called with is given to it with each view.
    """

    def __init__(self, network: nn.Module, views: str):
        super().__init__()
        self.network, self.views = network, VIEWS[views]

    def forward(self, images: Tensor, *others: Any) -> Tensor:
        return log_mean_probabilities(torch.stack([self.network(viewed(images, view), *others) for view in self.views]))


def averaged(network: nn.Module, views: str) -> nn.Module:
    """A network that averages the views of that name; the network itself for "none"."""
    return network if views == "none" else AveragedViews(network, views)
