"""What stages that find a linear head by logistic regression have in common: its penalty, given or chosen on validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from imbalkit.builtin.heads import Linear
from imbalkit.kinds import FeatureRows, Head, Solution, SolvedStage

PENALTIES = [1000.0, 100.0, 10.0]  # that are tried; of equal ones the strongest is taken
PENALTY_HELP = (
    "weight of |W|^2 / 2 beside the sum of the rows' losses, 1/C of scikit-learn; default: of 1000, 100, 10 the best on "
    "validation"
)


class PenalisedStage(SolvedStage):
    """Makes a new linear head by logistic regression; without a penalty the one of highest balanced accuracy on validation."""

    if TYPE_CHECKING:  # each declares it, after its own parameters
        penalty: float | None

    @property
    def needs_validation(self) -> str:
        return "penalty" if self.penalty is None else ""

    @property
    def makes_new_head(self) -> bool:
        return True

    def head_after(self, head: Head) -> Head:
        return Linear(dropout=head.dropout)

    def penalised_head(self, rows: FeatureRows, classes: int, validation: FeatureRows, **options: Any) -> Solution:
        """Weights and bias of `fit_softmax_regression`, whose `weights` and `offset` are options."""
        from imbalkit.functional.softmax_regression import fit_softmax_regression
        from imbalkit.functional.tau_normalisation import best_of

        tried = PENALTIES if self.penalty is None else [self.penalty]
        found = fit_softmax_regression(rows.features, rows.labels, classes, tried, **options)
        heads = {value: {"weight": weight, "bias": bias} for value, (weight, bias) in zip(tried, found, strict=True)}
        if self.penalty is not None:
            return Solution(heads[self.penalty])
        features = validation.features.astype(np.float64)
        best, values = best_of(
            tried, lambda value: features @ heads[value]["weight"].T + heads[value]["bias"], validation.labels
        )
        return Solution(heads[best], {"penalty": best, "tried": dict(zip(map(str, tried), values, strict=True))})
