"""From logits to decisions: prior, calibration, threshold and abstention, all fitted on validation and never on test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from imbalkit.decision.corrections import CALIBRATION, PREVALENCE, Correction, LossMap, corrected
from imbalkit.decision.settings import DecisionSettings
from imbalkit.functional.abstain import uncertainty
from imbalkit.functional.metrics import softmax
from imbalkit.kinds import Loss


@dataclass(frozen=True)
class Abstention:
    """Which rows are left undecided: those of a positive probability in a band, or those more uncertain than a limit.

    Attributes:
        rule: the rule as a person reads it
        band: (low, high): undecided from low up to, not including, high
        limit: the largest `uncertainty` of a decided row, where no band gives it
    """

    rule: str
    band: tuple[float, float] | None = None
    limit: float | None = None

    def to_json(self) -> dict[str, Any]:
        return {"rule": self.rule, "band": None if self.band is None else list(self.band), "limit": self.limit}

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Abstention:
        return cls(facts["rule"], None if facts["band"] is None else tuple(facts["band"]), facts["limit"])


@dataclass(frozen=True)
class Decision:
    """What was fitted on validation.

    Attributes:
        threshold: a row is predicted positive at this probability or more; None where the most probable class is predicted,
            or that of least expected cost
        corrections: the steps from logits to calibrated logits
        prior: what the probabilities are for: "as_trained", "data", "balanced" or "stated"
        rule: the name of the threshold's rule; None where the most probable class is predicted
        costs: cost of each decision (across) for each label (down), [C, C], if the least expected cost decides
        abstention: which rows are left undecided; None: none
        positive: code of the positive class, None without one
        rows: validation rows of each class that it was fitted on
        notes: what a reader must know of it
        rule_fitted: numbers by name that the threshold's rule fitted, such as the tau of its costs
    """

    threshold: float | None = 0.5
    corrections: tuple[Correction, ...] = ()
    prior: str = "as_trained"
    rule: str | None = None
    costs: tuple[tuple[float, ...], ...] | None = None
    abstention: Abstention | None = None
    positive: int | None = None
    rows: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    rule_fitted: Mapping[str, float] = field(default_factory=dict)

    @property
    def calibrator(self) -> str | None:
        """The calibrator's name, None without one."""
        return next((step.name for step in self.corrections if step.stage == CALIBRATION), None)

    @property
    def map(self) -> LossMap | None:
        """The first correction, if it is the map of a loss."""
        first = self.corrections[0].apply if self.corrections else None
        return first if isinstance(first, LossMap) else None

    def mapped(self, logits: np.ndarray) -> np.ndarray:
        """Logits [n, C] after the map of the loss, as they are without one."""
        return logits if self.map is None else self.map(logits)

    @cached_property
    def affine(self) -> tuple[np.ndarray, np.ndarray] | None:
        """(scale, bias), float64 [C]: probabilities are softmax(scale * mapped logits + bias); None if no such numbers do it."""
        classes = max(len(self.rows), 1)
        scale, bias = np.ones(classes), np.zeros(classes)
        for step in self.corrections[0 if self.map is None else 1 :]:
            affine = step.affine(classes)
            if affine is None:
                return None
            scale, bias = scale * affine[0], bias * affine[0] + affine[1]
        return scale, bias

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Probabilities, float64 [n, C], of logits [n, C]: what decisions are made from."""
        return softmax(corrected(logits, self.corrections))

    def at_data_prior(self, logits: np.ndarray) -> np.ndarray:
        """Probabilities, float64 [n, C], before they are moved to a stated prevalence: to be compared with the data."""
        return softmax(corrected(logits, self._before_prevalence))

    def stages(self, logits: np.ndarray) -> list[tuple[str, np.ndarray]]:
        """Probabilities [n, C] "as trained", then after each correction ("prior restored", "calibrated"), at the data's prior."""
        steps = self._before_prevalence
        return [
            ("as trained", softmax(logits)),
            *((step.stage, softmax(corrected(logits, steps[: n + 1]))) for n, step in enumerate(steps)),
        ]

    def decide(self, logits: np.ndarray) -> np.ndarray:
        """Class codes, int64 [n], of logits [n, C]; also of the rows that are left undecided."""
        return decide(self.probabilities(logits), self.threshold, self.positive, self.costs)

    def uncertainties(self, logits: np.ndarray) -> np.ndarray:
        """How uncertain each row's decision is, float64 [n]: imbalkit.functional.abstain.uncertainty."""
        return uncertainty(self.probabilities(logits), self.threshold, self.positive, _matrix(self.costs))

    def abstains(self, logits: np.ndarray) -> np.ndarray:
        """Which rows are left undecided, bool [n]."""
        if self.abstention is None:
            return np.zeros(len(logits), dtype=np.bool_)
        if self.abstention.band is not None:
            low, high = self.abstention.band
            of_positive = self.probabilities(logits)[:, self.positive]
            return (of_positive >= low) & (of_positive < high)
        return self.uncertainties(logits) > self.abstention.limit

    @property
    def _before_prevalence(self) -> tuple[Correction, ...]:
        return tuple(step for step in self.corrections if step.stage != PREVALENCE)

    def to_json(self) -> dict[str, Any]:
        """Everything but functions."""
        return {
            "threshold": self.threshold,
            "rule": self.rule,
            "prior": self.prior,
            "calibrator": self.calibrator,
            "corrections": [step.to_json() for step in self.corrections],
            "costs": None if self.costs is None else [list(row) for row in self.costs],
            "abstention": None if self.abstention is None else self.abstention.to_json(),
            "positive": self.positive,
            "rows": list(self.rows),
            "notes": list(self.notes),
            **({"rule_fitted": dict(self.rule_fitted)} if self.rule_fitted else {}),
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any], settings: DecisionSettings, losses: Iterable[Loss] = ()) -> Decision:
        """The decision of a run folder, with the settings and the losses of its recipe.

        Raises DataError for a calibrator that has no method `restore(fitted)`, or a map of none of the losses.
        """
        steps = facts.get("corrections")
        if steps is None:  # a run of a version that knew calibrators alone
            calibrator = facts["calibrator"]
            steps = [{"stage": CALIBRATION, "name": calibrator, "fitted": facts["fitted"]}] if calibrator else []
        costs, abstention = facts.get("costs"), facts.get("abstention")
        return cls(
            threshold=facts["threshold"],
            corrections=tuple(Correction.from_json(step, settings.calibrator, losses) for step in steps),
            prior=facts.get("prior", "as_trained"),
            rule=facts["rule"],
            costs=None if costs is None else tuple(tuple(row) for row in costs),
            abstention=None if abstention is None else Abstention.from_json(abstention),
            positive=facts["positive"],
            rows=tuple(facts["rows"]),
            notes=tuple(facts["notes"]),
            rule_fitted=facts.get("rule_fitted", {}),
        )


def _matrix(costs: tuple[tuple[float, ...], ...] | None) -> np.ndarray | None:
    return None if costs is None else np.array(costs)


def decide(
    probabilities: np.ndarray,
    threshold: float | None,
    positive: int | None,
    costs: tuple[tuple[float, ...], ...] | None = None,
) -> np.ndarray:
    """Class codes, int64 [n], of probabilities [n, C].

    With costs [C, C] (label down, decision across) the class of least expected cost. With a threshold and a positive class,
    positive from the threshold on, and below it the most probable of the other classes. Otherwise the most probable class.
    Of equals the first.
    """
    if costs is not None:
        return (probabilities @ np.array(costs)).argmin(axis=1)
    if positive is None or threshold is None:
        return probabilities.argmax(axis=1)
    others = probabilities.copy()
    others[:, positive] = -1.0
    return np.where(probabilities[:, positive] >= threshold, positive, others.argmax(axis=1))
