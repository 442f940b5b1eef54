"""Label-aware smoothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from imbalkit.functional.prior import smoothing_by_rows
from imbalkit.kinds import BuildContext, Loss, PriorShift, constant_weights, param

if TYPE_CHECKING:
    from torch import nn


class LabelAwareSmoothing(Loss):
    """Cross entropy with more label smoothing for classes of more rows. Zhong et al. 2021 (MiSLAS), section 3.2.

    With x = (N_c - N_min) / (N_max - N_min), e_c = tail + (head - tail) times sin(x pi / 2) (concave), x (linear) or
    1 - cos(x pi / 2) (convex). Made for large classes, of which a network is too sure; head < tail does the opposite
    (Shwartz-Ziv et al. 2023 smooth rare classes more). Where all classes have as many rows, each has `head`. Class prior: stays;
    probabilities are drawn to the middle, which a map undoes.
    """

    name = "label_aware_smoothing"
    head: float = param(0.4, help="smoothing of the largest class", ge=0, lt=1)
    tail: float = param(0.1, help="smoothing of the rarest class", ge=0, lt=1)
    shape: Literal["concave", "linear", "convex"] = param("concave", help="how smoothing grows with a class's rows")

    def prior_shift(self, context: BuildContext) -> PriorShift:
        return constant_weights([1.0] * len(context.classes), self._smoothing(context))

    def build(self, context: BuildContext) -> nn.Module:
        from imbalkit.functional.ce import CrossEntropy

        return CrossEntropy(self._smoothing(context), reduction="none")

    def _smoothing(self, context: BuildContext) -> list[float]:
        return smoothing_by_rows(context.counts, self.head, self.tail, self.shape)
