"""What the decisions are worth to whoever acts on them."""

from __future__ import annotations

import math

import numpy as np
from pydantic import field_validator

from imbalkit.builtin.metrics.per_class import FalseAlarmRate, MissRate
from imbalkit.functional import usefulness as formulas
from imbalkit.functional.bootstrap import mean_of
from imbalkit.functional.metrics import ratio
from imbalkit.functional.proportions import sum_of_shares
from imbalkit.kinds import Interval, Limits, Metric, Predictions, param
from imbalkit.kinds.metric_bases import degenerate_share, drawn, share_of


class PredictiveValues(Metric):
    """PPV, NPV, and rows predicted positive for one that is (number needed to biopsy), at `evaluation.prevalences`.

    Without stated prevalences, at that of the rows. Sensitivity and specificity are those of the rows.
    """

    name = "predictive_values"
    same_scale = False

    @classmethod
    def higher_is_better_of(cls, name: str) -> bool:
        return not name.startswith("number_needed")

    def bounds_of(self, name: str) -> Limits | None:
        """0 and 1; the number needed has no largest value."""
        return None if name.startswith("number_needed") else (0.0, 1.0)

    def compute(self, predictions: Predictions) -> dict[str, float]:
        """`ppv`, `npv`, `number_needed`, such as "ppv at 0.02"; NaN where none is predicted so, or without a positive class."""
        values = self._values(predictions, np.ones((1, len(predictions.labels)), dtype=np.float32))
        return {name: float(value[0]) for name, value in values.items()}

    def resampled(self, predictions: Predictions, weights: np.ndarray) -> dict[str, np.ndarray]:
        return self._values(predictions, weights)

    def degenerate_interval(self, predictions: Predictions, groups: np.ndarray, level: float) -> dict[str, Limits]:
        """From the limits of whichever of sensitivity and specificity has no spread."""
        (missed_least, missed_most), (alarms_least, alarms_most) = (
            _range(part, predictions, groups, level) for part in (MissRate(), FalseAlarmRate())
        )
        found: dict[str, Limits] = {}
        for prevalence, suffix in _prevalences(predictions):
            share = float((predictions.labels == predictions.positive).mean()) if prevalence is None else prevalence
            low = formulas.predictive_values(1 - missed_most, 1 - alarms_most, share)
            high = formulas.predictive_values(1 - missed_least, 1 - alarms_least, share)
            (least, most), npv = ((float(bottom), float(top)) for bottom, top in zip(low, high, strict=True))
            found |= {f"ppv{suffix}": (least, most), f"npv{suffix}": npv}
            found[f"number_needed{suffix}"] = (float(ratio(1.0, most)), float(ratio(1.0, least)))
        return found

    def _values(self, predictions: Predictions, weights: np.ndarray) -> dict[str, np.ndarray]:
        (missed, positives), (alarms, negatives) = (
            drawn(part.shares(predictions), weights) for part in (MissRate(), FalseAlarmRate())
        )
        sensitivity, specificity = 1 - ratio(missed, positives), 1 - ratio(alarms, negatives)
        found: dict[str, np.ndarray] = {}
        for prevalence, suffix in _prevalences(predictions):
            share = ratio(positives, positives + negatives) if prevalence is None else prevalence
            ppv, npv = formulas.predictive_values(sensitivity, specificity, share)
            found |= {f"ppv{suffix}": ppv, f"npv{suffix}": npv, f"number_needed{suffix}": ratio(1.0, ppv)}
        return found


class NetBenefit(Metric):
    """Hits less false alarms, a row, weighed by the odds of a threshold probability (Vickers and Elkin 2006)."""

    name = "net_benefit"
    thresholds: list[float] = param(
        [0.1, 0.25, 0.5],
        help="probabilities from which one would act; rows are predicted positive from there, calibrated",
    )

    @field_validator("thresholds")
    @classmethod
    def _thresholds(cls, value: list[float]) -> list[float]:
        wrong = [item for item in value if not 0 < item < 1]
        if wrong or not value:
            raise ValueError(f"expected probabilities between 0 and 1, got {', '.join(map(str, wrong)) or 'none'}")
        return value

    def compute(self, predictions: Predictions) -> dict[str, float]:
        """By threshold, "at 0.1"; 0 is what predicting no row positive gives. NaN without a positive class."""
        return {name: float(rows.mean()) if len(rows) else math.nan for name, rows in self._rows(predictions).items()}

    def resampled(self, predictions: Predictions, weights: np.ndarray) -> dict[str, np.ndarray]:
        return {name: mean_of(rows, weights) for name, rows in self._rows(predictions).items()}

    def closed_form(self, predictions: Predictions, level: float) -> dict[str, Interval]:
        """From the mid-P intervals of hits and false alarms, shares of the same rows."""
        found = {}
        for threshold, (name, rows) in zip(self.thresholds, self._rows(predictions).items(), strict=True):
            limits = (math.nan, math.nan)
            if len(rows) and not np.isnan(rows).any():
                counts = np.array([(rows > 0).sum(), (rows < 0).sum()])
                factors = np.array([1.0, -threshold / (1 - threshold)])
                limits = sum_of_shares(counts, np.full(2, len(rows)), factors, level, disjoint=True)
            found[name] = Interval(*limits, "MOVER")
        return found

    def _rows(self, predictions: Predictions) -> dict[str, np.ndarray]:
        """What each row adds, float64 [n], by threshold."""
        if predictions.positive is None:
            return {f"at {threshold:g}": np.full(len(predictions.labels), np.nan) for threshold in self.thresholds}
        positives = predictions.labels == predictions.positive
        probability = predictions.probabilities[:, predictions.positive]
        found = {}
        for threshold in self.thresholds:
            predicted = np.where(np.isnan(probability), np.nan, probability >= threshold)
            found[f"at {threshold:g}"] = formulas.net_benefit(predicted * positives, predicted * ~positives, threshold)
        return found


def _prevalences(predictions: Predictions) -> list[tuple[float | None, str]]:
    """The stated prevalences with what names end in; None, that of the rows, where none is stated."""
    return [(share, f" at {share:g}") for share in predictions.prevalences] or [(None, "")]


def _range(part: MissRate | FalseAlarmRate, predictions: Predictions, groups: np.ndarray, level: float) -> Limits:
    """The limits of a rate that is 0 or 1; of another, the rate itself."""
    pair = part.shares(predictions)
    rate, limits = share_of(pair), degenerate_share(pair, groups, level)
    return (rate, rate) if math.isnan(limits[0]) else limits
