"""Multinomial logistic regression with a weight for each row and an offset for each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MOST_STEPS = 300  # of L-BFGS


def fit_softmax_regression(
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    penalties: Sequence[float],
    weights: np.ndarray | None = None,
    offset: np.ndarray | None = None,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each penalty the weights [C, F] and bias [C], float64, of least

    sum_i v_i CE(W s(h_i) + b + offset, y_i) + penalty/2 |W|^2.

    s takes each feature to mean 0 and standard deviation 1 over the rows, so that the penalty does not depend on the features'
    scale; the result is for the features as they are given. It is what scikit-learn's LogisticRegression(C=1/penalty) finds
    behind a StandardScaler, with an offset besides. Solved by L-BFGS, each penalty from the result of the one before; convex, so
    that the start does not matter. On one thread, so that the number of cores does not show.

    Args:
        features: float [n, F]
        labels: codes, int [n]
        classes: how many there are
        penalties: of the weights, above 0; the bias has none
        weights: v, of each row, float [n]; None for 1
        offset: of each class's logit while it is fitted, float [C]; None for 0
    """
    from threadpoolctl import threadpool_limits

    features = np.asarray(features, dtype=np.float64)
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread[spread <= 1e-7 * np.maximum(np.abs(mean), 1e-7)] = 1.0  # a feature that does not vary
    scaled = (features - mean) / spread
    row = np.ones(len(labels)) if weights is None else np.asarray(weights, dtype=np.float64)
    shift = np.zeros(classes) if offset is None else np.asarray(offset, dtype=np.float64)
    found, bias = np.zeros((classes, features.shape[1])), np.zeros(classes)
    fitted = []
    with threadpool_limits(1, user_api="blas"):
        sizes, axes = np.linalg.eigh(scaled.T @ (row[:, None] * scaled))
        turned = scaled @ axes
        for penalty in penalties:
            found, bias = _least(turned, np.maximum(sizes, 0), labels, row, shift, penalty, found, bias)
            weight = found @ axes.T / spread
            fitted.append((weight, bias - weight @ mean))
    return fitted


def _least(
    turned: np.ndarray,
    sizes: np.ndarray,
    labels: np.ndarray,
    row: np.ndarray,
    shift: np.ndarray,
    penalty: float,
    weight: np.ndarray,
    bias: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Weights and bias for features along their principal axes, whose sums of squares are `sizes`, from a start."""
    from scipy.optimize import minimize

    # Features are correlated; in these coordinates no curvature is above 1 (Boehning 1992), so that few steps are needed.
    total, place = row.sum(), np.arange(len(labels))
    scales = np.append(1 / np.sqrt(sizes / 4 + penalty), 2 / np.sqrt(total))
    weighing = np.append(np.full(len(sizes), penalty), 0.0) * scales**2
    columns = np.column_stack([turned, np.ones(len(labels))]) * scales

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        table = flat.reshape(len(shift), -1)
        logits = columns @ table.T + shift
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        sums = shares.sum(axis=1)
        value = (row * (np.log(sums) - logits[place, labels])).sum() + (weighing * table**2).sum() / 2
        shares /= sums[:, None]
        shares[place, labels] -= 1
        shares *= row[:, None]
        slope = shares.T @ columns + weighing * table
        return value / total, slope.ravel() / total

    start = np.column_stack([weight, bias]) / scales
    options = {"maxiter": MOST_STEPS, "ftol": 1e-12, "gtol": 3e-7}
    found = minimize(objective, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    table = found.x.reshape(start.shape) * scales
    return table[:, :-1], table[:, -1]
