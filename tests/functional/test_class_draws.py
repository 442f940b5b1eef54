"""Draws of classes: how many of each, which rows, and where in the epoch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imbalkit.functional.class_draws import class_counts, cycled, effective_number, repeat_factors, spread_evenly
from tests.properties import examples

weights = st.lists(st.floats(0, 1e3), min_size=1, max_size=12).filter(lambda found: sum(found) > 1e-3)


class TestClassCounts:
    @given(weights, st.integers(0, 5000), st.integers(0, 2**32))
    @examples(200)
    def test_sum_to_the_rows_and_are_the_shares_but_for_rounding(self, found, rows, seed):
        share = np.array(found) / sum(found)
        counts = class_counts(share, rows, np.random.default_rng(seed))
        assert counts.dtype == np.int64
        assert counts.sum() == rows
        assert (counts >= 0).all()
        assert (np.abs(counts - share * rows) < 1 + 1e-6).all()

    def test_are_the_shares_on_average(self):
        share, rng = np.array([0.613, 0.25, 0.1303, 0.0067]), np.random.default_rng(0)
        mean = np.mean([class_counts(share, 10, rng) for _ in range(20_000)], axis=0)
        np.testing.assert_allclose(mean, share * 10, atol=0.015)  # four standard errors of a fraction

    def test_a_share_of_nothing_is_never_drawn(self):
        rng = np.random.default_rng(0)
        share = np.array([0.5, 0.0, 0.3, 0.2, 0.0])
        counts = np.array([class_counts(share, 7, rng) for _ in range(500)])
        assert not counts[:, [1, 4]].any()

    def test_equal_shares_of_a_multiple_are_equal(self):
        for seed in range(50):
            assert class_counts(np.full(4, 0.25), 40, np.random.default_rng(seed)).tolist() == [10] * 4


class TestCycled:
    @given(st.integers(1, 9), st.lists(st.integers(0, 25), min_size=1, max_size=8))
    @examples(200)
    def test_no_row_is_drawn_again_before_all_were(self, size, epochs):
        rows, drawn, start = 100 + np.arange(size), [], 0
        for count in epochs:
            passes = range(start // size, (start + max(count, 1) - 1) // size + 1)
            shuffles = [np.random.default_rng(number).permutation(size) for number in passes]
            drawn += cycled(rows, start, count, shuffles).tolist()
            start += count
        assert len(drawn) == sum(epochs)
        for begin in range(0, len(drawn), size):
            one_pass = drawn[begin : begin + size]
            assert len(set(one_pass)) == len(one_pass)
            if len(one_pass) == size:
                assert set(one_pass) == set(rows.tolist())


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.integers(1, 16), st.integers(0, 2**32))
@examples(200)
def test_every_stretch_holds_close_to_its_share_of_each_class(counts, size, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    order = spread_evenly(labels, np.random.default_rng(seed))
    assert np.array_equal(np.sort(order), np.arange(len(labels)))
    # A class's draws up to any place differ from their share by less than 1 for itself and 1 for each class in between.
    before = np.cumsum(np.eye(len(counts))[labels[order]], axis=0)
    share = np.outer(np.arange(1, len(labels) + 1), np.array(counts) / max(1, len(labels)))
    assert (np.abs(before - share) <= 1 + len(counts)).all()


def test_a_batch_holds_the_floor_or_the_ceiling_of_two_equal_classes():
    labels = np.repeat([0, 1], 64)
    for seed in range(30):
        order = spread_evenly(labels, np.random.default_rng(seed))
        for batch in order.reshape(-1, 16):
            assert abs(labels[batch].sum() - 8) <= 2


def test_repeat_factors_of_lvis():
    found = repeat_factors(np.array([0.9, 0.09, 0.0001, 0.0]), 0.001)
    np.testing.assert_allclose(found, [1, 1, np.sqrt(10), 1])


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.999, 0.9999])
def test_effective_number_of_cui(beta):
    counts = np.array([1, 10, 500, 5000])
    expected = [sum(beta**power for power in range(count)) for count in counts]  # eq. 2 is the sum of this series
    np.testing.assert_allclose(
        effective_number(counts, beta), expected, rtol=1e-9
    ) if beta else np.testing.assert_array_equal(effective_number(counts, beta), 1)
