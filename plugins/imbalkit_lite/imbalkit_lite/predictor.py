"""What predicts, be it a run's network or an exported file, and what it returns for a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from imbalkit_lite.columns import ColumnEncoding
from imbalkit_lite.images import ImageRule


@dataclass(frozen=True)
class BatchPrediction:
    """Predictions for a batch: probabilities float [n, C], decisions int [n] (forced), abstained bool [n]."""

    probabilities: np.ndarray
    decisions: np.ndarray
    abstained: np.ndarray


class Predictor(Protocol):
    """A model that predicts: its classes, the images that it takes, how many at once."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names, in the order of the probabilities."""
        ...

    @property
    def positive(self) -> int | None:
        """Code of the positive class, None without one."""
        ...

    @property
    def rule(self) -> ImageRule:
        """How a file becomes pixels of the size that the model takes."""
        ...

    @property
    def channels(self) -> int:
        """1 or 3; 0 for a model that takes rows of a table, without images."""
        ...

    @property
    def batch_size(self) -> int:
        """Images at once."""
        ...

    @property
    def encoding(self) -> ColumnEncoding | None:
        """How it takes table columns beside the image; None for images alone."""
        ...

    def predict(self, pixels: np.ndarray, columns: np.ndarray | None = None) -> BatchPrediction:
        """`pixels` uint8 [n, H, W, C], of the size of `rule`; `columns` of `encoding`, float32 [n, W]."""
        ...
