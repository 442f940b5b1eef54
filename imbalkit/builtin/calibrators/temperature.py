"""Temperature scaling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from imbalkit.kinds import Calibrator, param


@dataclass(frozen=True)
class Scaling:
    """Logits divided by a temperature: above 1 the model was too sure of itself."""

    temperature: float

    @property
    def fitted(self) -> dict[str, float]:
        """What a run folder keeps of it."""
        return {"temperature": self.temperature}

    @property
    def affine(self) -> tuple[float, float]:
        """(scale, bias) of the logits."""
        return 1 / self.temperature, 0.0

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        return np.asarray(logits) / self.temperature


class Temperature(Calibrator):
    """Divides the logits by one number, which changes no decision by the most probable class (Guo et al. 2017)."""

    name = "temperature"
    is_affine = True
    needs_every_class = False
    moves_prior = False

    largest: float = param(20.0, help="largest temperature, and 1 / the smallest", gt=1, le=1000)

    def fit(self, logits: np.ndarray, labels: np.ndarray) -> Scaling:
        """The temperature of least mean negative log likelihood; 1 without rows."""
        return self.fit_under(logits, labels, np.zeros(np.shape(logits)[1]))

    def fit_under(self, logits: np.ndarray, labels: np.ndarray, offset: np.ndarray) -> Scaling:
        """The T of least mean negative log likelihood of logits / T + offset, the offset held in place."""
        from scipy.optimize import minimize_scalar

        logits, labels = np.asarray(logits, dtype=np.float64), np.asarray(labels)
        if not len(logits) or np.ptp(logits, axis=1).max() == 0:
            return Scaling(1.0)
        shifted = logits - logits.max(axis=1, keepdims=True)
        chosen = shifted[np.arange(len(labels)), labels]

        def loss(log_sharpness: float) -> float:
            sharpness = np.exp(log_sharpness)
            return float((np.log(np.exp(sharpness * shifted + offset).sum(axis=1)) - sharpness * chosen).mean())

        bound = float(np.log(self.largest))
        # Convex in the sharpness 1 / T, so that its logarithm has one minimum.
        found = minimize_scalar(loss, bounds=(-bound, bound), method="bounded", options={"xatol": 1e-6})
        # Rounded to what the search knows, so that the order of a sum's terms does not show.
        return Scaling(float(f"{np.exp(-found.x):.6g}"))

    def restore(self, fitted: Mapping[str, Any]) -> Scaling:
        """What `fit` returned, from its parameters in a run folder."""
        return Scaling(float(fitted["temperature"]))

    def notes(self, fitted: Mapping[str, Any]) -> list[str]:
        """Whether the temperature is at a limit."""
        found = float(fitted["temperature"])
        if found >= 0.999 * self.largest:
            return [
                f"the temperature reached its limit, {self.largest:g}: on validation rows the logits say hardly more of the "
                "class than chance, so that the probabilities are drawn together. Look at the AUC before you use them"
            ]
        if found <= 1.001 / self.largest:
            return [
                f"the temperature reached its limit, 1 / {self.largest:g}: nearly every validation row is told apart, and the "
                "probabilities are as sure as that limit allows"
            ]
        return []
