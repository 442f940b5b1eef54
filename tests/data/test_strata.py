"""Splits that are stratified by a column beside the labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from imbalkit.data.split import split_table
from imbalkit.data.split_settings import SplitSettings
from imbalkit.errors import DataError
from tests.data.test_split import check_partition, table_of
from tests.properties import examples


def diagnoses(rows: int = 600) -> np.ndarray:
    return np.random.default_rng(3).choice(["akiec", "bcc", "mel", "nv"], rows, p=[0.05, 0.1, 0.15, 0.7])


@pytest.mark.parametrize("groups", [None, "some"])
@pytest.mark.parametrize("kwargs", [{}, {"folds": 5, "fold": 3}])
def test_two_classes_stratified_by_diagnosis_are_split_as_the_diagnoses_themselves(kwargs, groups):
    dx = diagnoses()
    groups = None if groups is None else np.random.default_rng(4).integers(0, 300, len(dx)).astype(str)
    of_all = split_table(table_of(dx, groups), SplitSettings(**kwargs))
    of_two = split_table(
        table_of(np.where(dx == "mel", "mel", "other"), groups, dx=dx), SplitSettings(stratify="dx", **kwargs)
    )
    for name in ("train", "validation", "test"):
        assert np.array_equal(getattr(of_all, name), getattr(of_two, name))


def test_each_split_has_its_share_of_label_and_column():
    site = np.random.default_rng(5).choice(["north", "south"], 600, p=[0.8, 0.2])
    dx = diagnoses()
    split = split_table(table_of(dx, site=site), SplitSettings(stratify="site"))
    both = pd.Series(dx) + pd.Series(site)
    shares = both.iloc[split.test].value_counts() / both.value_counts()
    assert shares[both.value_counts() > 30].between(0.15, 0.25).all()
    check_partition(split, table_of(dx, site=site))


@given(
    labels=st.lists(st.sampled_from("ab"), min_size=60, max_size=120),
    kinds=st.integers(1, 60),
    grouped=st.booleans(),
    folds=st.sampled_from([None, 2, 5]),
    share=st.sampled_from([0.05, 0.1, 0.2]),
    seed=st.integers(0, 2**16),
)
@examples(100)
def test_any_column_can_be_stratified_by(labels, kinds, grouped, folds, share, seed):
    """Rare values, one value, as many values as rows: never a failure that the labels alone would not have."""
    labels = [*labels, *"ab" * 10]
    rng = np.random.default_rng(seed)
    values = rng.integers(0, kinds, len(labels)).astype(float)
    values[rng.random(len(labels)) < 0.1] = np.nan
    groups = [f"g{number // 2}" for number in range(len(labels))] if grouped else None
    table = table_of(labels, groups, site=values)
    split = split_table(table, SplitSettings(stratify="site", folds=folds, fold=folds and 0, test=share, seed=seed))
    check_partition(split, table)


def test_a_column_to_stratify_by_that_is_not_there_is_named():
    with pytest.raises(DataError, match=r"split.stratify: the data have no column 'sit'; did you mean 'site'\?"):
        split_table(table_of(diagnoses(), site="x"), SplitSettings(stratify="sit"))
    with pytest.raises(ValidationError, match="got both"):
        SplitSettings(stratify="site", column="split")
