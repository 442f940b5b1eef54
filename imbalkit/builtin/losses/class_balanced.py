"""Class-balanced weights, for cross entropy and focal loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from imbalkit.functional.prior import balancing_weights
from imbalkit.kinds import BuildContext, Loss, PriorShift, constant_weights, param

if TYPE_CHECKING:
    from torch import nn

BETA = 0.9999  # of Cao et al. 2019; Cui et al. 2019 choose among 0.9, 0.99, 0.999 and 0.9999


class ClassBalanced(Loss):
    """Cross entropy or focal loss times w_c = (1 - beta) / (1 - beta^N_c), one over the effective number. Cui et al. 2019, eq. 4.

    Or times N_c^-power. Beyond 1 / (1 - beta) rows more of a class count nothing: with 0.9999 classes of less than some 3,000
    rows weigh by inverse frequency. Published weights sum to the number of classes, which shrinks the mean loss (to 0.17 on
    CIFAR-10-LT) and with it the steps: here a row's weight is 1 on average. The focal loss is of softmax, its p that of the
    network, not of weighted cross entropy; Cui et al. take sigmoids of each class against the rest. Class prior: each class
    weighs w_c times as much, exactly (with focal after its map). A class without rows counts as one row.
    """

    name = "class_balanced"
    beta: float | None = param(
        None,
        help=f"1 - 1 / (rows beyond which more of a class add nothing); {BETA} unless `power` is given",
        ge=0,
        lt=1,
    )
    power: float | None = param(
        None, help="weigh by N_c^-power instead: 1 by inverse frequency, 0.5 by its square root", ge=0
    )
    gamma: float = param(0.0, help="focusing exponent of focal loss; 0 is cross entropy", ge=0)
    scale: Literal["rows", "classes"] = param(
        "rows", help="rows: the mean weight of a row is 1; classes: the mean weight of a class is 1, as published"
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> ClassBalanced:
        if self.beta is not None and self.power is not None:
            raise PydanticCustomError("beta_or_power", "expected either beta or power, got both")
        return self

    def prior_shift(self, context: BuildContext) -> PriorShift:
        shift = constant_weights(self._weights(context))
        if not self.gamma:
            return shift
        why = f"{shift.why}; focal loss draws probabilities to the middle, by a formula that is known"
        return PriorShift(shift.factors, True, why, map={"name": "focal", "gamma": self.gamma})

    def build(self, context: BuildContext) -> nn.Module:
        from imbalkit.functional import ce, focal

        weights = self._weights(context)
        if not self.gamma:
            return ce.WeightedCrossEntropy(weights, reduction="none")
        return focal.Focal(len(weights), self.gamma, weights, reduction="none")

    def _weights(self, context: BuildContext) -> list[float]:
        beta = BETA if self.beta is None else self.beta
        return balancing_weights(context.counts, beta, self.power, self.scale)
