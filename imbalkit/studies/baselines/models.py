"""Logistic regression and histogram gradient boosting of scikit-learn; what they choose, they choose on validation rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

STRENGTHS = (1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0)  # C of the logistic regression: the inverse of the L2 penalty
STEP, MOST = 50, 300  # trees a class that are added at once, and at most
RATE = 0.1
UNSEEN = -30.0  # logit of a class without training rows: a probability of 1e-13


@dataclass(frozen=True)
class Rows:
    """Rows of a model: `x` float64 [n, W], NaN for a gap where the model takes gaps; `labels` class codes, int64 [n]."""

    x: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Model:
    """A fitted model.

    Attributes:
        logits: x [n, W] to logits, float64 [n, C], whose softmax are the model's probabilities
        facts: what it is and what was chosen, plain data
        notes: what a reader must know of it
    """

    logits: Callable[[np.ndarray], np.ndarray]
    facts: dict[str, Any]
    notes: tuple[str, ...] = ()


def logistic(train: Rows, validation: Rows, classes: int, seed: int, categories: np.ndarray) -> Model:
    """Multinomial logistic regression with an L2 penalty on standardised columns (scikit-learn's, lbfgs).

    It minimises C * (sum over rows of the log loss) + |w|^2 / 2; C is that of `STRENGTHS` with the least log loss of validation
    rows, 1 without any. Mean and standard deviation are those of training rows; a column that is the same in all is left out.
    Rows have no weights, so that it learns the class prior of the training rows.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    varies = np.flatnonzero(np.ptp(train.x, axis=0) > 0)
    scaler = StandardScaler().fit(train.x[:, varies])
    scaled = scaler.transform(train.x[:, varies])
    held_out = scaler.transform(validation.x[:, varies]) if len(validation.x) else None
    found: dict[float, tuple[LogisticRegression, float]] = {}
    for strength in STRENGTHS if held_out is not None else (1.0,):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # said in a note, of the one that is chosen
            model = LogisticRegression(C=strength, max_iter=1000).fit(scaled, train.labels)
        loss = np.nan
        if held_out is not None:
            loss = _log_loss(_full(model.decision_function(held_out), model.classes_, classes), validation.labels)
        found[strength] = model, loss
    strength = min(found, key=lambda each: found[each][1])
    model = found[strength][0]
    steps = int(model.n_iter_.max())
    facts = {
        "method": "logistic",
        "text": f"logistic regression (scikit-learn) on standardised columns, L2 penalty, C = {strength:g}{_chosen(validation)}",
        "C": strength,
        "validation_log_loss": {f"{each:g}": loss for each, (_, loss) in found.items()} if held_out is not None else {},
        "iterations": steps,
    }
    late = (f"the logistic regression did not converge in {steps} iterations",) if steps >= 1000 else ()

    def logits(x: np.ndarray) -> np.ndarray:
        return _full(model.decision_function(scaler.transform(x[:, varies])), model.classes_, classes)

    return Model(logits, facts, late)


def boosting(train: Rows, validation: Rows, classes: int, seed: int, categories: np.ndarray) -> Model:
    """Histogram gradient boosting (scikit-learn's; Ke et al. 2017), categories and gaps as they are.

    Learning rate 0.1 and scikit-learn's other defaults; as many trees as have the least log loss of validation rows, of up to
    300 a class; 100 without validation rows.

    Args:
        categories: which columns hold category codes, bool [W]
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        learning_rate=RATE,
        early_stopping=False,
        categorical_features=categories if categories.any() else None,
        random_state=seed % 2**32,
        warm_start=True,
    )
    losses: list[float] = []
    if not len(validation.x):
        model.set_params(max_iter=100).fit(train.x, train.labels)
        trees = 100
    else:
        for most in range(STEP, MOST + 1, STEP):
            model.set_params(max_iter=most).fit(train.x, train.labels)
            losses = [
                _log_loss(_full(raw, model.classes_, classes), validation.labels)
                for raw in model.staged_decision_function(validation.x)
            ]
            if int(np.argmin(losses)) < most - STEP:
                break
        trees = int(np.argmin(losses)) + 1
    facts = {
        "method": "boosting",
        "text": f"histogram gradient boosting (scikit-learn), learning rate {RATE:g}, {trees} trees a class{_chosen(validation)}",
        "trees": trees,
        "validation_log_loss": {str(trees): losses[trees - 1]} if losses else {},
    }

    def logits(x: np.ndarray) -> np.ndarray:
        if not len(x):
            return np.empty((0, classes))
        raw = next(islice(model.staged_decision_function(x), trees - 1, None))
        return _full(raw, model.classes_, classes)

    return Model(logits, facts)


METHODS: dict[str, Callable[[Rows, Rows, int, int, np.ndarray], Model]] = {"logistic": logistic, "boosting": boosting}


def _chosen(validation: Rows) -> str:
    return (
        ", by the log loss of validation rows"
        if len(validation.x)
        else "; there are no validation rows to choose it by"
    )


def _full(raw: np.ndarray, present: np.ndarray, classes: int) -> np.ndarray:
    """Decision values as scikit-learn gives them ([n] of two classes) as logits of all classes, float64 [n, C]."""
    found = np.full((len(raw), classes), UNSEEN)
    found[:, present] = np.stack([np.zeros(len(raw)), raw], axis=1) if raw.ndim == 1 else raw
    return found


def _log_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean of -log softmax(logits)[label], float64."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    own = shifted[np.arange(len(labels)), labels]
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - own))
