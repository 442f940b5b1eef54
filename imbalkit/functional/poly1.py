"""Poly-1: cross entropy with its first polynomial coefficient moved."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from imbalkit.functional.ce import check_batch, check_reduction, cross_entropy
from imbalkit.functional.checks import check_count, check_number


def poly1_loss(logits: Tensor, targets: Tensor, epsilon: float = 1.0, reduction: str = "mean") -> Tensor:
    """CE + epsilon (1 - p_y) of each row, or its mean over the rows. Leng et al. 2022, eq. 5.

    Cross entropy is the sum of (1 - p_y)^j / j over j = 1, 2, ...; epsilon is added to the first coefficient.

    Args:
        logits: float [n, C]
        targets: int64 [n], 0..C-1
        epsilon: at least -1, below which a row can gain from a smaller p_y; 0 gives cross entropy
        reduction: "mean" (scalar; 0 without rows) or "none" ([n])

    Returns:
        float32, or float64 for float64 logits
    """
    ce = cross_entropy(logits, targets, reduction="none")
    loss = ce - epsilon * torch.expm1(-ce)  # 1 - exp(-ce), exact where p_y is close to 1
    return loss if reduction == "none" else loss.sum() / max(len(targets), 1)


class Poly1(nn.Module):
    """Poly-1 in float32; arguments as in `poly1_loss`. Raises ImbalkitError for an epsilon that is no number."""

    def __init__(self, num_classes: int, epsilon: float = 1.0, reduction: str = "mean"):
        super().__init__()
        self.num_classes = check_count(num_classes, "num_classes")
        self.epsilon = check_number(epsilon, "epsilon", least=-1)
        self.reduction = check_reduction(reduction)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Logits [n, C] and targets [n] to a scalar, or [n] for reduction "none"."""
        check_batch(logits, targets, self.num_classes)
        return poly1_loss(logits, targets, self.epsilon, self.reduction)
