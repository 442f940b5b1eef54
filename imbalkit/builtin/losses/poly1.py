"""Poly-1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import BuildContext, Loss, PriorShift, constant_weights, param

if TYPE_CHECKING:
    from torch import nn


class Poly1(Loss):
    """Cross entropy + epsilon (1 - p), p the probability of the row's class. Leng et al. 2022, eq. 5.

    The class prior stays; probabilities p are least at t ~ p / (1 + epsilon p), which a map undoes.
    """

    name = "poly1"
    epsilon: float = param(
        1.0, help="weight of the added term: above 0 rows far from their class count more; 0 gives cross entropy", ge=-1
    )

    def prior_shift(self, context: BuildContext) -> PriorShift:
        factors = (1.0,) * len(context.classes)
        if self.epsilon == 0:
            return constant_weights(factors)
        why = "adds a term in p, which moves probabilities by a formula that is known"
        return PriorShift(factors, True, why, map={"name": "poly1", "epsilon": self.epsilon})

    def build(self, context: BuildContext) -> nn.Module:
        from imbalkit.functional import poly1

        return poly1.Poly1(len(context.classes), self.epsilon, reduction="none")
