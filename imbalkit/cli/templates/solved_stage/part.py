"""What follows the main training: a head that is found from the features of all rows at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from imbalkit.kinds import BuildContext, FeatureRows, Solution, SolvedStage, param

if TYPE_CHECKING:
    import numpy as np


class Mine(SolvedStage):
    """Takes `tau` log(share of its rows) off the bias of each class; weights and body stay."""

    name = "mine"
    needs_linear_head = True  # a head of weight [C, F] and bias [C]
    tau: float = param(1.0, help="how much of the logarithm of a class's share is taken off", ge=0)

    def solve(
        self, train: FeatureRows, validation: FeatureRows, head: Mapping[str, np.ndarray], context: BuildContext
    ) -> Solution:
        import numpy as np

        counts = np.maximum(np.bincount(train.labels, minlength=len(context.classes)), 1)
        bias = head["bias"] - self.tau * np.log(counts / counts.sum())
        return Solution({"weight": head["weight"], "bias": bias})
