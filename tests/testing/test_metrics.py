"""The rules of metrics catch what they say, one broken part each."""

from __future__ import annotations

import numpy as np
import pytest

from imbalkit.kinds import Interval
from tests.testing.parts import Right, broken, check


def _recall(self, predictions):
    return 1 / int((predictions.labels == 1).sum())


def _shares(self, predictions, weights):
    """As it should be, but for what `weights` are for."""
    right = (predictions.labels == predictions.decisions).astype(float)
    return np.full(len(weights), right.mean())


@pytest.mark.parametrize(
    ("part", "message"),
    [
        broken(Right, "raised ZeroDivisionError", compute=_recall),
        broken(Right, "against higher_is_better=True", compute=lambda self, p: 1 - Right().compute(p)),
        broken(Right, "against higher_is_better=False", higher_is_better=False),
        broken(Right, "expected a float or a mapping of floats", compute=lambda self, p: None),
        broken(Right, "the value is infinite", compute=lambda self, p: float("inf")),
        broken(
            Right,
            "in another order",
            compute=lambda self, p: float(p.labels[0] == p.decisions[0]) + float(p.labels[-1]),
        ),
        broken(Right, "`compute` on the same rows repeated", resampled=_shares),
        broken(Right, r"expected `resampled` to give  \(5,\), got \(\)", resampled=lambda self, p, weights: 0.5),
        broken(Right, "`resampled` gives .'a'., `compute` on repeated", resampled=lambda self, p, w: {"a": w[:, 0]}),
        broken(Right, "outside its own Interval", closed_form=lambda self, p, level: Interval(0.0, 0.1, "Guess")),
        broken(Right, "must give kinds.Interval", closed_form=lambda self, p, level: (0.0, 1.0)),
        broken(Right, "`closed_form` gives", closed_form=lambda self, p, level: {"a": Interval(0.0, 1.0, "Guess")}),
        broken(
            Right, "`degenerate_interval` gives", degenerate_interval=lambda self, p, groups, level: {"a": (0.0, 1.0)}
        ),
        broken(Right, "outside the metric's bounds", bounds=(0.0, 0.5)),
    ],
)
def test_metrics(part, message):
    check(part, message)
