"""Every operating point of the test rows in a form that a page can carry."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np

from imbalkit.functional.metrics import operating_points

MOST = 20_000  # distinct thresholds that are kept


@dataclass(frozen=True)
class OperatingPoints:
    """What each threshold gives: rows at or above it are predicted positive. Between two thresholds nothing changes.

    Attributes:
        thresholds: distinct probabilities, float64 [k], falling
        hits, alarms: rows of the positive class, and others, at or above each, [k]
        thinned: whether some thresholds were left out, as there are too many
    """

    thresholds: np.ndarray
    hits: np.ndarray
    alarms: np.ndarray
    thinned: bool = False

    @classmethod
    def of(
        cls, positives: np.ndarray, probabilities: np.ndarray, keep: float | None = None, most: int = MOST
    ) -> OperatingPoints:
        """All of them, or about `most`, evenly along the ROC curve.

        Args:
            positives: bool [n]
            probabilities: of the positive class, float64 [n]
            keep: a threshold whose counts must be exact
            most: how many to keep
        """
        thresholds, hits, alarms = (np.asarray(values) for values in operating_points(positives, probabilities))
        if len(thresholds) <= most:
            return cls(thresholds, hits, alarms)
        along = hits / max(1, hits[-1]) + alarms / max(1, alarms[-1])
        chosen = np.searchsorted(along, np.linspace(along[0], along[-1], most))
        if keep is not None:
            above = np.flatnonzero(thresholds >= keep)
            chosen = np.append(chosen, above[-1:])
        chosen = np.unique(np.append(chosen, [0, len(thresholds) - 1]))
        return cls(thresholds[chosen], hits[chosen], alarms[chosen], thinned=True)

    def to_json(self) -> dict[str, Any]:
        """Little-endian arrays as base64: float64 thresholds, uint32 counts."""
        return {
            "thresholds": _base64(self.thresholds, "<f8"),
            "hits": _base64(self.hits, "<u4"),
            "alarms": _base64(self.alarms, "<u4"),
        }


def _base64(values: np.ndarray, dtype: str) -> str:
    return base64.b64encode(np.asarray(values).astype(dtype).tobytes()).decode()
