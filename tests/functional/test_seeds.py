"""The mean of paired differences over seeds."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from imbalkit.functional.seeds import mean_difference


@pytest.mark.parametrize("n", [2, 3, 10])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_interval_is_student_s(n, level):
    values = np.random.default_rng(n).normal(0.3, 2.0, n)
    found = mean_difference(values.tolist(), level)
    peer = ttest_1samp(values, 0.0).confidence_interval(level)
    assert (found.low, found.high) == pytest.approx((peer.low, peer.high))
    assert (found.mean, found.deviation, found.n) == pytest.approx((values.mean(), values.std(ddof=1), n))


def test_equal_differences_have_no_spread():
    found = mean_difference([0.5, 0.5, 0.5])
    assert (found.low, found.mean, found.high) == (0.5, 0.5, 0.5)


def test_one_seed_says_nothing_of_the_spread():
    found = mean_difference([0.25])
    assert found.mean == 0.25
    assert math.isnan(found.low)
    assert math.isnan(found.deviation)
