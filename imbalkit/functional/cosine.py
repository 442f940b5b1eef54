"""Logits as scaled cosines."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def cosine_logits(features: Tensor, weight: Tensor, scale: float) -> Tensor:
    """scale cos(h, w_c). Cao et al. 2019, section 3.3; features of length 0 give logits of 0.

    Args:
        features: float [n, F]
        weight: float [C, F]
        scale: number

    Returns:
        [n, C]; in float32 for features of half precision, in which squares overflow
    """
    features = features if features.dtype == torch.float64 else features.float()
    directions = F.normalize(weight.to(features.dtype), dim=1)
    return scale * F.linear(F.normalize(features, dim=1), directions)


class CosineClassifier(nn.Module):
    """`cosine_logits` with learnt weights, [classes, features], drawn uniformly on the sphere as in the code of LDAM."""

    def __init__(self, features: int, classes: int, scale: float = 30.0):
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(F.normalize(torch.empty(classes, features).uniform_(-1, 1), dim=1))

    def forward(self, features: Tensor) -> Tensor:
        """Features [n, F] to logits [n, C]."""
        return cosine_logits(features, self.weight, self.scale)

    def extra_repr(self) -> str:
        classes, features = self.weight.shape
        return f"in_features={features}, out_features={classes}, scale={self.scale}"
