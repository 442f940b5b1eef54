"""Focal loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import BuildContext, ClassFactors, Loss, PriorShift, constant_weights, param

if TYPE_CHECKING:
    from torch import nn


class Focal(Loss):
    """Cross entropy times (1 - p)^gamma, p the probability of the row's class. Lin et al. 2017, eq. 5; Gilal et al. 2023, eq. 5.

    `alpha` is a factor outside: p is that of the network, not of weighted cross entropy. The class prior: each class weighs alpha
    times as much; probabilities are drawn to the middle, which a map undoes (Charoenphakdee et al. 2021).
    """

    name = "focal"
    renamed = {"delta": "gamma"}  # the letter of Gilal et al.
    gamma: float = param(2.0, help="focusing exponent; 0 gives cross entropy", ge=0)
    alpha: ClassFactors | None = param(None, help="factor of each class by its name; 1 for a class not named")

    def check_classes(self, classes: tuple[str, ...]) -> list[tuple[str, str]]:
        return self.alpha.all_zero(classes, "alpha") if self.alpha is not None else []

    def prior_shift(self, context: BuildContext) -> PriorShift:
        alpha = (self.alpha or ClassFactors()).vector(context.classes)
        if self.gamma == 0:
            return constant_weights(alpha)
        why = (
            "weighs a row by how well it is found, which draws probabilities to the middle, by a formula that is known"
        )
        return PriorShift(tuple(alpha), True, why, map={"name": "focal", "gamma": self.gamma})

    def build(self, context: BuildContext) -> nn.Module:
        from imbalkit.functional import focal

        alpha = self.alpha.vector(context.classes) if self.alpha else None
        return focal.Focal(len(context.classes), self.gamma, alpha, reduction="none")
