"""Columns of several networks as one input: what each network gets from it is what it was trained on."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from imbalkit.data.column_inputs import FittedColumn
from imbalkit.data.column_merge import merged, recoding
from imbalkit_lite.columns import CategoryColumn, ColumnEncoding, NumberColumn

WORDS = ("back", "face", "foot", "hand", "scalp")
numbers = st.builds(NumberColumn, st.just("age"), st.floats(-50, 90), st.floats(1, 40))
categories = st.builds(
    CategoryColumn, st.just("site"), st.sets(st.sampled_from(WORDS), min_size=1).map(sorted).map(tuple)
)
encodings = st.tuples(numbers, categories, st.booleans())
rows = st.lists(
    st.fixed_dictionaries(
        {"age": st.none() | st.floats(-60, 100), "site": st.none() | st.sampled_from([*WORDS, "knee"])}
    ),
    min_size=1,
)


def fitted(age, site, turned):
    """Of one network; the order of its columns may be another."""
    columns = [FittedColumn(age, 100, 3), FittedColumn(site, 100, 5, 2)]
    return columns[::-1] if turned else columns


def encoding(columns):
    return ColumnEncoding(tuple(each.column for each in columns))


@given(st.lists(encodings, min_size=2, max_size=4), rows)
def test_every_network_gets_its_own_numbers(networks, cells):
    own = [fitted(*network) for network in networks]
    whole = encoding(merged(own))
    assert whole.names == encoding(own[0]).names
    uncut = [row for row in cells if row["age"] is None or within(row["age"], own)]
    for columns in map(encoding, own):
        matrix, shift = recoding(whole, columns)
        found = whole.encode(uncut).astype(np.float64) @ matrix + shift
        np.testing.assert_allclose(found, columns.encode(uncut), atol=2e-4)


def within(age, networks):
    """Whether no network cuts a number off, as too far from its mean."""
    columns = [each.column for columns in networks for each in columns if isinstance(each.column, NumberColumn)]
    return all(abs(age - column.mean) < 10 * column.std for column in columns)
