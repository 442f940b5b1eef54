"""A share of the rows, by stratum and in whole groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imbalkit.functional.row_sample import sample_rows
from tests.properties import examples


def drawn(strata, groups, share, least, seed=0):
    groups = None if groups is None else np.asarray(groups)
    return sample_rows(np.asarray(strata), groups, share, least, np.random.default_rng(seed))


def test_each_stratum_has_its_share_to_the_row_and_the_rare_one_its_least():
    strata = np.repeat([0, 1, 2], [10_000, 500, 7])
    rows = drawn(strata, None, 0.1, 20)
    assert np.bincount(strata[rows]).tolist() == [1000, 50, 7]
    assert (np.diff(rows) > 0).all()
    assert np.bincount(strata[drawn(strata, None, 0.01, 20)]).tolist() == [100, 20, 7]


def test_the_same_rows_each_time_and_others_by_another_seed():
    strata = np.repeat([0, 1], [1000, 100])
    assert (drawn(strata, None, 0.1, 1) == drawn(strata, None, 0.1, 1)).all()
    assert (drawn(strata, None, 0.1, 1) != drawn(strata, None, 0.1, 1, seed=1)).any()


def test_any_row_is_as_likely():
    times = np.zeros(50)
    for seed in range(2000):
        times[drawn(np.zeros(50, dtype=int), None, 0.2, 1, seed)] += 1
    assert abs(times / 2000 - 0.2).max() < 5 * np.sqrt(0.2 * 0.8 / 2000)  # five standard errors


def test_a_stratum_that_is_always_with_a_rarer_one_has_its_least_too():
    # Twelve groups of both strata, of which one row each is of stratum 1 and 3 of stratum 0; group 12 has stratum 2 as well.
    groups = np.repeat(np.arange(12), 4)
    strata = np.tile([0, 0, 0, 1], 12)
    rows = drawn(strata, groups, 0.01, 5)
    assert len(np.unique(groups[rows])) == 5
    mixed = np.concatenate([strata, [2, 3]])  # stratum 3 is only in a group that counts for stratum 2
    rows = drawn(mixed, np.concatenate([groups, [12, 12]]), 0.01, 1)
    assert set(mixed[rows]) == {0, 1, 2, 3}


@examples(100)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30)), min_size=1, max_size=200),
    st.floats(0.001, 0.999),
    st.integers(1, 8),
)
def test_groups_are_whole_and_no_stratum_lacks_its_least(pairs, share, least):
    strata, groups = (np.array(column) for column in zip(*pairs, strict=True))
    rows = drawn(strata, groups, share, least)
    taken = np.isin(np.arange(len(strata)), rows)
    for group in np.unique(groups):
        assert len(set(taken[groups == group])) == 1
    for stratum in np.unique(strata):
        holding = np.unique(groups[strata == stratum])
        assert len(np.unique(groups[taken & (strata == stratum)])) >= min(least, len(holding))


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_shares_of_grouped_strata_are_near(share):
    random = np.random.default_rng(0)
    groups = random.integers(0, 3000, 20_000)
    strata = (random.random(3000) < 0.1).astype(int)[groups]
    rows = drawn(strata, groups, share, 1)
    assert np.bincount(strata[rows]) / np.bincount(strata) == pytest.approx([share, share], abs=0.02)
