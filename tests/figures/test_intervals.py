"""Wilson intervals, against SciPy."""

import numpy as np
import pytest
from scipy.stats import binomtest

from imbalkit.figures.intervals import wilson


@pytest.mark.parametrize(
    ("count", "total"), [(0, 1), (1, 1), (0, 98), (7, 98), (49, 98), (98, 98), (496, 1098), (3, 100_000)]
)
def test_as_scipy(count, total):
    expected = binomtest(count, total).proportion_ci(method="wilson")
    low, high = wilson(count, total)
    np.testing.assert_allclose([low, high], [expected.low, expected.high], rtol=1e-9, atol=1e-15)


def test_another_level():
    expected = binomtest(7, 98).proportion_ci(0.8, method="wilson")
    np.testing.assert_allclose(wilson(7, 98, z=1.2815515655446004), [expected.low, expected.high], rtol=1e-9)


def test_arrays_and_nothing_tested():
    low, high = wilson([0, 2.5, 1], [0, 10, 10])
    assert np.isnan([low[0], high[0]]).all()
    assert low[1] < 0.25 < high[1]
    np.testing.assert_allclose(low[2], binomtest(1, 10).proportion_ci(method="wilson").low)
