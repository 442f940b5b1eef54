"""Label-distribution-aware margins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.functional.prior import balancing_weights
from imbalkit.kinds import BuildContext, Loss, PriorShift, param

if TYPE_CHECKING:
    from torch import nn


class LDAM(Loss):
    """Cross entropy of s (cos - m_y at the row's own class), m_c = margin (N_c / N_rarest)^(-1/4). Cao et al. 2019, eq. 13.

    Made for a normalised head, whose scale s is taken from it (`head: cosine`): margins are in cosines, and with a linear head,
    whose logits have no bounds, published code gives NaN. LDAM-DRW is `deferred: {start: 0.8, loss: {name: ldam, beta: 0.9999}}`.
    Class prior: moved by an amount that depends on each row's probabilities, which neither factors nor a map undo: fit it.
    """

    name = "ldam"
    needs_normalised_head = True
    margin: float = param(0.5, help="of the rarest class, in cosines", gt=0, le=2)
    beta: float | None = param(
        None, help="weigh classes by one over their effective number, as class_balanced does (default: not)", ge=0, lt=1
    )

    def prior_shift(self, context: BuildContext) -> PriorShift:
        return PriorShift(
            None, False, "asks for a margin that is wider for rarer classes, by more where it is not reached"
        )

    def build(self, context: BuildContext) -> nn.Module:
        from imbalkit.functional import ldam

        weights = None if self.beta is None else balancing_weights(context.counts, self.beta)
        margins = ldam.class_margins(context.counts, self.margin)
        return ldam.LDAM(margins, context.logit_scale, weights, reduction="none")
