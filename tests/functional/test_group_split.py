"""Stratified rows against scikit-learn, and whole groups by their shares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from imbalkit.functional.group_split import assign_groups, fill_splits, largest_remainder, stratified
from tests.properties import examples


@given(st.data())
@examples(150)
def test_stratified_rows_are_scikit_learns(data):
    counts = data.draw(st.lists(st.integers(2, 40), min_size=1, max_size=6))  # ties between classes too
    labels = np.repeat(np.arange(len(counts)) * data.draw(st.integers(1, 2)), counts)  # with codes that no row has
    labels = np.random.default_rng(data.draw(st.integers(0, 99))).permutation(labels)
    size = data.draw(st.integers(len(counts), len(labels) - len(counts)))
    seed = data.draw(st.integers(0, 2**32 - 1))
    expected = train_test_split(np.arange(len(labels)), test_size=size, stratify=labels, random_state=seed)[1]
    assert np.array_equal(np.flatnonzero(stratified(labels, size, seed)), np.sort(expected))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.integers(0, 50))
def test_largest_remainder_sums_and_stays_next_to_the_shares(weights, total):
    weights = np.array(weights) + 1e-3
    wanted = total * weights / weights.sum()
    quota = largest_remainder(wanted, total, np.random.default_rng(0))
    assert quota.sum() == total
    assert (np.abs(quota - wanted) < 1 + 1e-6).all()


def test_assign_groups_fills_unequal_shares_in_proportion():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 400, 5000)
    labels = (rng.random(5000) < 0.05).astype(np.int64)
    shares = np.array([0.7, 0.2, 0.1])
    side = assign_groups(labels, groups, shares, seed=1)
    assert np.bincount(side) / 5000 == pytest.approx(shares, abs=0.004)
    assert np.bincount(side[labels == 1]) / labels.sum() == pytest.approx(shares, abs=0.01)
    assert all(len(np.unique(side[groups == group])) == 1 for group in np.unique(groups))


def test_fill_splits_moves_the_smallest_group_and_empties_no_split():
    labels = np.array([0, 0, 0, 1, 1, 0, 0, 1])
    groups = np.array([0, 0, 0, 1, 2, 3, 4, 4])
    side = np.array([0, 0, 0, 0, 0, 0, 1, 1])
    assert fill_splits(side, labels, groups, np.array([1, 2])) is None
    for label in (0, 1):
        assert len(np.unique(groups[(labels == label) & (side == 1)])) >= 2
        assert (side[labels == label] == 0).any()
    assert side[0] == 0  # the group of one row moved, not that of three
    assert fill_splits(np.zeros(2, dtype=np.int64), np.array([0, 1]), np.array([0, 1]), np.array([1, 1])) == 0
