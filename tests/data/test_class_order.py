"""The order of the classes is one total order: the same in every process, whatever the order of the rows."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imbalkit.data.table import Table, label_text, natural_order
from imbalkit.errors import DataError

NUMBERS = ["-inf", "-1", "-0", "0", "0.0", "00", "０", "1", "2", "10", "１0", "1000", "1_000", "1e3"]
NUMBERS += ["9007199254740992", "9007199254740993", "Infinity", "inf"]
WORDS = ["", "-nan", "B", "NaN", "None", "a", "melanoma", "nan", "é"]


@given(st.permutations(NUMBERS + WORDS))
def test_the_order_does_not_depend_on_the_rows(labels):
    expected = NUMBERS + WORDS
    assert natural_order(pd.Series(labels)) == tuple(expected)


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (["10", "2", "1"], ("1", "2", "10")),
        (["b", "a", "C"], ("C", "a", "b")),
        (["x", "2", "-1.5", "10"], ("-1.5", "2", "10", "x")),
        (["malignant", "benign"], ("benign", "malignant")),
    ],
)
def test_ordinary_labels(labels, order):
    assert natural_order(pd.Series(labels)) == order


@pytest.mark.slow
def test_the_order_does_not_depend_on_the_process():
    code = "import pandas as pd, imbalkit.data.table as t; print(t.natural_order(pd.Series('2 10 nan 1 x inf NaN'.split())))"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONHASHSEED": seed}
        )
        for seed in ("0", "1", "2")
    ]
    assert {process.communicate()[0] for process in processes} == {"('1', '2', '10', 'inf', 'NaN', 'nan', 'x')\n"}


def test_numbers_that_are_no_whole_ones_stay():
    assert label_text(pd.Series([1.0, 2.0])).tolist() == ["1", "2"]
    assert label_text(pd.Series([1.0, np.inf])).tolist() == ["1.0", "inf"]
    assert label_text(pd.Series([1e30, 1.0])).tolist() == ["1e+30", "1.0"]
    with pytest.raises(DataError, match=r"1 samples have no label \(the first is row 1\)"):
        Table.build(pd.DataFrame({"label": [1.0, np.nan, 2.0]}))
