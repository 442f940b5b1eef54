"""Classes by a power of their rows."""

from __future__ import annotations

import numpy as np
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from imbalkit.kinds import param
from imbalkit.kinds.orders import ClassShareOrder


class Power(ClassShareOrder):
    """Visits a class in proportion to N_c^q, N_c its rows. Kang et al. 2020, eq. 1; q = 0.5 is square-root sampling.

    Below 0 rarer classes come more often than larger ones: q = -r are the weights N_c^-r of Park et al. 2022 (CMO) for the second
    order of a mixer.
    """

    name = "power"
    q: float = param(
        0.5,
        help="exponent: 1 visits classes as often as they are, 0 all equally often, below 0 rare ones more often",
        le=1,
    )

    @model_validator(mode="after")
    def _a_length_that_ends(self) -> Power:
        if self.q < 0 and self.length == "all":
            raise PydanticCustomError(
                "length_all",
                "expected length: plan with q below 0, got all: an epoch with every row of the largest class would hold the "
                "rare ones thousands of times",
            )
        return self

    def shares(self, counts: np.ndarray, progress: float) -> np.ndarray:
        if self.q < 0:  # the rarest class as 1, so that not all shares vanish
            counts = np.maximum(counts / np.min(counts, where=counts > 0, initial=np.inf), 1)
        return counts**self.q
