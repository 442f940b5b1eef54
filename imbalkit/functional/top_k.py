"""The mean of the largest losses of a batch."""

from __future__ import annotations

import math

from torch import Tensor, nn

from imbalkit.functional.ce import check_batch, cross_entropy
from imbalkit.functional.checks import check_count, check_number


def top_k_loss(losses: Tensor, share: float) -> Tensor:
    """Mean of the k largest of n losses [n], k = ceil(share n): a scalar; 0 without rows. Fan et al. 2017.

    The conditional value at risk of the losses; hard example mining (Shrivastava et al. 2016) within the batch.
    """
    if not len(losses):
        return losses.sum()
    return losses.topk(max(1, math.ceil(share * len(losses) - 1e-9))).values.mean()


class TopK(nn.Module):
    """The mean of the largest cross entropies of a batch.

    Args:
        num_classes: C
        share: of the batch's rows, above 0 and at most 1, which gives cross entropy
    """

    def __init__(self, num_classes: int, share: float = 0.7):
        super().__init__()
        self.num_classes = check_count(num_classes, "num_classes")
        self.share = check_number(share, "share", most=1)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Logits [n, C] and targets [n] to a scalar."""
        check_batch(logits, targets, self.num_classes)
        return top_k_loss(cross_entropy(logits, targets, reduction="none"), self.share)
