"""Recall cross entropy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from imbalkit.kinds import BuildContext, Loss, PriorShift, param

if TYPE_CHECKING:
    from torch import nn


class RCE(Loss):
    """Cross entropy times the rate at which rows of the row's class are missed. Gilal et al. 2023, eq. 6."""

    name = "rce"
    by_row = False  # a row weighs what its batch misses of its class
    estimator: Literal["batch", "ema", "epoch"] = param(
        "batch", help="what the rate is taken from: the batch, a moving sum over batches, or the epoch before"
    )
    floor: float = param(1.0, help="smallest number of missed rows that a rate is computed from", unit="rows", ge=0)
    decay: float = param(0.9, help="of the ema estimator: share of its sums that stays at each step", ge=0, lt=1)
    label_smoothing: float = param(0.0, help="share of the target spread evenly over all classes", ge=0, le=1)

    def prior_shift(self, context: BuildContext) -> PriorShift:
        return PriorShift(
            None, False, "weighs a class by the share of it that is missed, which changes as it learns", True
        )

    def build(self, context: BuildContext) -> nn.Module:
        return self._build(context)

    def _build(self, context: BuildContext, costs: list[float] | None = None) -> nn.Module:
        from imbalkit.functional.rce import RecallCrossEntropy

        return RecallCrossEntropy(
            len(context.classes), self.estimator, self.floor, self.decay, costs, self.label_smoothing, reduction="none"
        )
