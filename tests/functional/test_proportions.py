"""Intervals of shares, against SciPy."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from imbalkit.functional.proportions import (
    clopper_pearson,
    degenerate_interval,
    geometric_mean_of_shares,
    mean_of_shares,
    mid_p,
    sum_of_shares,
    wilson,
)

COUNTS = [(0, 1), (1, 1), (0, 98), (7, 98), (49, 98), (98, 98), (496, 1098), (3, 100_000)]


@pytest.mark.parametrize("level", [0.95, 0.8])
@pytest.mark.parametrize(("count", "total"), COUNTS)
@pytest.mark.parametrize(("function", "method"), [(wilson, "wilson"), (clopper_pearson, "exact")])
def test_as_scipy(function, method, count, total, level):
    expected = binomtest(count, total).proportion_ci(level, method=method)
    low, high = function(count, total, level)
    np.testing.assert_allclose([low, high], [expected.low, expected.high], rtol=1e-7, atol=1e-12)
    assert 0 <= low <= count / total <= high <= 1


@pytest.mark.parametrize("function", [wilson, clopper_pearson, mid_p])
def test_arrays_and_nothing_tried(function):
    low, high = function([0, 2.5, 1], [0, 10, 10])
    assert np.isnan([low[0], high[0]]).all()
    assert low[1] < 0.25 < high[1]  # a mean over repeats is a count too
    assert (low[2], high[2]) == pytest.approx(function(1, 10))
    assert np.isnan(function(0, 0)).all()


@pytest.mark.parametrize("function", [wilson, clopper_pearson, mid_p])
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
    assert degenerate_interval(1.0, 7, level) == pytest.approx((exact.low, 1.0))
    assert degenerate_interval(0.0, 7, level) == pytest.approx((0.0, 1 - exact.low))
    for value, units in ((0.5, 7), (1.0, 0), (np.nan, 7)):
        assert np.isnan(degenerate_interval(value, units, level)).all()


@pytest.mark.parametrize("level", [0.95, 0.8])
@pytest.mark.parametrize(("count", "total"), COUNTS)
def test_mid_p_counts_what_was_found_by_half(count, total, level):
    low, high = mid_p(count, total, level)
    if count > 0:
        assert binom.sf(count, total, low) + binom.pmf(count, total, low) / 2 == pytest.approx((1 - level) / 2)
    if count < total:
        assert binom.cdf(count - 1, total, high) + binom.pmf(count, total, high) / 2 == pytest.approx((1 - level) / 2)
    exact = clopper_pearson(count, total, level)
    assert exact[0] - 1e-12 <= low <= high <= exact[1] + 1e-12


def test_the_mean_of_shares_by_hand():
    hits, trials = np.array([6, 300]), np.array([8, 392])
    (low, high), share = mid_p(hits, trials), hits / trials
    expected = (
        share.mean() - 0.5 * ((share - low) ** 2).sum() ** 0.5,
        share.mean() + 0.5 * ((high - share) ** 2).sum() ** 0.5,
    )
    assert mean_of_shares(hits, trials) == pytest.approx(expected)
    assert mean_of_shares(hits[:1], trials[:1]) == pytest.approx((low[0], high[0]))
    assert mean_of_shares(trials, trials)[1] == 1
    assert geometric_mean_of_shares(hits[:1], trials[:1]) == pytest.approx((low[0], high[0]))
    least, most = geometric_mean_of_shares(hits, trials)
    assert least < np.sqrt(share.prod()) < most
    assert geometric_mean_of_shares(np.array([0, 300]), trials)[0] == 0
    # A factor below 0 turns a share's limits about: what a share less another may be at least takes the other's highest.
    difference = share[0] - 2 * share[1]
    low_of, high_of = sum_of_shares(hits, trials, np.array([1, -2]))
    assert low_of == pytest.approx(difference - np.hypot(share[0] - low[0], 2 * (high[1] - share[1])))
    assert high_of == pytest.approx(difference + np.hypot(high[0] - share[0], 2 * (share[1] - low[1])))


@pytest.mark.parametrize("factors", [(1.0, -1.0), (1.0, -1 / 9), (1.0, 1.0)])
def test_a_sum_of_shares_of_the_same_rows_has_the_spread_of_a_multinomial(factors):
    counts, n = np.array([180_000, 80_000]), 400_000
    share, factors = counts / n, np.array(factors)
    low, high = sum_of_shares(counts, np.full(2, n), factors, disjoint=True)
    value = factors @ share
    spread = np.sqrt((factors**2 @ share - value**2) / n)
    assert (value - low) / spread == pytest.approx(1.96, rel=0.01)
    assert (high - value) / spread == pytest.approx(1.96, rel=0.01)


def test_shares_of_the_same_rows_at_their_ends():
    assert sum_of_shares([50, 0], [50, 50], [1, -1], disjoint=True)[1] == pytest.approx(1)
    low, high = sum_of_shares([0, 0], [50, 50], [1, -1], disjoint=True)
    assert low == pytest.approx(-high)
