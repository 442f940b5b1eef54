"""A smooth bound on one minus the area under the ROC curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from imbalkit.builtin.losses.ranking import RankingLoss
from imbalkit.kinds import BuildContext, param

if TYPE_CHECKING:
    from torch import nn


class PairwiseAUC(RankingLoss):
    """Mean over pairs of a row of the class and one of the rest of max(0, margin - (s_i - s_j))^2, s the class's log odds.

    Or of log(1 + exp(s_j - s_i)) (logistic; Burges et al. 2005). Both are consistent with the area under the ROC curve (Gao and
    Zhou 2015). Of the positive class; without one, the mean over the classes against the rest.
    """

    name = "pairwise_auc"
    surrogate: Literal["squared_hinge", "logistic"] = param("squared_hinge", help="the loss of a pair")
    margin: float = param(1.0, help="of squared_hinge: log odds by which a row is to be above the rest", gt=0)

    def build(self, context: BuildContext) -> nn.Module:
        from imbalkit.functional import auc_losses

        return auc_losses.PairwiseAUC(len(context.classes), context.positive, self.surrogate, self.margin)
