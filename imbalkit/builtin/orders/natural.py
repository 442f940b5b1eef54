"""Every row once."""

from __future__ import annotations

import numpy as np

from imbalkit.kinds import Draws, Order, Plan, PriorShift


class Natural(Order):
    """Visits every row of the plan once an epoch, in random order."""

    name = "natural"
    visits_each_row_once = True

    def rows(self, plan: Plan, epoch: int, epochs: int, draws: Draws) -> np.ndarray:
        return draws(epoch).permutation(len(plan))

    def prior_shift(self, counts: tuple[int, ...]) -> PriorShift:
        return PriorShift((1.0,) * len(counts), True, "visits every row once")
