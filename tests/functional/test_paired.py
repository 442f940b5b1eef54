"""Paired tests against SciPy, every sign written out, a published example, and Holm's closed form."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm, t, ttest_1samp
from sklearn.metrics import roc_auc_score

from imbalkit.functional.bootstrap import draw_weights, mean_of, percentile_interval, two_sided_p
from imbalkit.functional.paired import (
    cluster_permutation,
    delong_test,
    expanded_level,
    expanded_p,
    holm,
    mcnemar,
    paired_share_interval,
    sign_flip,
    students_difference,
)
from tests.properties import examples

rights = st.integers(1, 200).flatmap(
    lambda n: st.tuples(*[st.lists(st.booleans(), min_size=n, max_size=n)] * 2, st.integers(0, 2**32))
)


@given(rights)
@examples(100)
def test_mcnemar_is_the_binomial_test_of_the_rows_that_differ(drawn):
    first, second = (np.array(side) for side in drawn[:2])
    gained, lost = int((~first & second).sum()), int((first & ~second).sum())
    expected = binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9)
    assert mcnemar(second, first) == pytest.approx(expected, rel=1e-9)


def test_mcnemar_of_a_textbook_table():
    # 6 rows that only the second model has right, 1 that only the first has: 2 (1 + 7) / 2^7.
    first = np.array([False] * 6 + [True] + [True] * 50 + [False] * 9)
    second = np.array([True] * 6 + [False] + [True] * 50 + [False] * 9)
    assert mcnemar(first, second) == pytest.approx(16 / 128)
    assert mcnemar(first, first) == 1


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=10))
@examples(100)
def test_the_signs_are_flipped_in_every_way(values):
    differences = np.array(values)
    sums = [abs(int((differences * signs).sum())) for signs in product((-1, 1), repeat=len(values))]
    expected = np.mean([total >= abs(differences.sum()) for total in sums])
    assert sign_flip(differences) == pytest.approx(expected, rel=1e-12)


@given(rights)
@examples(50)
def test_groups_are_swapped_whole(drawn):
    first, second = (np.array(side) for side in drawn[:2])
    rng = np.random.default_rng(drawn[2])
    groups = rng.integers(0, 7, len(first)) * 100
    sums = np.array(
        [int(second[groups == code].sum()) - int(first[groups == code].sum()) for code in np.unique(groups)]
    )
    assert cluster_permutation(first, second, groups) == pytest.approx(sign_flip(sums))
    alone = rng.permutation(len(first))
    assert cluster_permutation(first, second, alone) == pytest.approx(mcnemar(first, second))


def test_the_exact_permutation_is_what_random_ones_come_to():
    rng = np.random.default_rng(0)
    differences = rng.integers(-3, 5, 60)
    signs = rng.choice([-1, 1], size=(200_000, 60))
    drawn = (np.abs(signs @ differences) >= abs(differences.sum())).mean()
    assert sign_flip(differences) == pytest.approx(drawn, abs=4 * (drawn / 200_000) ** 0.5)


def test_many_rows_are_no_matter():
    rng = np.random.default_rng(0)
    first, second = rng.random(7530) < 0.5, rng.random(7530) < 0.52
    gained, lost = int((~first & second).sum()), int((first & ~second).sum())
    assert mcnemar(first, second) == pytest.approx(binomtest(gained, gained + lost).pvalue, rel=1e-8)


# --- DeLong -------------------------------------------------------------------------------------------------------------

# 43 patients with ovarian cancer: albumin, total protein, K-G score, whether surgery helped (DeLong et al. 1988, as SAS/STAT
# prints them in the example "Comparing Receiver Operating Characteristic Curves" of PROC LOGISTIC).
OVARIAN = np.fromstring(
    """3.0 5.8 10 0 3.2 6.3 5 1 3.9 6.8 3 1 2.8 4.8 6 0 3.2 5.8 3 1 0.9 4.0 5 0 2.5 5.7 8 0 1.6 5.6 5 1 3.8 5.7 5 1 3.7 6.7 6 1
    3.2 5.4 4 1 3.8 6.6 6 1 4.1 6.6 5 1 3.6 5.7 5 1 4.3 7.0 4 1 3.6 6.7 4 0 2.3 4.4 6 1 4.2 7.6 4 0 4.0 6.6 6 0 3.5 5.8 6 1
    3.8 6.8 7 1 3.0 4.7 8 0 4.5 7.4 5 1 3.7 7.4 5 1 3.1 6.6 6 1 4.1 8.2 6 1 4.3 7.0 5 1 4.3 6.5 4 1 3.2 5.1 5 1 2.6 4.7 6 1
    3.3 6.8 6 0 1.7 4.0 7 0 3.7 6.1 5 1 3.3 6.3 7 1 4.2 7.7 6 1 3.5 6.2 5 1 2.9 5.7 9 0 2.1 4.8 7 1 2.8 6.2 8 0 4.0 7.0 7 1
    3.3 5.7 6 1 3.7 6.9 5 1 3.6 6.6 5 1""",
    sep=" ",
).reshape(43, 4)


@pytest.mark.parametrize(
    ("column", "difference", "low", "high", "p"),
    [(0, 0.0108, -0.1761, 0.1976, 0.9102), (1, -0.0780, -0.2830, 0.1271, 0.4561)],
)
def test_delong_of_the_published_example(column, difference, low, high, p):
    helped, score = OVARIAN[:, 3] == 1, 10 - OVARIAN[:, 2]
    found = delong_test(helped, score, OVARIAN[:, column])
    assert [found.value, found.low, found.high, found.p] == pytest.approx([difference, low, high, p], abs=5e-5)
    turned = delong_test(helped, OVARIAN[:, column], score)
    assert [turned.value, turned.low, turned.high, turned.p] == pytest.approx([-difference, -high, -low, p], abs=5e-5)


def test_delong_does_not_ask_for_a_scale_and_the_interval_has_its_level():
    rng = np.random.default_rng(0)
    positives = rng.random(200) < 0.3
    first, second = rng.normal(positives, 1.0), rng.normal(1.5 * positives, 1.0)
    found = delong_test(positives, first, second, level=0.9)
    again = delong_test(positives, np.exp(first), 3 * second - 7, level=0.9)
    assert [found.value, found.low, found.p] == pytest.approx([again.value, again.low, again.p], rel=1e-9)
    assert found.value == pytest.approx(roc_auc_score(positives, second) - roc_auc_score(positives, first))
    error = (found.high - found.low) / 2 / norm.ppf(0.95)
    assert found.p == pytest.approx(2 * norm.sf(abs(found.value) / error))


def test_delong_of_what_cannot_be_told():
    positives = np.array([True, True, False, False, False])
    scores = np.array([0.9, 0.8, 0.1, 0.2, 0.3])
    same = delong_test(positives, scores, 2 * scores)
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)
    opposite = delong_test(positives, scores, -scores)
    assert opposite.value == -1
    assert np.isnan([opposite.low, opposite.high, opposite.p]).all()
    assert np.isnan(delong_test(np.ones(5, bool), scores, scores).p)


# --- few units ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("units", [8, 15, 40])
def test_the_expanded_interval_of_a_mean_is_students(units):
    values = 0.4 + norm.ppf((np.arange(units) + 0.5) / units)  # symmetric
    drawn = mean_of(values, draw_weights(units, 40_000, np.random.default_rng(0)))
    low, high = percentile_interval(drawn, expanded_level(0.95, units))
    half = t.ppf(0.975, units - 1) * values.std(ddof=1) / units**0.5
    assert (high - low) / 2 == pytest.approx(half, rel=0.06)
    assert (percentile_interval(drawn)[1] - percentile_interval(drawn)[0]) / 2 < 0.97 * half
    assert expanded_p(two_sided_p(drawn), units) == pytest.approx(ttest_1samp(values, 0).pvalue, abs=0.015)


@given(st.integers(8, 10_000), st.floats(0.6, 0.99))
@examples(50)
def test_the_expanded_p_goes_with_the_expanded_interval(units, level):
    wider = expanded_level(level, units)
    assert wider > level
    assert expanded_p(1 - wider, units) == pytest.approx(1 - level, rel=1e-6)


def test_many_units_need_no_expansion():
    assert expanded_level(0.95, 10**7) == pytest.approx(0.95, abs=1e-6)
    assert expanded_p(0.03, 10**7) == pytest.approx(0.03, abs=1e-6)


@pytest.mark.parametrize("units", [2, 3, 5])
def test_so_few_units_that_no_percentile_holds_have_students_interval(units):
    values = 0.4 + norm.ppf((np.arange(units) + 0.5) / units)
    drawn = mean_of(values, draw_weights(units, 40_000, np.random.default_rng(0)))
    found = students_difference(values.mean(), drawn.std(ddof=1), units, 0.95)
    expected = ttest_1samp(values, 0)
    assert [found.low, found.high] == pytest.approx(list(expected.confidence_interval(0.95)), rel=0.03)
    assert found.p == pytest.approx(expected.pvalue, abs=0.01)


# --- many tests ---------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
@examples(100)
def test_holm_is_the_closed_test_of_bonferroni(values):
    # A hypothesis falls at a level if every set of hypotheses with it falls by Bonferroni (Marcus, Peritz and Gabriel 1976).
    sets = [part for size in range(1, len(values) + 1) for part in combinations(range(len(values)), size)]
    expected = [
        max(min(1.0, len(part) * min(values[i] for i in part)) for part in sets if one in part)
        for one in range(len(values))
    ]
    assert holm(np.array(values)) == pytest.approx(expected)


def test_holm_leaves_out_what_is_not_defined():
    assert holm(np.array([0.01, np.nan, 0.04])) == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)


# --- the interval of a difference of shares ------------------------------------------------------------------------------


def test_the_interval_of_a_difference_of_shares_by_hand():
    """Bonett and Price 2012: (f12 + 1) / (n + 2) and (f21 + 1) / (n + 2) in Wald's formula."""
    first, second = np.zeros(8, dtype=bool), np.arange(8) < 3
    first[7] = True  # 3 gained, 1 lost
    gained, lost = 4 / 10, 2 / 10
    half = norm.ppf(0.975) * ((gained + lost - (gained - lost) ** 2) / 10) ** 0.5
    assert paired_share_interval(first, second) == pytest.approx((gained - lost - half, gained - lost + half))
    low, high = paired_share_interval(first, first)
    assert low == pytest.approx(-high)  # models that never differ leave something open
    assert 0.2 < high < 0.3
    assert paired_share_interval(np.zeros(3, bool), np.ones(3, bool))[1] == 1


@pytest.mark.parametrize("rows", [8, 20])
def test_it_holds_the_truth_with_few_rows(rows):
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(500):
        shared, one, other = rng.normal(size=(3, rows))
        first, second = shared + one > 0.2, shared + other > -0.3
        low, high = paired_share_interval(first, second)
        held += low <= norm.cdf(0.3 / 2**0.5) - norm.cdf(-0.2 / 2**0.5) <= high
    assert held / 500 >= 0.93
