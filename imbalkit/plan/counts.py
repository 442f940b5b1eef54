"""Class counts that are known, or bounded, before training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np


class CountedRows(Protocol):
    """What `Counts.of` reads of a plan."""

    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def majority(self) -> int: ...
    def counts(self) -> tuple[int, ...]: ...


@dataclass(frozen=True)
class Counts:
    """Rows of each class as far as known before training: exact where `low == high`.

    Attributes:
        classes: class names
        low, high: bounds of each class's rows
        majority: label code of the largest class among the source training rows
        total: all rows, exact even where the classes are not; None if unknown
    """

    classes: tuple[str, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    majority: int
    total: int | None = None

    @classmethod
    def exact(cls, classes: Sequence[str], counts: Sequence[int], majority: int | None = None) -> Counts:
        """Known counts."""
        counts = tuple(int(count) for count in counts)
        return cls(
            tuple(classes), counts, counts, int(np.argmax(counts)) if majority is None else majority, sum(counts)
        )

    @classmethod
    def of(cls, plan: CountedRows) -> Counts:
        """The counts of a plan (imbalkit.plan.Plan)."""
        return cls.exact(plan.classes, plan.counts(), plan.majority)

    @property
    def is_exact(self) -> bool:
        return self.low == self.high

    def with_rows(self, changes: dict[int, tuple[int, int]]) -> Counts:
        """The counts with some classes' bounds changed: label code -> (low, high)."""
        low, high = list(self.low), list(self.high)
        for label, (least, most) in changes.items():
            low[label], high[label] = least, most
        total = sum(low) if low == high else None
        return replace(self, low=tuple(low), high=tuple(high), total=total)


def balance_ratio(counts: Sequence[int], positive: int | None = None) -> float:
    """beta = positive / negative rows; for more than two classes, or without a positive class, smallest / largest.

    Gilal et al. 2023, N_M / N_B. NaN where the denominator is 0.
    """
    if positive is not None and len(counts) == 2:
        return counts[positive] / counts[1 - positive] if counts[1 - positive] else float("nan")
    return min(counts) / max(counts) if max(counts) else float("nan")
