"""A smooth bound on what is missing of a part of the area under the ROC curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from imbalkit.builtin.losses.pairwise_auc import PairwiseAUC
from imbalkit.kinds import BuildContext, param

if TYPE_CHECKING:
    from torch import nn


class PartialAUC(PairwiseAUC):
    """pairwise_auc over the hardest pairs of a batch, which are those that a part of the ROC curve is made of.

    `low_fpr`: each row of the class against the share of the rest with the highest scores (Zhu et al. 2022, CVaR form);
    `high_tpr`: the share of the class with the lowest scores against all of the rest (the partial AUC of ISIC 2024).
    """

    name = "partial_auc"
    side: Literal["low_fpr", "high_tpr"] = param(
        help="which part of the curve: up to a false positive rate of `share`, or above a true positive rate of 1 - `share`"
    )
    share: float = param(
        0.2, help="width of that part; share of the rest or of the class, rounded up to rows", gt=0, le=1
    )

    def build(self, context: BuildContext) -> nn.Module:
        from imbalkit.functional import auc_losses

        return auc_losses.PairwiseAUC(
            len(context.classes), context.positive, self.surrogate, self.margin, self.side, self.share
        )
