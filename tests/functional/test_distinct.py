"""Against NumPy's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imbalkit.functional.distinct import distinct, without
from tests.properties import examples


@examples(100)
@given(st.lists(st.integers(-50, 50)), st.lists(st.integers(-50, 50), max_size=5))
def test_as_numpy_has_it(values, others):
    values, others = np.array(values, dtype=np.int64), np.array(others, dtype=np.int64)
    assert distinct(values).tolist() == np.unique(values).tolist()
    assert without(values, others).tolist() == np.setdiff1d(values, others).tolist()


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.int64])
def test_types_stay(dtype):
    assert distinct(np.array([3, 1, 3], dtype=dtype)).dtype == dtype
