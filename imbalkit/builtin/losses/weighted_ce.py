"""Cross entropy with a weight for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import (
    BuildContext,
    LabelSmoothing,
    Loss,
    PriorShift,
    SomeClassFactors,
    constant_weights,
    param,
    smoothing_of,
)

if TYPE_CHECKING:
    from torch import nn


class WeightedCE(Loss):
    """Cross entropy times the weight of a row's class; the mean is over rows (torch's: over the sum of weights)."""

    name = "weighted_ce"
    weights: SomeClassFactors = param(help="weight of each class by its name; 1 for a class not named")
    label_smoothing: LabelSmoothing = param(
        0.0,
        help="share of the target spread evenly over all classes; or of each class by its name, 0 for a class not named",
    )

    def check_classes(self, classes: tuple[str, ...]) -> list[tuple[str, str]]:
        return self.weights.all_zero(classes, "weights")

    def prior_shift(self, context: BuildContext) -> PriorShift:
        return constant_weights(
            self.weights.vector(context.classes), smoothing_of(self.label_smoothing, context.classes)
        )

    def build(self, context: BuildContext) -> nn.Module:
        from imbalkit.functional.ce import WeightedCrossEntropy

        return WeightedCrossEntropy(
            self.weights.vector(context.classes), smoothing_of(self.label_smoothing, context.classes), reduction="none"
        )
