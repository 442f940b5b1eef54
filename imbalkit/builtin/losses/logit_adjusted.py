"""Logit-adjusted cross entropy: balanced softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import BuildContext, Loss, PriorShift, param

if TYPE_CHECKING:
    from torch import nn


class LogitAdjusted(Loss):
    """Cross entropy of z_c + tau ln(N_c / N): with tau = 1 balanced softmax. Menon et al. 2021, eq. 10; Ren et al. 2020.

    The network's own logits z are kept, which then are for equal class shares (tau = 1): each class weighs N_c^-tau times as much
    as in the rows, exactly. Counts are those of the plan in training: after samplers that balance it changes nothing. A class
    without rows counts as one row.
    """

    name = "logit_adjusted"
    tau: float = param(1.0, help="strength: 1 makes the class shares equal, 0 gives cross entropy", ge=0)

    def prior_shift(self, context: BuildContext) -> PriorShift:
        rows = [max(count, 1) for count in context.counts]
        factors = tuple((max(rows) / count) ** self.tau for count in rows)
        why = "adds a constant to each class's logit while it learns"
        return PriorShift(factors, True, why if self.tau else "tau 0 is cross entropy")

    def build(self, context: BuildContext) -> nn.Module:
        from imbalkit.functional.prior import log_priors
        from imbalkit.functional.vector_scaling import VectorScaling

        return VectorScaling([1.0] * len(context.classes), log_priors(context.counts, self.tau), reduction="none")
