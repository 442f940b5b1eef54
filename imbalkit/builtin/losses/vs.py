"""Vector-scaling loss, and class-dependent temperatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.functional.prior import class_scales
from imbalkit.kinds import BuildContext, Loss, PriorShift, param

if TYPE_CHECKING:
    from torch import nn


class VS(Loss):
    """Cross entropy of (N_c / N_max)^gamma z_c + tau ln(N_c / N). Kini et al. 2021; with tau 0 CDT (Ye et al. 2020).

    Scaling a rare class's logits down makes its margin wide, also for a network that learns every row, which the shift alone does
    not. The network's own logits z are kept. The class prior: N_c^-tau, exactly, after a map that scales them. Counts are those
    of the plan in training; a class without rows counts as one row.
    """

    name = "vs"
    gamma: float = param(0.3, help="exponent of the scale of each class's logit; 0 leaves logit_adjusted", ge=0)
    tau: float = param(1.0, help="strength of the shift; 0 leaves CDT", ge=0)
    warm_up: float = param(0.0, help="share of the epochs, the first ones, that take plain cross entropy", ge=0, lt=1)

    def first_epoch(self, epochs: int) -> int:
        # A warm-up has one epoch or more, and leaves at least the last one.
        return min(max(1, round(self.warm_up * epochs)), epochs - 1) if self.warm_up else 0

    def prior_shift(self, context: BuildContext) -> PriorShift:
        rows = [max(count, 1) for count in context.counts]
        factors = tuple((max(rows) / count) ** self.tau for count in rows)
        scales = class_scales(context.counts, self.gamma)
        why = "scales each class's logit and adds a constant to it while it learns"
        return PriorShift(factors, True, why, map={"name": "scale", "scale": scales} if len(set(scales)) > 1 else None)

    def build(self, context: BuildContext) -> nn.Module:
        from imbalkit.functional.prior import log_priors
        from imbalkit.functional.vector_scaling import VectorScaling

        scale, shift = class_scales(context.counts, self.gamma), log_priors(context.counts, self.tau)
        return VectorScaling(scale, shift, self.first_epoch(context.epochs), reduction="none")
