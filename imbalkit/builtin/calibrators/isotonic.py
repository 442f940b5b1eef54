"""Isotonic regression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from imbalkit.functional.calibration import log_odds
from imbalkit.kinds import Calibrator

Points = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True)
class Steps:
    """For each class a rising curve from its log odds to its probability, straight between its points; then shares of the sum.

    Attributes:
        curves: of each class (of two, of class 1 alone): log odds, probabilities
    """

    curves: tuple[Points, ...]

    @property
    def fitted(self) -> dict[str, Any]:
        """What a run folder keeps of it."""
        return {"curves": [{"log_odds": list(x), "probability": list(y)} for x, y in self.curves]}

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        odds = log_odds(logits)
        if len(self.curves) == 1:
            one = np.interp(odds[:, 1], *self.curves[0])
            return np.log(np.stack([1 - one, one], axis=1))
        each = np.stack([np.interp(odds[:, label], *curve) for label, curve in enumerate(self.curves)], axis=1)
        return np.log(each)  # whose softmax is each's share of their sum


class Isotonic(Calibrator):
    """A rising curve for each class against the rest, by scikit-learn's isotonic regression (Zadrozny and Elkan 2002).

    It can take any shape, so that it needs some thousand validation rows, and it gives many rows the same probability. No
    probability is nearer to 0 or 1 than n rows can tell, 1 / (n + 2) (Laplace's rule of succession).
    """

    name = "isotonic"

    def fit(self, logits: np.ndarray, labels: np.ndarray) -> Steps:
        """The curves of least squared error."""
        from sklearn.isotonic import IsotonicRegression

        odds, labels = log_odds(logits), np.asarray(labels)
        edge = 1 / (len(labels) + 2)
        curves = []
        for label in [1] if odds.shape[1] == 2 else range(odds.shape[1]):
            curve = IsotonicRegression(y_min=edge, y_max=1 - edge, out_of_bounds="clip")
            curve.fit(odds[:, label], (labels == label).astype(np.float64))
            curves.append((tuple(map(float, curve.X_thresholds_)), tuple(map(float, curve.y_thresholds_))))
        return Steps(tuple(curves))

    def restore(self, fitted: Mapping[str, Any]) -> Steps:
        """What `fit` returned, from its parameters in a run folder."""
        curves = ((curve["log_odds"], curve["probability"]) for curve in fitted["curves"])
        return Steps(tuple((tuple(map(float, x)), tuple(map(float, y))) for x, y in curves))
