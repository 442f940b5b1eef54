"""Rows of rare classes repeated."""

from __future__ import annotations

import math

import numpy as np

from imbalkit.functional.class_draws import repeat_factors
from imbalkit.functional.prior import shares
from imbalkit.kinds import Draws, Order, Plan, PriorShift, param


class RepeatFactor(Order):
    """Visits every row max(1, sqrt(t / f_c)) times an epoch, f_c the share of its class. Gupta et al. 2019 (LVIS), section 5.

    The fraction is rounded up or down at random each epoch, without bias.
    """

    name = "repeat_factor"
    threshold: float = param(
        0.1,
        help="t: rows of classes with a smaller share are repeated (LVIS with its 1,203 classes: 0.001)",
        gt=0,
        le=1,
    )

    def epoch_rows(self, counts: tuple[int, ...]) -> int:
        return math.ceil(float(np.dot(counts, self._factors(counts))) - 1e-9)  # up: no row may be left out

    def rows(self, plan: Plan, epoch: int, epochs: int, draws: Draws) -> np.ndarray:
        counts = plan.counts()
        order = draws(epoch).permutation(len(plan))
        factors = self._factors(counts)[plan.label[order]]
        # Systematic rounding: a row is visited the floor or the ceiling of its factor; the epoch has always as many rows.
        edges = np.cumsum(factors) * (self.epoch_rows(counts) / factors.sum())
        edges[-1] = self.epoch_rows(counts)
        visits = np.diff(np.floor(edges + draws(epoch, "fractions").random()).astype(np.int64), prepend=0)
        repeated = np.repeat(order, visits)
        return repeated[draws(epoch, "places").permutation(len(repeated))]

    def prior_shift(self, counts: tuple[int, ...]) -> PriorShift:
        return PriorShift(
            tuple(map(float, self._factors(counts))), True, "visits a class's rows so many times as often"
        )

    def _factors(self, counts: tuple[int, ...]) -> np.ndarray:
        return repeat_factors(shares(counts), self.threshold)
