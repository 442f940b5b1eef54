"""Post-hoc logit adjustment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np

from imbalkit.functional import metrics
from imbalkit.functional.adjusted_decision import adjustment_costs, best_tau
from imbalkit.kinds import CostRows, DataError, Threshold, param

_MERITS = {
    "balanced_accuracy": metrics.balanced_accuracy,
    "g_mean": metrics.g_mean,
    "macro_f1": metrics.macro_f1,
}


class LogitAdjustment(Threshold):
    """Predicts argmax_c (log p_c - tau log pi_c), for any number of classes (Menon et al. 2021, eq. 9).

    pi is the class prior that the probabilities p are for: that of the training rows as they are sampled and weighed, or, with
    `prior: data`, that of the data. `tau: 1` decides as `prior: balanced` does for the most probable class. It is the class of
    least expected cost where missing a row of class c costs pi_c^-tau; of two classes, the threshold
    pi_1^tau / (pi_0^tau + pi_1^tau). A class without training rows is not raised.
    """

    name = "logit_adjustment"
    fits_costs: ClassVar[bool] = True

    tau: float | None = param(
        None,
        help="how far to adjust: 0 not at all, 1 to equal class shares (default: the best of 0, 0.05, ... 3 on validation)",
        ge=0,
        le=10,
    )
    by: Literal["balanced_accuracy", "g_mean", "macro_f1"] = param(
        "balanced_accuracy", help="the metric of the validation rows that tau is chosen by"
    )

    @property
    def needs_rows(self) -> bool:
        return self.tau is None

    def fit_costs(self, rows: CostRows) -> tuple[np.ndarray, Mapping[str, float]]:
        """Of equally good tau that nearest to 1.

        Raises DataError for equal shares, and without validation rows of two classes where tau is to be chosen.
        """
        if np.allclose(rows.prior, rows.prior[0]):
            raise DataError("the probabilities are for equal class shares, which leaves nothing to adjust")
        if self.tau is not None:
            return adjustment_costs(rows.prior, self.tau), {}
        tau = best_tau(rows.labels, rows.probabilities, rows.prior, _MERITS[self.by], rows.weights)
        return adjustment_costs(rows.prior, tau), {"tau": tau}
