"""From logits to decisions: calibration and threshold, both fitted on validation and never on test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from imbalkit.errors import DataError
from imbalkit.functional.metrics import softmax
from imbalkit.kinds import Settings, param, part_of

CalibratorRef = part_of("calibrator")
ThresholdRef = part_of("threshold")


class DecisionSettings(Settings):
    """How probabilities become decisions."""

    calibrator: CalibratorRef | None = param(
        None, help="correction of the logits, fitted on validation (default: none)"
    )
    threshold: ThresholdRef = param(
        "fixed",
        help="rule for the operating point of two classes, chosen on validation; more classes take the most probable",
        validate_default=True,
    )


def unchanged(logits: np.ndarray) -> np.ndarray:
    """The logits as they are: no calibration."""
    return logits


@dataclass(frozen=True)
class Decision:
    """What was fitted on validation.

    Attributes:
        threshold: a row is called positive at this probability or more; None without a positive class of two, where
            the most probable class is called
        calibrate: logits [n, C] to calibrated logits [n, C]
        fitted: the calibrator's numbers, such as {"temperature": 1.3}: its function's attribute `fitted`, if any
        calibrator, rule: the names of what was used; None without
        positive: index of the positive class, None without one
        rows: validation rows of each class that it was fitted on
        notes: what a reader must know of it
    """

    threshold: float | None = 0.5
    calibrate: Callable[[np.ndarray], np.ndarray] = unchanged
    fitted: Mapping[str, Any] = field(default_factory=dict)
    calibrator: str | None = None
    rule: str | None = None
    positive: int | None = None
    rows: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def temperature(self) -> float | None:
        """What the logits are divided by: 1 without a calibrator, None if the calibrator does something else."""
        return 1.0 if self.calibrator is None else self.fitted.get("temperature")

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Calibrated probabilities, float64 [n, C], of logits [n, C]."""
        return softmax(self.calibrate(logits))

    def decide(self, logits: np.ndarray) -> np.ndarray:
        """Class codes, int64 [n], of logits [n, C]."""
        return decide(self.probabilities(logits), self.threshold, self.positive)

    def to_json(self) -> dict[str, Any]:
        """Everything but the function."""
        return {
            "threshold": self.threshold,
            "rule": self.rule,
            "calibrator": self.calibrator,
            "fitted": dict(self.fitted),
            "positive": self.positive,
            "rows": list(self.rows),
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any], settings: DecisionSettings) -> Decision:
        """The decision of a run folder, with the settings of its recipe.

        Raises DataError for a calibrator that has no method `restore(fitted)`.
        """
        calibrate: Callable[[np.ndarray], np.ndarray] = unchanged
        if facts["calibrator"] is not None:
            restore = getattr(settings.calibrator, "restore", None)
            if restore is None:
                raise DataError(
                    f"the calibrator {facts['calibrator']!r} cannot be read back: it has no method `restore`"
                )
            calibrate = restore(facts["fitted"])
        rows, notes = tuple(facts["rows"]), tuple(facts["notes"])
        return cls(**{**facts, "rows": rows, "notes": notes}, calibrate=calibrate)


def decide(probabilities: np.ndarray, threshold: float | None, positive: int | None) -> np.ndarray:
    """Class codes, int64 [n], of probabilities [n, C].

    With two classes and a positive one, positive from the threshold on; otherwise the most probable class, the first of
    equals.
    """
    if positive is None or threshold is None or probabilities.shape[1] != 2:
        return probabilities.argmax(axis=1)
    return np.where(probabilities[:, positive] >= threshold, positive, 1 - positive)


def fit_decision(logits: np.ndarray, labels: np.ndarray, settings: DecisionSettings, positive: int | None) -> Decision:
    """Fit calibration, then the threshold, on validation rows.

    Without validation rows nothing is calibrated and the threshold is 0.5 (or the one that is fixed); without rows of
    both classes the threshold is. The notes say so.

    Args:
        logits: float [n, C]
        labels: label codes, int [n]
        settings: what to fit
        positive: index of the positive class of two, None without one

    Raises:
        DataError: logits that are not finite, shapes that do not fit
    """
    logits, labels = np.asarray(logits), np.asarray(labels, dtype=np.int64)
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise DataError(f"expected logits [n, C] and labels [n], got {list(logits.shape)} and {list(labels.shape)}")
    if not np.isfinite(logits).all():
        raise DataError("the validation logits are not finite: training diverged; lower the learning rate")
    notes: list[str] = []
    calibrate, fitted, calibrator = unchanged, {}, None
    if settings.calibrator is not None and not len(labels):
        notes.append("there are no validation rows: the probabilities are not calibrated")
    elif settings.calibrator is not None:
        calibrator = settings.calibrator.name
        calibrate = settings.calibrator.fit(logits, labels)
        fitted = dict(getattr(calibrate, "fitted", {}))
    threshold, rule = None, None
    if positive is not None and logits.shape[1] == 2:
        positives = labels == positive
        if settings.threshold.name == "fixed" or (positives.any() and not positives.all()):
            rule = settings.threshold.name
            threshold = float(settings.threshold.choose(positives, softmax(calibrate(logits))[:, positive]))
        else:
            threshold = 0.5
            what = "rows" if not len(labels) else "rows of both classes"
            notes.append(
                f"there are no validation {what}: the threshold is 0.5, not that of {settings.threshold.name!r}"
            )
    elif settings.threshold.name != "fixed" or settings.threshold.value != 0.5:
        notes.append(f"the threshold {settings.threshold.name!r} is for two classes: the most probable class is called")
    rows = tuple(int(count) for count in np.bincount(labels, minlength=logits.shape[1]))
    return Decision(threshold, calibrate, fitted, calibrator, rule, positive, rows, tuple(notes))
