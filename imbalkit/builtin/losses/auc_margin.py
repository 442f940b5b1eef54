"""AUC margin loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.builtin.losses.ranking import RankingLoss
from imbalkit.kinds import BuildContext, param

if TYPE_CHECKING:
    from torch import nn


class AUCMargin(RankingLoss):
    """Var(class) + Var(rest) + max(0, margin + mean(rest) - mean(class))^2 of the probabilities. Yuan et al. 2021 (ICCV).

    LibAUC's AUCMLoss in closed form. Of the positive class; without one, the mean over the classes against the rest.
    """

    name = "auc_margin"
    margin: float = param(1.0, help="by how much the class's mean probability is to be above the rest's", gt=0)

    def build(self, context: BuildContext) -> nn.Module:
        from imbalkit.functional import auc_losses

        return auc_losses.AUCMargin(len(context.classes), context.positive, self.margin)
