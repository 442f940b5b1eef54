"""What predicts, be it a run's network or an exported file, and what it returns for a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from imbalkit_lite.images import ImageRule


@dataclass(frozen=True)
class Answers:
    """What is said of a batch: probabilities float [n, C], decisions int [n] (forced), abstained bool [n]."""

    probabilities: np.ndarray
    decisions: np.ndarray
    abstained: np.ndarray


class Predictor(Protocol):
    """A model that answers: classes, how it wants its images, how many at once."""

    classes: tuple[str, ...]
    positive: int | None
    rule: ImageRule
    channels: int
    batch_size: int

    def answer(self, pixels: np.ndarray) -> Answers:
        """`pixels` uint8 [n, H, W, C], of the size of `rule`."""
        ...
