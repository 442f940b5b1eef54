"""Corrections of logits fitted by likelihood, and how far probabilities are from what is observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Affine:
    """Logits [n, C] times `scale` [C], plus `bias` [C]."""

    scale: tuple[float, ...]
    bias: tuple[float, ...]

    @property
    def affine(self) -> tuple[np.ndarray, np.ndarray]:
        """(scale, bias), float64 [C]."""
        return np.array(self.scale), np.array(self.bias)

    @property
    def fitted(self) -> dict[str, list[float]]:
        """What a run folder keeps of it."""
        return {"scale": list(self.scale), "bias": list(self.bias)}

    @classmethod
    def of(cls, fitted: Mapping[str, Sequence[float]]) -> Affine:
        """From `fitted`."""
        return cls(tuple(map(float, fitted["scale"])), tuple(map(float, fitted["bias"])))

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        scale, bias = self.affine
        result: np.ndarray = np.asarray(logits, dtype=np.float64) * scale + bias
        return result


def fit_affine(logits: np.ndarray, labels: np.ndarray, per_class: bool, largest: float = 20.0) -> Affine:
    """The scale and bias of least mean negative log likelihood; the problem is convex.

    With one scale for all classes it is bias-corrected temperature scaling (Alexandari et al. 2020), for two classes Platt's
    logistic regression on the difference of the logits; with a scale for each class, vector scaling (Guo et al. 2017).

    Args:
        logits: float [n, C]
        labels: int [n], every class at least once: a bias of an absent class has no bound but `largest`
        per_class: a scale for each class, or one for all
        largest: largest scale, 1 / the smallest, and the largest distance of a bias from 0
    """
    from scipy.optimize import minimize

    logits = np.asarray(logits, dtype=np.float64)
    rows, classes = logits.shape
    truth = np.eye(classes)[np.asarray(labels)]
    scales = classes if per_class else 1

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        moved = logits * parameters[:scales] + parameters[scales:]
        top = moved.max(axis=1, keepdims=True)
        total = np.exp(moved - top).sum(axis=1, keepdims=True)
        value = (np.log(total) + top).sum() - (moved * truth).sum()
        excess = np.exp(moved - top) / total - truth  # [n, C]
        by_scale = (excess * logits).sum(axis=0)
        return value / rows, np.concatenate([by_scale if per_class else [by_scale.sum()], excess.sum(axis=0)]) / rows

    found = minimize(
        loss,
        np.concatenate([np.ones(scales), np.zeros(classes)]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(1 / largest, largest)] * scales + [(-largest, largest)] * classes,
        options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 2000, "maxfun": 4000},
    )
    scale = np.broadcast_to(found.x[:scales], (classes,))
    # Rounded to what the search knows, so that the order of a sum's terms does not show.
    return Affine(tuple(float(f"{s:.6g}") for s in scale), tuple(float(f"{b:.6f}") for b in found.x[scales:]))


# --- how well calibrated -------------------------------------------------------------------------------------------------


def reliability_bins(positives: np.ndarray, probabilities: np.ndarray, bins: int = 10) -> list[dict[str, Any]]:
    """Rows in bins of equal width of their probability; bins without rows are left out.

    Args:
        positives: bool [n]
        probabilities: of being positive, float [n] in 0..1
        bins: how many

    Returns:
        for each bin its bounds `low` and `high` (the last holds 1 too), its rows `n`, their `mean_probability`, and the share
        of them that is positive, `observed`
    """
    positives, probabilities = np.asarray(positives, dtype=np.bool_), np.asarray(probabilities, dtype=np.float64)
    which = np.minimum((probabilities * bins).astype(np.int64), bins - 1)
    rows = np.bincount(which, minlength=bins)
    hits = np.bincount(which, positives, minlength=bins)
    sums = np.bincount(which, probabilities, minlength=bins)
    return [
        {
            "low": index / bins,
            "high": (index + 1) / bins,
            "n": int(rows[index]),
            "mean_probability": float(sums[index] / rows[index]),
            "observed": float(hits[index] / rows[index]),
        }
        for index in np.flatnonzero(rows)
    ]


def log_odds(logits: np.ndarray) -> np.ndarray:
    """ln p / (1 - p) of each class against all others, float64 [n, C], of logits [n, C]."""
    from scipy.special import logsumexp

    logits = np.asarray(logits, dtype=np.float64)
    if logits.shape[1] == 2:
        difference = logits[:, 1] - logits[:, 0]
        return np.stack([-difference, difference], axis=1)
    result = np.empty_like(logits)
    for label in range(logits.shape[1]):
        result[:, label] = logits[:, label] - logsumexp(np.delete(logits, label, axis=1), axis=1)
    return result
