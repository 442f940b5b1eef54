"""A new linear head on the features of rows and of points between them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from imbalkit.builtin.stages.penalised import PENALTY_HELP, PenalisedStage
from imbalkit.kinds import BuildContext, Counts, FeatureRows, PriorShift, Solution, listing, param


class Smote(PenalisedStage):
    """SMOTE on features (Chawla et al. 2002), then a new head by logistic regression.

    Every class is filled up to the rows of the largest with h + u (h' - h): h a row of the class, h' one of its k nearest of the
    same class, u uniform in 0..1; imbalanced-learn's. Then as `logistic_regression` with `correction: none`. Features, unlike
    pixels, may be mixed so. New points lie inside their class: the shares are equal but the classes narrower, which is not exact;
    probabilities are fitted on validation.
    """

    name = "smote"
    requires = {"imblearn": "imbalkit[imblearn]"}
    neighbours: int = param(5, help="k, the nearest rows of the same class that a new point may lie towards", ge=1)
    penalty: float | None = param(None, help=PENALTY_HELP, ge=1e-6)

    def check_counts(self, counts: Counts) -> str:
        filled = [(name, low) for name, low in zip(counts.classes, counts.low, strict=True) if low < max(counts.low)]
        few = [(name, low) for name, low in filled if low <= self.neighbours]
        if not few:
            return ""
        least = min(low for _, low in few)
        way = f"set neighbours to {least - 1}" if least > 1 else "leave such classes out, or take another stage"
        rows = listing([f"{name} {low}" for name, low in few])
        return f"needs more rows of a class than its {self.neighbours} neighbours, {rows}: {way}"

    def solve(
        self, train: FeatureRows, validation: FeatureRows, head: Mapping[str, np.ndarray], context: BuildContext
    ) -> Solution:
        from imblearn.over_sampling import SMOTE

        sampler = SMOTE(k_neighbors=self.neighbours, random_state=context.seed % 2**32)
        features, labels = sampler.fit_resample(train.features, train.labels)
        solution = self.penalised_head(FeatureRows(features, labels), len(context.classes), validation)
        return Solution(solution.state, {"rows": len(labels), **solution.facts})

    def prior_shift(self, context: BuildContext) -> PriorShift:
        factors = tuple(1 / max(count, 1) for count in context.counts)
        return PriorShift(factors, False, "equal shares, but new points lie between rows of their class")
