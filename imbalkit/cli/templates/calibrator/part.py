"""A calibrator: fitted on validation rows, applied to all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imbalkit.kinds import Calibrator, param

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Scaled:
    """What `fit` returns: logits [n, C] to calibrated logits [n, C]."""

    scale: float

    @property
    def fitted(self) -> dict[str, float]:
        """What the run folder keeps; `restore` makes it a function again."""
        return {"scale": self.scale}

    @property
    def affine(self) -> tuple[float, float]:
        """(scale, bias): such a calibrator can be put into an exported file."""
        return self.scale, 0.0

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        return self.scale * logits


class Mine(Calibrator):
    """Multiplies the logits by the one of `steps` factors that gives the least log loss on validation."""

    name = "mine"
    is_affine = True
    needs_every_class = False
    moves_prior = False  # it leaves the class shares where they are
    steps: int = param(41, help="factors that are tried, from 1/10 to 10", ge=3)

    def fit(self, logits: np.ndarray, labels: np.ndarray) -> Scaled:
        import numpy as np
        from scipy.special import log_softmax

        rows = np.arange(len(labels))
        scales = np.geomspace(0.1, 10, self.steps)
        losses = [-log_softmax(scale * logits, axis=1)[rows, labels].mean() for scale in scales]
        return Scaled(float(scales[int(np.argmin(losses))]))

    def restore(self, fitted: Mapping[str, Any]) -> Scaled:
        return Scaled(float(fitted["scale"]))
