"""The present head with weights of more equal length."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from imbalkit.kinds import BuildContext, FeatureRows, PriorShift, Solution, SolvedStage, param

GRID = [round(0.1 * step, 1) for step in range(21)]


class TauNormalisation(SolvedStage):
    """Divides each class's weights by |w_c|^tau and drops the bias (Kang et al. 2020, section 4.3).

    Weights of frequent classes grow longer; tau 1 makes all as long as each other, tau 0 leaves them. Without `tau` the one of
    highest balanced accuracy on validation is taken, of equal ones the lowest. It is a decision rule rather than a model of
    probabilities: what it does to the class prior is not known, so they are fitted on validation.
    """

    name = "tau_normalisation"
    needs_linear_head = True
    tau: float | None = param(None, help="power of the length; default: of 0, 0.1, ... 2 the best on validation", ge=0)

    @property
    def needs_validation(self) -> str:
        return "tau" if self.tau is None else ""

    def solve(
        self, train: FeatureRows, validation: FeatureRows, head: Mapping[str, np.ndarray], context: BuildContext
    ) -> Solution:
        from imbalkit.functional.tau_normalisation import best_of, tau_normalised

        tau, facts = self.tau, {}
        if tau is None:
            rows = validation.features.astype(np.float64)
            tau, found = best_of(GRID, lambda tau: rows @ tau_normalised(head["weight"], tau).T, validation.labels)
            facts = {"tried": dict(zip(map(str, GRID), found, strict=True))}
        weight = tau_normalised(head["weight"], tau)
        return Solution({"weight": weight, "bias": np.zeros(len(weight))}, {"tau": tau, **facts})

    def prior_shift(self, context: BuildContext) -> PriorShift:
        return PriorShift(None, False, "it changes lengths of weights, which is no factor of the odds")
