"""Orders: which rows an epoch visits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

import numpy as np

from imbalkit.base.parameters import Part, param, part_of
from imbalkit.functional.class_draws import class_counts, cycled, spread_evenly
from imbalkit.functional.prior import shares
from imbalkit.kinds.common import PriorShift
from imbalkit.plan import Plan

Draws = Callable[..., np.random.Generator]
"""`draws(*path)`: the generator of a training that belongs to a path of numbers and words, the same at every call."""


class Order(Part):
    """Which rows an epoch visits, and when: drawn anew each epoch from the plan, which stays as it is."""

    kind = "order"
    visits_each_row_once: ClassVar[bool] = False
    spreads_classes: ClassVar[bool] = (
        False  # each class stands evenly over an epoch, as functional.class_draws.spread_evenly does
    )

    def epoch_rows(self, counts: tuple[int, ...]) -> int:
        """How many rows an epoch visits, given the plan's rows of each class; the same in every epoch. Default: as many."""
        return sum(counts)

    def rows(self, plan: Plan, epoch: int, epochs: int, draws: Draws) -> np.ndarray:
        """Positions in the plan, int64 [epoch_rows], for epoch `epoch` (from 0) of `epochs`; the same at every call."""
        raise NotImplementedError  # each part of this kind writes its own

    def class_visits(self, counts: tuple[int, ...], progress: float) -> tuple[float, ...] | None:
        """Expected rows of each class in an epoch, float [C], to show before training; None if not known.

        Default: as many as `prior_shift` says, where that is exact.

        Args:
            counts: rows of each class in the plan
            progress: 0 in the first epoch of a training, 1 in the last
        """
        shift = self.prior_shift(counts)
        if not shift.exact or shift.factors is None:
            return None
        return tuple(map(float, self.epoch_rows(counts) * shares(np.multiply(counts, shift.factors))))

    def prior_shift(self, counts: tuple[int, ...]) -> PriorShift:
        """What it does to the class prior: each class's share of the visits / its share of the plan. To override."""
        return PriorShift(None, False, "it does not say how often it visits the classes")


OrderRef = Annotated[Order, part_of("order")]


class ClassShareOrder(Order):
    """Visits each class in a share of its own, its rows in turn: none again before all have been, also from epoch to epoch.

    Every class is spread evenly over the epoch, so that each batch holds close to its share of it.
    """

    spreads_classes = True
    length: Literal["plan", "all"] = param(
        "plan",
        help="rows an epoch: as many as the plan has; or `all`: as many as the first epoch's shares need to visit each row once "
        "on average",
    )

    def shares(self, counts: np.ndarray, progress: float) -> np.ndarray:
        """The share of each class in an epoch, float [C], up to a common factor; 0 for a class without rows.

        Args:
            counts: rows of each class in the plan, float64 [C]
            progress: 0 in the first epoch, 1 in the last
        """
        raise NotImplementedError  # each part of this kind writes its own

    def epoch_rows(self, counts: tuple[int, ...]) -> int:
        rows = np.asarray(counts, dtype=np.float64)
        if self.length == "plan":
            return sum(counts)
        share = self._shares(counts, 0.0)
        return int(np.ceil(np.max(rows[rows > 0] / share[rows > 0]) - 1e-9))

    def rows(self, plan: Plan, epoch: int, epochs: int, draws: Draws) -> np.ndarray:
        counts = plan.counts()
        size, classes = self.epoch_rows(counts), len(counts)
        visits = np.zeros((epoch + 1, classes), dtype=np.int64)
        for past in range(epoch + 1):
            share = self._shares(counts, past / max(1, epochs - 1))
            visits[past] = class_counts(share, size, draws(past, "counts"))
        starts, now = visits[:-1].sum(axis=0), visits[-1]
        parts = []
        for label in np.flatnonzero(now):
            rows = plan.rows_of(int(label))
            start, count = int(starts[label]), int(now[label])
            passes = range(start // len(rows), (start + count - 1) // len(rows) + 1)
            shuffles = [draws("class", int(label), number).permutation(len(rows)) for number in passes]
            parts.append(cycled(rows, start, count, shuffles))
        drawn = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
        visited: np.ndarray = drawn[spread_evenly(plan.label[drawn], draws(epoch, "places"))]
        return visited

    def class_visits(self, counts: tuple[int, ...], progress: float) -> tuple[float, ...]:
        return tuple(map(float, self.epoch_rows(counts) * self._shares(counts, progress)))

    def prior_shift(self, counts: tuple[int, ...]) -> PriorShift:
        rows = np.asarray(counts, dtype=np.float64)
        first, last = self._shares(counts, 0.0), self._shares(counts, 1.0)
        factors = np.divide(last, shares(rows), out=np.ones_like(rows), where=rows > 0)
        if not np.allclose(first, last):
            why = "visits classes in shares that change from epoch to epoch: where they lead is known, not where it arrives"
            return PriorShift(tuple(map(float, factors)), False, why)
        return PriorShift(tuple(map(float, factors)), True, "visits a class's rows at random, so many times as often")

    def _shares(self, counts: tuple[int, ...], progress: float) -> np.ndarray:
        rows = np.asarray(counts, dtype=np.float64)
        return shares(np.where(rows > 0, self.shares(rows, progress), 0.0))
