"""Vector scaling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from imbalkit.functional.calibration import Affine, fit_affine
from imbalkit.kinds import Calibrator, param


class Vector(Calibrator):
    """A scale and an addend for the logit of each class (Guo et al. 2017): twice as many numbers as classes."""

    name = "vector"
    is_affine = True

    largest: float = param(20.0, help="largest scale, 1 / the smallest, and the largest addend", gt=1, le=1000)

    def fit(self, logits: np.ndarray, labels: np.ndarray) -> Affine:
        """Those of least mean negative log likelihood; without rows of each class the logits stay as they are."""
        logits, labels = np.asarray(logits, dtype=np.float64), np.asarray(labels)
        classes = logits.shape[1]
        if len(np.unique(labels)) < classes:
            return Affine((1.0,) * classes, (0.0,) * classes)
        return fit_affine(logits, labels, per_class=True, largest=self.largest)

    def restore(self, fitted: Mapping[str, Any]) -> Affine:
        """What `fit` returned, from its parameters in a run folder."""
        return Affine.of(fitted)
