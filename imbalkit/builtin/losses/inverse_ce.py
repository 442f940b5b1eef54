"""Cross entropy weighted by inverse class frequency."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.functional.prior import inverse_frequency
from imbalkit.kinds import BuildContext, LabelSmoothing, Loss, PriorShift, constant_weights, param, smoothing_of

if TYPE_CHECKING:
    from torch import nn


class InverseCE(Loss):
    """Cross entropy times N / (C N_c), with the counts of the plan in training. Gilal et al. 2023, eq. 4."""

    name = "inverse_ce"
    label_smoothing: LabelSmoothing = param(
        0.0,
        help="share of the target spread evenly over all classes; or of each class by its name, 0 for a class not named",
    )

    def prior_shift(self, context: BuildContext) -> PriorShift:
        return constant_weights(inverse_frequency(context.counts), smoothing_of(self.label_smoothing, context.classes))

    def build(self, context: BuildContext) -> nn.Module:
        from imbalkit.functional.ce import WeightedCrossEntropy

        return WeightedCrossEntropy(
            inverse_frequency(context.counts), smoothing_of(self.label_smoothing, context.classes), reduction="none"
        )
