"""The rows that a decision is fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from imbalkit.errors import listing

Notes = tuple[str, ...]
"""What a reader must know of what was fitted."""


@dataclass(frozen=True)
class ValidationRows:
    """What a decision is fitted on.

    Attributes:
        logits: float [n, C]
        labels: int64 [n]
        classes: class names
        positive: code of the positive class, None without one
        groups: which rows belong together, [n]; None where each stands for itself
    """

    logits: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    positive: int | None = None
    groups: np.ndarray | None = None

    @cached_property
    def counts(self) -> np.ndarray:
        """Rows of each class, int64 [C]."""
        return np.bincount(self.labels, minlength=len(self.classes))

    @property
    def missing(self) -> str:
        """Which rows are missing for a fit of every class; empty if none."""
        if not len(self.labels):
            return "no validation rows"
        absent = [name for name, count in zip(self.classes, self.counts, strict=True) if not count]
        return f"no validation rows of {listing(absent, 6)}" if absent else ""
