"""Columns as a network takes them: against a plain float64 reference, and what is missing or new at work."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from imbalkit_lite.columns import (
    CategoryColumn,
    ColumnEncoding,
    NumberColumn,
    absent_note,
    as_number,
    cell_text,
    unknown_notes,
)
from imbalkit_lite.errors import CardError, DataError

ENCODING = ColumnEncoding((NumberColumn("age", 50.0, 8.0), CategoryColumn("sex", ("female", "male"))))
GAPS = [None, "", "  ", "NA", "nan", float("nan"), np.float32("nan")]


def test_encoding_is_the_formula_in_float64():
    ages = [20, "45.5", 50.0, "1e2", np.int64(70)]
    found = ENCODING.encode([{"age": age, "sex": "male"} for age in ages])
    assert found.dtype == np.float32
    assert found.shape == (5, 6)
    expected = (np.array([20, 45.5, 50, 100, 70], dtype=np.float64) - 50) / 8
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-7)
    assert found[:, 1:].tolist() == [[0, 0, 1, 0, 0]] * 5  # not missing; female, male, other, missing


@pytest.mark.parametrize("gap", GAPS)
def test_what_is_missing_has_its_own_place(gap):
    assert ENCODING.encode([{"age": gap, "sex": gap}]).tolist() == [[0, 1, 0, 0, 0, 1]]
    np.testing.assert_array_equal(ENCODING.missing(2), ENCODING.encode([{}, {"unheard": 3}]))


def test_no_rows_are_no_rows():
    assert ENCODING.encode([]).shape == (0, 6)


def test_new_values_are_other_and_counted():
    unknown = Counter()
    rows = [{"age": "old", "sex": "diverse"}, {"age": "inf", "sex": " MALE "}, {"age": 1e9, "sex": "diverse"}]
    found = ENCODING.encode(rows, unknown)
    assert found[0].tolist() == [0, 1, 0, 0, 1, 0]
    assert found[1, 2:].tolist() == [0, 1, 0, 0]  # whatever its case and blanks
    assert found[2, 0] == 10  # a slip of the pen goes no further than ten standard deviations
    assert unknown == {("age", "old"): 1, ("age", "inf"): 1, ("sex", "diverse"): 2}
    assert unknown_notes(unknown, ENCODING) == [
        "age: 2 cells have values that are no number: treated as missing ('inf', 'old')",
        "sex: 2 cells have values that are no category of the model: treated as other ('diverse')",
    ]


@pytest.mark.parametrize(
    "value, text",
    [("Male", "male"), (3.0, "3"), ("3.0", "3"), (True, "true"), ("True", "true"), (2.5, "2.5"), (-0.0, "0")],
)
def test_cells_of_any_type_compare_as_text(value, text):
    assert cell_text(value) == text


def test_the_encoding_reads_back_exactly():
    assert ColumnEncoding.from_json(ENCODING.to_json()) == ENCODING


@pytest.mark.parametrize(
    "document, message",
    [
        ({}, "expected a list"),
        ([], "expected at least one"),
        ([{"kind": "date", "name": "when"}], "expected one of number, category, got 'date'"),
        ([{"kind": "number", "name": "age", "mean": 1, "std": 0}], "std of age: expected a number above 0"),
        ([{"kind": "number", "name": "age", "mean": math.nan, "std": 1}], "mean of age: expected a number"),
        ([{"kind": "number", "name": "age", "mean": 1}], "columns: std not stated"),
        ([{"kind": "category", "name": "sex", "values": []}], "expected a list of texts"),
        ([ENCODING.to_json()[0]] * 2, "'age' is named twice"),
    ],
)
def test_what_cannot_be_an_encoding_is_refused(document, message):
    with pytest.raises(CardError, match=message):
        ColumnEncoding.from_json(document)


def test_inputs_without_the_columns_are_noted_once():
    assert absent_note(ENCODING, [("sex", "age", "more")]) == ""
    assert "and the input has no age, sex: treated as missing" in absent_note(ENCODING, [()])
    assert "and some of the inputs have no age: treated as missing" in absent_note(ENCODING, [("sex",), ("sex", "age")])


def test_a_column_that_is_spelt_otherwise_is_named():
    assert absent_note(ENCODING, [("path", "agee", "sex")]).endswith("do not hold; did you mean 'agee'?")
    with pytest.raises(DataError, match="takes a column 'age', and a table has ' Age': rename it to 'age'"):
        absent_note(ENCODING, [("path", " Age", "sex")])
    assert absent_note(ENCODING, [("age", "Age", "sex")]) == ""
    with pytest.raises(
        DataError, match="takes a column 'age', and a table has several of that name: leave one of them"
    ):
        absent_note(ENCODING, [("path", "age (1st)", "age (2nd)", "sex")])


@pytest.mark.parametrize(
    ("cell", "number"),
    [("57,3", 57.3), ("-,5", -0.5), ("0,123", 0.123), (" 1e-3 ", 0.001), ("+7.", 7.0), (np.float32(0.5), 0.5)],
)
def test_numbers_as_they_are_written(cell, number):
    assert as_number(cell) == number
    assert NumberColumn("x", 0.0, 1.0).code(cell) == number


@pytest.mark.parametrize(
    "cell", ["10_19", "1,234", "1,2,3", "1.2.3", "0x10", "inf", "nan", "1e999", "True", "", "4o", "."]
)
def test_what_is_no_number(cell):
    assert as_number(cell) is None


@pytest.mark.parametrize("cells", [("0.50", ".5", 0.5, "5e-1", "0,5"), ("2", 2.0, "02", "2.00")])
def test_a_number_as_a_category_has_one_spelling(cells):
    column = CategoryColumn("dose", (cell_text(cells[2]),))
    assert {column.encode(cell) for cell in cells} == {(1.0, 0.0, 0.0)}
