"""What predicts, be it a run's network or an exported file, and what it returns for a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from imbalkit_lite.images import ImageRule


@dataclass(frozen=True)
class BatchPrediction:
    """Predictions for a batch: probabilities float [n, C], decisions int [n] (forced), abstained bool [n]."""

    probabilities: np.ndarray
    decisions: np.ndarray
    abstained: np.ndarray


class Predictor(Protocol):
    """A model that predicts: its classes, the images that it takes, how many at once."""

    classes: tuple[str, ...]
    positive: int | None
    rule: ImageRule
    channels: int
    batch_size: int

    def predict(self, pixels: np.ndarray) -> BatchPrediction:
        """`pixels` uint8 [n, H, W, C], of the size of `rule`."""
        ...
