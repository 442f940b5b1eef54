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
    CIFAR-10-LT) and with it the steps: here a row's weight is 1 on average. Published code divides the cross entropy by the sum
    of the batch's weights (torch's weighted mean): `scale: batch`. The focal loss is of softmax, its p that of the network, not
    of weighted cross entropy; Cui et al. take sigmoids of each class against the rest. Class prior: a class weighs w_c times as
    much, exactly (with focal after its map); by less with `scale: batch`, where a heavy row makes its batch's sum larger. A class
    without rows counts as one row.
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
    scale: Literal["rows", "classes", "batch"] = param(
        "rows",
        help="what has a mean weight of 1: the training rows; the classes, as published; or the rows of each batch, as torch's "
        "weighted cross entropy, which published code uses",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> ClassBalanced:
        if self.beta is not None and self.power is not None:
            raise PydanticCustomError("beta_or_power", "expected either beta or power, got both")
        return self

    @property
    def by_row(self) -> bool:  # type: ignore[override]
        """Whether a row's weight is the same in every batch."""
        return self.scale != "batch"

    def prior_shift(self, context: BuildContext) -> PriorShift:
        shift = constant_weights(self._weights(context))
        if not self.by_row and len(set(shift.factors or ())) > 1:
            why = "divides by the batch's sum of weights, which takes back a part of a heavy class's weight that its size decides"
            return PriorShift(shift.factors, False, why)
        if not self.gamma:
            return shift
        why = f"{shift.why}; focal loss draws probabilities to the middle, by a formula that is known"
        return PriorShift(shift.factors, True, why, map={"name": "focal", "gamma": self.gamma})

    def build(self, context: BuildContext) -> nn.Module:
        from imbalkit.functional import ce, focal

        weights = self._weights(context)
        loss: nn.Module = ce.WeightedCrossEntropy(weights, reduction="none")
        if self.gamma:
            loss = focal.Focal(len(weights), self.gamma, weights, reduction="none")
        return loss if self.by_row else ce.WeightedMean(loss, weights)

    def _weights(self, context: BuildContext) -> list[float]:
        beta = BETA if self.beta is None else self.beta
        return balancing_weights(context.counts, beta, self.power, "rows" if self.scale == "batch" else self.scale)
