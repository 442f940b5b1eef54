"""DeLong's variance against R's pROC, the plain double loop, and the spread of areas in repeated samples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, t
from sklearn.metrics import roc_auc_score

from imbalkit.functional.delong import delong, delong_interval, midranks
from tests.properties import examples

# Patients of good and of poor outcome at each of the 50 values of S100B, rising (Turck et al. 2010, the set aSAH of pROC).
GOOD = "05326667403443212001000101110101011210200000000000"
POOR = "10003122112101000110111011101010200011011112111111"


def s100b():
    good, poor = (np.repeat(np.arange(50), [int(count) for count in counts]) for counts in (GOOD, POOR))
    return np.arange(113) >= 72, np.concatenate([good, poor]).astype(float)


def test_as_proc():
    """pROC 1.18 on aSAH: auc 0.7314, var(roc) 0.00266868; its own interval is not on the logit scale."""
    positives, scores = s100b()
    areas, covariance = delong(positives, scores)
    assert areas[0] == pytest.approx(0.73136856368563685, abs=1e-12)
    assert covariance[0, 0] == pytest.approx(0.00266868245717244, abs=1e-12)


def double_loop(positives, scores):
    """Areas and covariance as DeLong et al. 1988 write them, by every pair."""
    of_positive, of_other = [], []
    for row in scores:
        x, y = row[positives][:, None], row[~positives][None, :]
        psi = (x > y) + 0.5 * (x == y)
        of_positive.append(psi.mean(axis=1))
        of_other.append(psi.mean(axis=0))
    covariance = np.cov(of_positive) / positives.sum() + np.cov(of_other) / (~positives).sum()
    return np.mean(of_positive, axis=1), covariance


@given(st.integers(0, 10_000), st.integers(0, 2))
@examples(60)
def test_as_the_double_loop(seed, decimals):
    rng = np.random.default_rng(seed)
    positives = np.arange(40) < rng.integers(2, 39)
    shared = rng.normal(size=40)
    scores = np.round(np.stack([shared + rng.normal(size=40) + positives for _ in range(3)]), decimals)
    areas, covariance = delong(positives, scores)
    expected = double_loop(positives, scores)
    assert areas == pytest.approx(expected[0], abs=1e-12)
    assert areas == pytest.approx([roc_auc_score(positives, row) for row in scores])
    assert covariance == pytest.approx(expected[1], abs=1e-12)


def test_midranks_as_scipy():
    values = np.round(np.random.default_rng(0).normal(size=200), 1)
    assert midranks(values) == pytest.approx(rankdata(values))


def test_the_variance_is_the_spread_of_areas():
    rng = np.random.default_rng(0)
    positives = np.arange(300) < 60
    found = [delong(positives, rng.normal(size=(2, 300)) + positives) for _ in range(400)]
    areas, covariances = np.array([area for area, _ in found]), np.array([covariance for _, covariance in found])
    assert np.cov(areas.T)[0, 0] == pytest.approx(covariances[:, 0, 0].mean(), rel=0.15)
    assert np.cov(areas.T)[0, 1] == pytest.approx(covariances[:, 0, 1].mean(), abs=1e-4)


def test_the_interval_stays_within_bounds():
    positives, scores = s100b()
    low, high = delong_interval(positives, scores)
    area, deviation = 0.73136856368563685, 0.00266868245717244**0.5
    assert low < area < high
    assert (low, high) == pytest.approx((area - 1.98 * deviation, area + 1.98 * deviation), abs=0.02)
    perfect = np.arange(20) < 5
    assert delong_interval(perfect, perfect.astype(float)) == (pytest.approx(0.025 ** (1 / 5)), 1.0)
    assert delong_interval(perfect, -perfect.astype(float)) == (0.0, pytest.approx(1 - 0.025 ** (1 / 5)))


def test_with_many_rows_it_is_delongs_and_students_t():
    """What the limits solve, by hand: the distance in standard errors, DeLong's at the area found."""
    rng = np.random.default_rng(0)
    positives = np.arange(5000) < 1000
    scores = rng.normal(size=5000) * np.where(positives, 0.5, 1) + positives
    areas, covariance = delong(positives, scores)
    area, deviation = areas[0], covariance[0, 0] ** 0.5
    logit, half = np.log(area / (1 - area)), 1.96 * deviation / area / (1 - area)
    expected = 1 / (1 + np.exp([half - logit, -half - logit]))
    assert delong_interval(positives, scores) == pytest.approx(tuple(expected), abs=1e-3)


def test_the_limits_with_few_rows_by_hand():
    rng = np.random.default_rng(1)
    positives = np.arange(60) < 6
    scores = rng.normal(size=60) + 1.2 * positives
    above = (scores[positives][:, None] > scores[~positives]).mean(axis=1)
    below = (scores[positives][:, None] > scores[~positives]).mean(axis=0)
    area, one, other = above.mean(), above.var(ddof=1) / 6, below.var(ddof=1) / 54
    freedom = (one + other) ** 2 / (one**2 / 5 + other**2 / 53)

    def newcombe(truth):  # Newcombe 2006, method 5, as in his equation with N = (m + n) / 2
        return truth * (1 - truth) / (6 * 54) * (1 + 29 * (1 - truth) / (2 - truth) + 29 * truth / (1 + truth))

    ratio = (one + other) / newcombe(area)
    ratio = max(ratio, (freedom * ratio + 10) / (freedom + 10))
    for limit in delong_interval(positives, scores):
        assert abs(limit - area) / (ratio * newcombe(limit)) ** 0.5 == pytest.approx(t.ppf(0.975, freedom), rel=1e-6)


@given(st.integers(2, 30), st.integers(2, 30), st.integers(0, 10_000), st.sampled_from([0.8, 0.95, 0.999]))
@examples(200)
def test_an_interval_is_ordered_and_mirrored(hits, others, seed, level):
    rng = np.random.default_rng(seed)
    positives, scores = np.arange(hits + others) < hits, rng.integers(0, 6, hits + others).astype(float)
    low, high = delong_interval(positives, scores, level)
    if np.isnan(low):
        return
    assert 0 <= low <= delong(positives, scores)[0][0] <= high <= 1
    assert delong_interval(positives, -scores, level) == pytest.approx((1 - high, 1 - low), abs=1e-9)
    assert delong_interval(~positives, -scores, level) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize(
    ("positives", "scores", "area"),
    [
        ([True, True], [0.1, 0.2], np.nan),
        ([True, False], [0.1, np.nan], np.nan),
        ([True, False, False], [0.2, 0.1, 0.3], 0.5),  # one positive row: no variance
        ([True, True, False, False], [0.2, 0.2, 0.2, 0.2], 0.5),
    ],
)
def test_undefined_is_nan(positives, scores, area):
    positives, scores = np.array(positives), np.array(scores)
    assert delong(positives, scores)[0] == pytest.approx([area], nan_ok=True)
    assert np.isnan(delong_interval(positives, scores)).all()
