"""Cross entropy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import BuildContext, Loss, PriorShift, constant_weights, param

if TYPE_CHECKING:
    from torch import nn


class CE(Loss):
    """Cross entropy. Gilal et al. 2023, eq. 2 and 3."""

    name = "ce"
    label_smoothing: float = param(0.0, help="share of the target spread evenly over all classes", ge=0, le=1)

    def prior_shift(self, context: BuildContext) -> PriorShift:
        return constant_weights([1.0] * len(context.classes), self.label_smoothing)

    def build(self, context: BuildContext) -> nn.Module:
        from imbalkit.functional.ce import CrossEntropy

        return CrossEntropy(self.label_smoothing, reduction="none")
