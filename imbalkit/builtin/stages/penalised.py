"""A linear head by logistic regression, with a penalty that is given or chosen on validation."""

from __future__ import annotations

from typing import Any

import numpy as np

from imbalkit.kinds import FeatureRows, Solution

PENALTIES = [1000.0, 100.0, 10.0, 1.0]  # that are tried; of equal ones the strongest is taken
PENALTY_HELP = (
    "weight of |W|^2 / 2 beside the sum of the rows' losses, 1/C of scikit-learn; default: of 1000, 100, 10, 1 the best on "
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

    def head(penalty: float) -> dict[str, np.ndarray]:
        weight, bias = fit_softmax_regression(rows.features, rows.labels, classes, penalty=penalty, **options)
        return {"weight": weight, "bias": bias}

    if penalty is not None:
        return Solution(head(penalty))
    heads = {tried: head(tried) for tried in PENALTIES}
    features = validation.features.astype(np.float64)
    best, found = best_of(
        PENALTIES, lambda tried: features @ heads[tried]["weight"].T + heads[tried]["bias"], validation.labels
    )
    return Solution(heads[best], {"penalty": best, "tried": dict(zip(map(str, PENALTIES), found, strict=True))})
