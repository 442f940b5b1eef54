"""Cross entropy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import BuildContext, LabelSmoothing, Loss, PriorShift, constant_weights, param, smoothing_of

if TYPE_CHECKING:
    from torch import nn


class CE(Loss):
    """Cross entropy. Gilal et al. 2023, eq. 2 and 3.

    The class prior stays; label smoothing draws probabilities to the middle, which a map undoes.
    """

    name = "ce"
    label_smoothing: LabelSmoothing = param(
        0.0,
        help="share of the target spread evenly over all classes; or of each class by its name, 0 for a class not named",
    )

    def prior_shift(self, context: BuildContext) -> PriorShift:
        return constant_weights([1.0] * len(context.classes), smoothing_of(self.label_smoothing, context.classes))

    def build(self, context: BuildContext) -> nn.Module:
        from imbalkit.functional.ce import CrossEntropy

        return CrossEntropy(smoothing_of(self.label_smoothing, context.classes), reduction="none")
