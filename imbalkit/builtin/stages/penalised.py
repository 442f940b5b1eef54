"""A linear head by logistic regression, with a penalty that is given or chosen on validation."""

from __future__ import annotations

from typing import Any

import numpy as np

from imbalkit.kinds import FeatureRows, Solution

PENALTIES = [1000.0, 100.0, 10.0]  # that are tried; of equal ones the strongest is taken
PENALTY_HELP = (
    "weight of |W|^2 / 2 beside the sum of the rows' losses, 1/C of scikit-learn; default: of 1000, 100, 10 the best on "
    "validation"
)


def penalised_head(
    rows: FeatureRows, classes: int, penalty: float | None, validation: FeatureRows, **options: Any
) -> Solution:
    """Weights and bias of `fit_softmax_regression`, whose `weights` and `offset` are options.

    Without a penalty the one of highest balanced accuracy on validation is taken.
    """
    from imbalkit.functional.softmax_regression import fit_softmax_regression
    from imbalkit.functional.tau_normalisation import best_of

    tried = PENALTIES if penalty is None else [penalty]
    found = fit_softmax_regression(rows.features, rows.labels, classes, tried, **options)
    heads = {value: {"weight": weight, "bias": bias} for value, (weight, bias) in zip(tried, found, strict=True)}
    if penalty is not None:
        return Solution(heads[penalty])
    features = validation.features.astype(np.float64)
    best, values = best_of(
        tried, lambda value: features @ heads[value]["weight"].T + heads[value]["bias"], validation.labels
    )
    return Solution(heads[best], {"penalty": best, "tried": dict(zip(map(str, tried), values, strict=True))})
