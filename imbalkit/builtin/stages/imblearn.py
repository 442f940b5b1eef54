"""A new linear head on the features of rows as a sampler of imbalanced-learn makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from imbalkit.builtin.imbalanced_learn import (
    OPTIONS_HELP,
    built,
    class_problems,
    final_counts,
    known_samplers,
    neighbours_problem,
)
from imbalkit.builtin.stages.penalised import PENALTY_HELP, PenalisedStage
from imbalkit.kinds import BuildContext, Counts, FeatureRows, PlanError, PriorShift, Solution, TrainingError, param

_FOR_CATEGORIES = ("SMOTENC", "SMOTEN")


class Imblearn(PenalisedStage):
    """Any sampler of imbalanced-learn on the features under the head, then a new head by logistic regression.

    It is given the features of the training rows, in their order, and its rows, made ones among them, are what the head is
    fitted to, as by `logistic_regression` with `correction: none`. With `SMOTE` it is the stage `smote`. How likely a row is
    within its class changes with it, which is not exact; probabilities are fitted on validation.
    """

    name = "imblearn"
    requires = {"imblearn": "imbalkit[imblearn]"}
    sampler: str = param(help="class of imbalanced-learn, such as BorderlineSMOTE or SMOTEENN", min_length=1)
    options: dict[str, Any] = param({}, help=OPTIONS_HELP)
    penalty: float | None = param(None, help=PENALTY_HELP, ge=1e-6)

    def check_classes(self, classes: tuple[str, ...]) -> list[tuple[str, str]]:
        return class_problems(self.options, classes)

    def check_counts(self, counts: Counts) -> str:
        if not known_samplers():
            return ""  # check_requirements says so
        if self.sampler in _FOR_CATEGORIES:
            return f"{self.sampler} is for categories, and features under a head are numbers: take SMOTE"
        try:
            sampler = built(self.name, self.sampler, self.options, counts.classes)
            goals = final_counts(self.name, sampler, counts.low) if counts.is_exact else {}
        except PlanError as error:
            return str(error)
        return neighbours_problem(sampler, goals, counts)

    def solve(
        self, train: FeatureRows, validation: FeatureRows, head: Mapping[str, np.ndarray], context: BuildContext
    ) -> Solution:
        """Raises TrainingError for rows that imbalanced-learn's sampler refuses."""
        sampler = built(self.name, self.sampler, self.options, context.classes, context.seed % 2**32)
        try:
            features, labels = sampler.fit_resample(train.features, train.labels)
        except Exception as error:  # many types; all say that these rows are too few, or not to be compared so
            raise TrainingError(
                f"stage {self.name}: {self.sampler} refuses these {len(train.labels):,} rows: {type(error).__name__}: {error}"
            ) from error
        solution = self.penalised_head(FeatureRows(features, labels), len(context.classes), validation)
        return Solution(solution.state, {"rows": len(labels), **solution.facts})

    def prior_shift(self, context: BuildContext) -> PriorShift:
        why = f"{self.sampler} changes which rows of a class there are"
        return PriorShift(self._factors(context), False, why)

    def _factors(self, context: BuildContext) -> tuple[float, ...] | None:
        """Rows of each class afterwards / before, of a sampler that only adds as many as its strategy says."""
        kind = known_samplers().get(self.sampler)
        if kind is None or not kind.__module__.startswith("imblearn.over_sampling"):
            return None
        try:
            sampler = built(self.name, self.sampler, self.options, context.classes)
            after = final_counts(self.name, sampler, context.counts)
        except PlanError:
            return None
        return tuple(
            after.get(label, rows) / max(rows, 1) if rows else 1.0 for label, rows in enumerate(context.counts)
        )
