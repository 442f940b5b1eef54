"""Pairs against scikit-learn and a plain double loop; intervals against DeLong's variance and their coverage."""

from __future__ import annotations

import numpy as np
import pytest
from imbalkit_melanoma.source_probe.pairs import area, fewer_groups, pair_counter
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from imbalkit.functional.bootstrap import bootstrap


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    positives = rng.random(120) < 0.3
    scores = np.round(rng.normal(positives * 0.8, 1.0), 1)  # with ties
    return positives, scores, rng.integers(0, 4, 120) * 10, rng.integers(0, 4, 120)


def test_one_stratum_is_the_weighted_roc_auc(rows):
    positives, scores, _, weights = rows
    count = pair_counter(positives, scores)
    for given in (np.ones(120), weights):
        (wins,), (pairs,) = count(given)
        assert wins / pairs == pytest.approx(roc_auc_score(positives, scores, sample_weight=given), abs=1e-12)
    assert pairs == weights[positives].sum() * weights[~positives].sum()
    wins, pairs = count(np.stack([np.ones(120), weights]))
    assert wins.shape == pairs.shape == (2, 1)
    assert (wins / pairs)[1, 0] == pytest.approx(roc_auc_score(positives, scores, sample_weight=weights))


def test_strata_are_counted_apart(rows):
    positives, scores, strata, weights = rows
    wins, pairs = pair_counter(positives, scores, strata)(weights)
    for index, code in enumerate(np.unique(strata)):
        expected_wins = expected_pairs = 0.0
        for i in np.flatnonzero((strata == code) & positives):
            for j in np.flatnonzero((strata == code) & ~positives):
                pair = weights[i] * weights[j]
                expected_pairs += pair
                expected_wins += pair * ((scores[i] > scores[j]) + 0.5 * (scores[i] == scores[j]))
        assert (wins[index], pairs[index]) == pytest.approx((expected_wins, expected_pairs))


def test_a_stratum_without_pairs_has_no_area():
    wins, pairs = pair_counter(np.array([True, True, False]), np.array([1.0, 2.0, 0.0]), np.array([0, 1, 1]))(
        np.ones(3)
    )
    assert pairs.tolist() == [0.0, 1.0]
    assert np.isnan(area(wins, pairs)[0])
    assert area(wins, pairs)[1] == 1.0


def delong_sd(positives, scores):
    """Standard deviation of an ROC AUC (DeLong et al. 1988), by the plain double loop."""
    above = (scores[positives][:, None] > scores[~positives]) + 0.5 * (scores[positives][:, None] == scores[~positives])
    return np.sqrt(above.mean(1).var(ddof=1) / positives.sum() + above.mean(0).var(ddof=1) / (~positives).sum())


def auc_of(positives, scores):
    count = pair_counter(positives, scores)
    return lambda weights: area(*count(weights))  # [r, 1]


def test_the_interval_is_that_of_delong_and_wider_on_request(rows):
    rng = np.random.default_rng(1)
    positives = rng.random(600) < 0.3
    scores = rng.normal(positives * 0.7, 1.0)
    (found,) = bootstrap(auc_of(positives, scores), np.arange(600), [180])
    assert found.value == pytest.approx(roc_auc_score(positives, scores))
    assert (found.high - found.low) / 3.92 == pytest.approx(delong_sd(positives, scores), rel=0.08)
    (wide,) = bootstrap(auc_of(positives, scores), np.arange(600), [180], widen=1.5)
    assert wide.value - wide.low == pytest.approx(1.5 * (found.value - found.low))
    assert wide.high - wide.value == pytest.approx(1.5 * (found.high - found.value))
    (same,) = bootstrap(auc_of(positives, scores), np.arange(600), [180])
    assert same == found  # seeded


def test_groups_are_drawn_whole():
    """Each row four times over holds no more information than once: the interval is that of the single rows, not half as wide."""
    rng = np.random.default_rng(2)
    positives = rng.random(200) < 0.4
    scores = rng.normal(positives * 0.7, 1.0)
    (single,) = bootstrap(auc_of(positives, scores), np.arange(200), [80])
    (fourfold,) = bootstrap(auc_of(np.repeat(positives, 4), np.repeat(scores, 4)), np.repeat(np.arange(200), 4), [80])
    (blind,) = bootstrap(auc_of(np.repeat(positives, 4), np.repeat(scores, 4)), np.arange(800), [320])
    assert (fourfold.low, fourfold.high) == pytest.approx((single.low, single.high))
    assert blind.high - blind.low < 0.6 * (single.high - single.low)


def test_the_interval_stays_within_shares_and_is_absent_where_nothing_is_defined():
    positives = np.arange(60) < 20
    scores = np.random.default_rng(0).normal(positives * 3.0, 1.0)
    (found,) = bootstrap(auc_of(positives, scores), np.arange(60), [20], widen=200.0)
    assert (found.low, found.high) == (0.0, 1.0)
    (lone,) = bootstrap(
        auc_of(np.arange(60) == 3, scores), np.arange(60), [1]
    )  # a third of the draws lack the one positive
    assert 0 <= lone.value <= 1
    assert np.isnan([lone.low, lone.high]).all()
    (none,) = bootstrap(auc_of(np.zeros(60, dtype=bool), scores), np.arange(60), [0])
    assert np.isnan([none.value, none.low, none.high]).all()


def test_pairs_that_all_agree_are_bounded_by_the_groups_of_the_fewer_groups():
    positives = np.arange(60) < 6
    groups = np.arange(60) // 2
    behind = fewer_groups(positives, groups)
    assert behind == 3
    low = binomtest(behind, behind).proportion_ci(0.95).low
    (found,) = bootstrap(auc_of(positives, 1.0 * positives), groups, [behind], widen=1.5)
    assert (found.value, found.low, found.high) == (1.0, pytest.approx(low), 1.0)
    (found,) = bootstrap(auc_of(positives, -1.0 * positives), groups, [behind])
    assert (found.value, found.low, found.high) == (0.0, 0.0, pytest.approx(1 - low))
    (found,) = bootstrap(auc_of(positives, np.zeros(60)), groups, [behind])
    assert found.value == 0.5
    assert np.isnan([found.low, found.high]).all()  # all ties, in every draw: nothing is known of the spread
