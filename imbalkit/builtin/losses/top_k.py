"""The mean of the largest losses of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import BuildContext, Loss, PriorShift, constant_weights, param

if TYPE_CHECKING:
    from torch import nn


class TopK(Loss):
    """The mean of the k largest cross entropies of a batch of n rows, k = ceil(share n). Fan et al. 2017.

    Also known as hard example mining and as the conditional value at risk. It collects rows with wrong labels, too.
    """

    name = "top_k"
    by_row = False  # which rows count depends on the others
    share: float = param(0.7, help="share of the batch's rows that count; 1 gives cross entropy", gt=0, le=1)

    def prior_shift(self, context: BuildContext) -> PriorShift:
        if self.share == 1:
            return constant_weights((1.0,) * len(context.classes))
        return PriorShift(None, False, "learns from the rows that it finds hardest, of whatever class")

    def build(self, context: BuildContext) -> nn.Module:
        from imbalkit.functional import top_k

        return top_k.TopK(len(context.classes), self.share)
