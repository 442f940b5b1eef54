"""Multinomial logistic regression with a weight for each row and an offset for each class."""

from __future__ import annotations

import numpy as np

MOST_STEPS = 300  # of L-BFGS


def fit_softmax_regression(
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    weights: np.ndarray | None = None,
    offset: np.ndarray | None = None,
    penalty: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Weights [C, F] and bias [C] of least sum_i v_i CE(W s(h_i) + b + offset, y_i) + penalty/2 |W|^2, float64.

    s takes each feature to mean 0 and standard deviation 1 over the rows, so that the penalty does not depend on the features'
    scale; the result is for the features as they are given. It is what scikit-learn's LogisticRegression(C=1/penalty) finds
    behind a StandardScaler, with an offset besides. Solved by L-BFGS; convex, so that the start does not matter.

    Args:
        features: float [n, F]
        labels: codes, int [n]
        classes: how many there are
        weights: v, of each row, float [n]; None for 1
        offset: of each class's logit while it is fitted, float [C]; None for 0
        penalty: of the weights, 0 or more; the bias has none
    """
    from scipy.optimize import minimize

    features = np.asarray(features, dtype=np.float64)
    rows, width = features.shape
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread[spread <= 1e-7 * np.maximum(np.abs(mean), 1e-7)] = 1.0  # a feature that does not vary
    scaled = (features - mean) / spread
    row = np.ones(rows) if weights is None else np.asarray(weights, dtype=np.float64)
    shift = np.zeros(classes) if offset is None else np.asarray(offset, dtype=np.float64)
    place, total = np.arange(rows), row.sum()

    # Features are correlated; in these coordinates no curvature is above 1 (Boehning 1992), so that few steps are needed.
    sizes, axes = np.linalg.eigh(scaled.T @ (row[:, None] * scaled))
    scales = 1 / np.sqrt(np.maximum(sizes, 0) / 4 + penalty)
    turned, bias_scale = scaled @ (axes * scales), 2 / np.sqrt(total)

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        table = flat.reshape(classes, width + 1)
        logits = turned @ table[:, :-1].T + bias_scale * table[:, -1] + shift
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        sums = shares.sum(axis=1)
        penalised = scales * table[:, :-1]
        value = (row * (np.log(sums) - logits[place, labels])).sum() + penalty / 2 * (penalised**2).sum()
        shares /= sums[:, None]
        shares[place, labels] -= 1
        shares *= row[:, None]
        slope = np.empty_like(table)
        slope[:, :-1] = shares.T @ turned + penalty * scales * penalised
        slope[:, -1] = bias_scale * shares.sum(axis=0)
        return value / total, slope.ravel() / total

    start = np.zeros(classes * (width + 1))
    options = {"maxiter": MOST_STEPS, "ftol": 1e-12, "gtol": 1e-7}
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
    table = found.x.reshape(classes, width + 1)
    weight = (table[:, :-1] * scales) @ axes.T / spread
    return weight, bias_scale * table[:, -1] - weight @ mean
