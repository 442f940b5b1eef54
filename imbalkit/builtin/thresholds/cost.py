"""The least cost."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from imbalkit.functional.thresholds import best_threshold, cost_threshold, saved_cost
from imbalkit.kinds import ClassName, DataError, Threshold, ThresholdRows, param

Costs = Annotated[dict[ClassName, dict[ClassName, Annotated[float, Field(ge=0)]]], Field(min_length=1)]


class Cost(Threshold):
    """The operating point of least cost, from what a miss and a false alarm cost (Elkan 2001).

    `by: probabilities` is p >= c_alarm / (c_alarm + c_miss) for two classes, and the class of least expected cost for more: right
    as far as the probabilities are (restore the prior and calibrate first). `by: validation` takes the threshold that cost least
    on the validation rows, whatever the probabilities are worth.
    """

    name = "cost"

    ratio: float | None = param(
        None, help="cost of missing a positive row, in false alarms; either this or `costs`", gt=0
    )
    costs: Costs | None = param(
        None,
        help="cost of each decision for each class, as {malignant: {benign: 10}}: a malignant row predicted benign costs 10; 1 "
        "for a mistake that is not named, 0 for being right; either this or `ratio`",
    )
    by: Literal["validation", "probabilities"] | None = param(
        None,
        help="what the least cost is computed from (default: the validation rows; the probabilities for `costs` of more than two "
        "classes, where no single threshold decides)",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Cost:
        if (self.ratio is None) == (self.costs is None):
            got = "neither" if self.ratio is None else "both"
            raise PydanticCustomError("ratio_or_costs", "expected either ratio or costs, got {got}", {"got": got})
        return self

    def check_classes(self, classes: tuple[str, ...]) -> list[tuple[str, str]]:
        if self.costs is None:
            return []
        problems = []
        costs = self._matrix(classes)
        right = np.diag(costs)
        mistakes = ~np.eye(len(classes), dtype=np.bool_)
        # Of many classes some may be confused at no cost; of two, a free mistake leaves nothing to choose.
        excess = costs - right[:, None]
        wrong = mistakes & (excess <= 0 if len(classes) == 2 else excess < 0)
        for label, decision in np.argwhere(wrong):
            mistake = f"predicting {classes[decision]!r} for {classes[label]!r}"
            problems.append(("costs", f"{mistake} must cost more than being right ({right[label]:g})"))
        if len(classes) > 2 and self.by == "validation":
            problems.append(
                ("by", f"costs of {len(classes)} classes go by the probabilities; give `ratio`, or leave `by` out")
            )
        return problems

    def for_classes(self, classes: tuple[str, ...], positive: int | None) -> Cost:
        if self.costs is None or len(classes) != 2 or positive is None:
            return self
        order = [1 - positive, positive]
        threshold = cost_threshold(self._matrix(classes)[np.ix_(order, order)])
        return self.model_copy(update={"costs": None, "ratio": (1 - threshold) / threshold})

    def cost_matrix(self, classes: tuple[str, ...]) -> np.ndarray | None:
        return self._matrix(classes) if self.costs is not None and len(classes) > 2 else None

    def _matrix(self, classes: tuple[str, ...]) -> np.ndarray:
        costs = 1.0 - np.eye(len(classes))
        for label, row in (self.costs or {}).items():
            for decision, cost in row.items():
                costs[classes.index(label), classes.index(decision)] = cost
        return costs

    @property
    def needs_rows(self) -> bool:
        return self.by != "probabilities"

    def choose(self, rows: ThresholdRows) -> float:
        """Of several, the one with the fewest false alarms. Raises DataError without rows of both classes."""
        if self.ratio is None:
            raise DataError("cost: costs by class name need the classes: ask `for_classes` first")
        if self.by == "probabilities":
            return float(1 / (1 + self.ratio))
        return best_threshold(rows.positives, rows.probabilities, saved_cost(self.ratio), rows.weights)
