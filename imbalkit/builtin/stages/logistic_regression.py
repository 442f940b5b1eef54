"""A new linear head by multinomial logistic regression on features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from imbalkit.builtin.stages.penalised import PENALTY_HELP, PenalisedStage
from imbalkit.kinds import BuildContext, FeatureRows, PriorShift, Solution, param


class LogisticRegression(PenalisedStage):
    """A new head by logistic regression on the features of all rows, solved at once: the cheap form of cRT.

    It minimises sum_i v_i CE(W s(h_i) + b + o, y_i) + penalty/2 |W|^2, with s(h) of mean 0 and standard deviation 1 (folded into
    the head afterwards). `logit_adjusted`: o_c = log(N_c/N), balanced softmax (Menon et al. 2021, eq. 10; Ren et al. 2020);
    `balanced`: v_i = N/(C N_y), as scikit-learn's; `none`: neither. Both corrections lead to equal class shares, factor 1/N_c,
    exactly so given the features; `none` leaves the shares of the rows. Without `penalty` the one of highest balanced accuracy
    on validation is taken.
    """

    name = "logistic_regression"
    correction: Literal["logit_adjusted", "balanced", "none"] = param(
        "logit_adjusted", help="how the imbalance of the rows is corrected"
    )
    penalty: float | None = param(None, help=PENALTY_HELP, ge=1e-6)

    def solve(
        self, train: FeatureRows, validation: FeatureRows, head: Mapping[str, np.ndarray], context: BuildContext
    ) -> Solution:
        classes = len(context.classes)
        counts = np.bincount(train.labels, minlength=classes)
        weights = offset = None
        if self.correction == "balanced":
            weights = len(train.labels) / (classes * counts[train.labels])
        elif self.correction == "logit_adjusted":
            offset = np.log(np.maximum(counts, 1) / len(train.labels))  # a class without rows counts as one of one row
        return self.penalised_head(train, classes, validation, weights=weights, offset=offset)

    def prior_shift(self, context: BuildContext) -> PriorShift:
        if self.correction == "none":
            return PriorShift((1.0,) * len(context.classes), True, "every row counts as much")
        why = "it leads to equal shares of the classes"
        return PriorShift(tuple(1 / max(count, 1) for count in context.counts), True, why)
