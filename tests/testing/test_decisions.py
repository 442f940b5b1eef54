"""The rules of calibrators and thresholds catch what they say, one broken part each."""

from __future__ import annotations

import numpy as np
import pytest

from imbalkit.kinds import Calibrator, DataError
from tests.testing.parts import Middle, Same, broken, check


class Kept:
    """A calibrating function with what it keeps."""

    def __init__(self, fitted, function, affine=None):
        self.fitted, self.function = fitted, function
        if affine is not None:
            self.affine = affine

    def __call__(self, values):
        return self.function(values)


def _by_weight(self, rows):
    return 0.5 if rows.weights is None else 0.4


def _mean(self, rows):
    return float(np.mean(rows.probabilities)) if len(rows.probabilities) else float("nan")


def _costs(costs):
    """A rule that fits these costs, given the rows, and nothing besides."""
    return {"fits_costs": True, "fit_costs": lambda self, rows: (costs(rows), {})}


def _ones(rows):
    return 1.0 - np.eye(len(rows.prior))


def _of_last(rows):
    return _ones(rows) * (1 + rows.labels[-1:].sum())


def _by_all_weight(rows):
    return _ones(rows) * (1 if rows.weights is None else rows.weights.sum())


def _refusing(rows):
    if len(np.unique(rows.labels)) < 3:
        raise DataError("not enough classes")
    return _ones(rows)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        broken(Same, "must return a function, got ndarray", fit=lambda self, logits, labels: logits),
        broken(Same, "expected logits .60, 2., got .60,.", fit=lambda self, logits, labels: lambda x: x[:, 0]),
        broken(Same, "one row: calibrated logits are not finite", fit=lambda self, x, y: lambda v: v / (len(x) > 1)),
        broken(Same, "a row's logits depend", fit=lambda self, logits, labels: lambda x: x - x.mean(0)),
        broken(Middle, r"expected a threshold in 0\.\.1, got 1.1", choose=lambda self, rows: 1.1),
        broken(Middle, r"expected a threshold in 0\.\.1, got nan", choose=lambda self, rows: float("nan")),
        broken(Middle, "depends on the order of rows", choose=lambda self, rows: float(rows.probabilities[0])),
        broken(Same, "has no `restore`", restore=Calibrator.restore),
        broken(Same, "`restore` does not read", fit=lambda self, x, y: Kept({"mean": x.mean(0)}, lambda v: v)),
        broken(Same, "restored from .*, it differs", restore=lambda self, fitted: lambda values: values * 2),
        broken(Same, "is_affine is True, and what `fit` returns has no `affine`", is_affine=True),
        broken(
            Same, "is_affine is False, and .* has an `affine`", fit=lambda self, x, y: Kept({}, lambda v: v, (1, 0))
        ),
        broken(
            Same,
            r"`affine` \(scale, bias\) gives other probabilities",
            is_affine=True,
            fit=lambda self, x, y: Kept({}, lambda v: v, (2.0, 0.0)),
        ),
        broken(Middle, "equal weights, .* must change nothing", choose=_by_weight),
        broken(
            Middle,
            "needs_rows is False, and without rows it chooses nan",
            needs_rows=property(lambda self: False),
            choose=_mean,
        ),
        broken(Middle, "check_rows must return text or None, got True", check_rows=lambda self, p, n: True),
        broken(Middle, r"cost_matrix must be None or \(2, 2\)", cost_matrix=lambda self, classes: np.ones(2)),
        broken(Middle, r"cost_matrix must be None or \(3, 3\)", cost_matrix=lambda self, classes: np.eye(2)),
        broken(Middle, r"fit_costs must give \(2, 2\)", **_costs(lambda rows: np.ones(2))),
        broken(Middle, r"fit_costs must give .* of 0 or more", **_costs(lambda rows: _ones(rows) * -1)),
        broken(Middle, "a mistake must cost at least as much", **_costs(lambda rows: np.eye(len(rows.prior)))),
        broken(Middle, "depends on the order of rows", **_costs(_of_last)),
        broken(Middle, "equal weights must change nothing", **_costs(_by_all_weight)),
        broken(Middle, "refuses rows of several classes", **_costs(_refusing)),
        broken(
            Middle,
            "finite numbers by name",
            fits_costs=True,
            fit_costs=lambda self, rows: (_ones(rows), {"tau": float("nan")}),
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_decisions(part, message):
    check(part, message)
