"""What a training visits and minimises, from an epoch on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imbalkit.kinds import Draws, Loss, Order
from imbalkit.plan import Plan


@dataclass(frozen=True)
class Phase:
    """A loss and an order that hold from an epoch on.

    Attributes:
        loss: what is minimised
        order: which rows an epoch visits; None: every row once
        first_epoch: from 0
        teacher: what the loss is given of each sample beside its label, float32 [samples, C]; None for a loss without a teacher
    """

    loss: Loss
    order: Order | None = None
    first_epoch: int = 0
    teacher: np.ndarray | None = None

    def epoch_rows(self, plan: Plan) -> int:
        """How many rows an epoch visits."""
        return len(plan) if self.order is None else self.order.epoch_rows(plan.counts())

    def rows(self, plan: Plan, epoch: int, epochs: int, draws: Draws) -> np.ndarray:
        """Positions in the plan, int64 [epoch_rows]."""
        return (
            draws(epoch).permutation(len(plan)) if self.order is None else self.order.rows(plan, epoch, epochs, draws)
        )
