"""The record of a run's data: numbers have the text that any cell has."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imbalkit.data.row_hashes import texts_of
from imbalkit.runs.data_record import copies_notes
from imbalkit_lite.columns import cell_text


@given(st.lists(st.floats(width=64)), st.sampled_from(["float64", "float32", "float16"]))
def test_floats(numbers, kind):
    with np.errstate(over="ignore"):
        values = pd.Series(np.array(numbers, dtype=np.float64).astype(kind))
    assert texts_of(values) == [cell_text(cell) or "" for cell in values]


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_whole_numbers(numbers):
    values = pd.Series(np.array(numbers, dtype=np.int64))
    assert texts_of(values) == [cell_text(cell) or "" for cell in values]


@pytest.mark.parametrize(
    "values",
    [
        [True, False],
        [" Arm", None, "3.0"],
        [2**53, 2**53 + 1, -(2**53)],
        [0.0, -0.0, 1e16, 2.0**53, 1e300, np.inf, -np.inf, np.nan],
        pd.array([1, None], dtype="Int64"),
        pd.Categorical(["a", "NA"]),
    ],
)
def test_cells_of_each_kind(values):
    column = pd.Series(values)
    assert texts_of(column) == [cell_text(cell) or "" for cell in column]


def test_test_rows_that_are_copies_of_others_are_counted():
    record = pd.DataFrame(
        {
            "path": list("abcdefgh"),
            "split": ["train", "train", "validation", "test", "test", "test", "test", ""],
            "content": np.array([1, 0, 2, 1, 2, 3, 0, 3], dtype=np.uint64),
        }
    )
    [note] = copies_notes(record)
    assert note.startswith("2 of 4 test rows have the same image as a training or validation row")
    assert copies_notes(record.assign(content=np.arange(8, dtype=np.uint64))) == []
    [note] = copies_notes(record, np.array([5, 6, 7, 5, 8, 9, 9, 9], dtype=np.uint64))  # of what the network is given
    assert note.startswith("1 of 4 test rows")
    assert copies_notes(record.drop(columns="content")) == copies_notes(None) == []
