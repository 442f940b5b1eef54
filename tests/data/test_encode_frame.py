"""A table encoded column by column is what its rows are one by one."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imbalkit.data.column_inputs import encode_frame
from imbalkit_lite.columns import CategoryColumn, ColumnEncoding, NumberColumn

ENCODING = ColumnEncoding((NumberColumn("a", 3.2, 1.7), CategoryColumn("b", ("1", "true", "left arm"))))
CELLS = [
    None,
    float("nan"),
    pd.NA,
    "",
    "NA",
    1,
    1.0,
    "1.0",
    " 1",
    True,
    "TRUE",
    "Left Arm ",
    "x",
    2.5,
    -1e9,
    1e300,
    float("inf"),
    "1e5",
]


def one_by_one(frame):
    rows = (dict(zip(frame, cells, strict=True)) for cells in frame.itertuples(index=False, name=None))
    return ENCODING.encode(rows)


@given(st.lists(st.tuples(st.sampled_from(CELLS), st.sampled_from(CELLS)), min_size=1, max_size=30))
def test_cells_of_any_type(rows):
    frame = pd.DataFrame(rows, columns=["a", "b"], dtype=object)
    assert encode_frame(ENCODING, frame).tobytes() == one_by_one(frame).tobytes()


@pytest.mark.parametrize(
    "dtype", ["int8", "int64", "uint16", "float32", "float64", "Int64", "Float64", "category", "bool", "str"]
)
def test_columns_of_any_type(dtype):
    values = np.random.default_rng(0).integers(0, 120, 50)
    frame = pd.DataFrame({"b": pd.Series(values % 3).astype(dtype), "a": pd.Series(values).astype(dtype)})
    if dtype.lower().startswith("f"):
        frame.loc[3, "a"] = np.nan
        frame["a"] += 0.1
    assert encode_frame(ENCODING, frame).tobytes() == one_by_one(frame).tobytes()
