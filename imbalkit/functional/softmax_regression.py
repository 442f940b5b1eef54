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

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        table = flat.reshape(classes, width + 1)
        logits = scaled @ table[:, :-1].T + table[:, -1] + shift
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        sums = shares.sum(axis=1)
        value = (row * (np.log(sums) - logits[place, labels])).sum() + penalty / 2 * (table[:, :-1] ** 2).sum()
        shares /= sums[:, None]
        shares[place, labels] -= 1
        shares *= row[:, None]
        slope = np.concatenate([shares.T @ scaled + penalty * table[:, :-1], shares.sum(axis=0)[:, None]], axis=1)
        return value / total, slope.ravel() / total

    start = np.zeros(classes * (width + 1))
    found = minimize(
        objective, start, jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS, "ftol": 1e-10, "gtol": 1e-6}
    )
    table = found.x.reshape(classes, width + 1)
    weight = table[:, :-1] / spread
    return weight, table[:, -1] - weight @ mean
