"""Recall cross entropy with costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from imbalkit.builtin.losses.rce import RCE
from imbalkit.kinds import BuildContext, ClassFactors, ImbalkitError, param

if TYPE_CHECKING:
    from torch import nn


class GammaRCE(RCE):
    """rce times the cost of missing a row's class. Gilal et al. 2023, eq. 7 (the cost of melanoma: gamma)."""

    name = "gamma_rce"
    gamma: float | None = param(None, help="cost of missing the positive class; instead of costs", ge=0)
    costs: ClassFactors | None = param(None, help="cost of missing each class by its name; 1 for a class not named")

    @model_validator(mode="after")
    def _one_of_both(self) -> GammaRCE:
        if (self.gamma is None) == (not self.costs):
            got = "neither" if self.gamma is None else "both"
            raise PydanticCustomError("gamma_or_costs", "expected either gamma or costs, got {got}", {"got": got})
        return self

    def check_classes(self, classes: tuple[str, ...]) -> list[tuple[str, str]]:
        if self.gamma is None or len(classes) == 2:
            return self.costs.all_zero(classes, "costs") if self.costs is not None else []
        return [
            (
                "gamma",
                f"is the cost of the positive class of two; the data have {len(classes)}: give costs by class name",
            )
        ]

    def build(self, context: BuildContext) -> nn.Module:
        if self.gamma is None:
            return self._build(context, (self.costs or ClassFactors()).vector(context.classes))
        if context.positive is None:
            raise ImbalkitError(
                "gamma_rce: gamma is the cost of missing the positive class, and the data name none: "
                "name the positive class, or give costs by class name"
            )
        costs = ClassFactors({context.classes[context.positive]: self.gamma})
        return self._build(context, costs.vector(context.classes))
