"""Intervals of shares, against SciPy."""

import numpy as np
import pytest
from scipy.stats import binomtest

from imbalkit.functional.proportions import bound_of_alike, clopper_pearson, wilson

COUNTS = [(0, 1), (1, 1), (0, 98), (7, 98), (49, 98), (98, 98), (496, 1098), (3, 100_000)]


@pytest.mark.parametrize("level", [0.95, 0.8])
@pytest.mark.parametrize(("count", "total"), COUNTS)
@pytest.mark.parametrize(("function", "method"), [(wilson, "wilson"), (clopper_pearson, "exact")])
def test_as_scipy(function, method, count, total, level):
    expected = binomtest(count, total).proportion_ci(level, method=method)
    low, high = function(count, total, level)
    np.testing.assert_allclose([low, high], [expected.low, expected.high], rtol=1e-7, atol=1e-12)
    assert 0 <= low <= count / total <= high <= 1


@pytest.mark.parametrize("function", [wilson, clopper_pearson])
def test_arrays_and_nothing_tried(function):
    low, high = function([0, 2.5, 1], [0, 10, 10])
    assert np.isnan([low[0], high[0]]).all()
    assert low[1] < 0.25 < high[1]  # a mean over repeats is a count too
    assert (low[2], high[2]) == pytest.approx(function(1, 10))
    assert np.isnan(function(0, 0)).all()


@pytest.mark.parametrize("function", [wilson, clopper_pearson])
def test_rounding_leaves_the_ends(function):
    totals = np.arange(1, 400)
    for level in (0.8, 0.9, 0.95, 0.99):
        assert (function(0 * totals, totals, level)[0] == 0).all()
        assert (function(totals, totals, level)[1] == 1).all()


def test_one_limit_of_clopper_and_pearson_is_a_one_sided_bound():
    low, _ = clopper_pearson(18, 20, level=0.9)
    assert low == pytest.approx(binomtest(18, 20, alternative="greater").proportion_ci(0.95).low)
    assert binomtest(18, 20, low, alternative="greater").pvalue == pytest.approx(0.05)


@pytest.mark.parametrize("level", [0.95, 0.9])
def test_shares_that_no_resample_changes(level):
    exact = binomtest(7, 7).proportion_ci(level)
    assert bound_of_alike(1.0, 7, level) == pytest.approx((exact.low, 1.0))
    assert bound_of_alike(0.0, 7, level) == pytest.approx((0.0, 1 - exact.low))
    for value, units in ((0.5, 7), (1.0, 0), (np.nan, 7)):
        assert np.isnan(bound_of_alike(value, units, level)).all()
