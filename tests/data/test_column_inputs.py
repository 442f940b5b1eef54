"""Columns fitted on training rows, and what tells the label before an image does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from imbalkit.builtin.datasets import FeatureTable
from imbalkit.data.column_inputs import (
    FittedColumn,
    encode_frame,
    fit_column,
    is_id,
    kind_of,
    names_groups,
    no_numbers,
    risks,
    separation,
)
from imbalkit_lite.columns import CATEGORY, NUMBER, ColumnEncoding


def series(values, name="column"):
    return pd.Series(values, name=name, dtype=object)


@pytest.mark.parametrize(
    "values, kind",
    [
        ([1, 2.5, None], NUMBER),
        (["1", "2", "NA"], NUMBER),
        (["1", "two"], CATEGORY),
        ([None, None], CATEGORY),
        (["male", None], CATEGORY),
        ([*map(str, range(20, 40)), "4o"], NUMBER),
        ([*range(20, 40), float("inf")], NUMBER),
        ([*range(20, 40), *["unknown"] * 30], NUMBER),
        ([1, 2, 3] * 10 + ["2-3"], NUMBER),
        (["0", "1", "2", "3", "X"] * 4, CATEGORY),
        ([0] * 30 + ["many"], CATEGORY),
    ],
)
def test_kinds_follow_the_values(values, kind):
    assert kind_of(series(values)) == kind


def test_true_and_false_are_categories():
    assert kind_of(pd.Series([True, False])) == CATEGORY


def test_numbers_have_the_mean_and_deviation_of_the_rows_that_have_one():
    values = np.array([20.0, 35, 50, np.nan, 71])
    fitted = fit_column(series(values), NUMBER)
    known = values[~np.isnan(values)]
    assert fitted.column.mean == pytest.approx(known.sum() / 4, rel=1e-12)
    assert fitted.column.std == pytest.approx(np.sqrt(((known - known.mean()) ** 2).sum() / 4), rel=1e-12)
    assert (fitted.rows, fitted.missing) == (5, 1)
    assert FittedColumn.from_json(fitted.to_json()) == fitted


def test_text_among_numbers_counts_as_missing():
    values = series([20, 30, "4o", None, 50, "inf"])
    fitted = fit_column(values, NUMBER)
    assert (fitted.column.mean, fitted.rows, fitted.missing) == (pytest.approx(100 / 3), 6, 3)
    assert no_numbers(values).to_dict() == {2: "4o", 5: "inf"}
    assert encode_frame(ColumnEncoding((fitted.column,)), values.to_frame())[:, 1].tolist() == [0, 0, 1, 1, 0, 1]
    assert not len(no_numbers(pd.Series([1.0, np.nan])))


def test_rare_values_are_no_categories():
    fitted = fit_column(series(["arm"] * 9 + ["Leg", "leg "] * 3 + ["toe"] * 4 + [None]), CATEGORY)
    assert fitted.column.values == ("arm", "leg")
    assert (fitted.missing, fitted.others) == (1, 4)


@pytest.mark.parametrize(
    "values, kind, message",
    [
        ([None] * 9, NUMBER, "has no value in any training row"),
        ([7, 7.0, None], NUMBER, "is 7 in every training row that has a value"),
        (["a", "A "], CATEGORY, "is 'a' in every training row: nothing"),
        (["y", "x"], NUMBER, "holds no number, but values such as 'y'"),
        ([f"P{row}" for row in range(300)], CATEGORY, "300 different values in 300 training rows: an id or free text"),
        ([f"P{row}" for row in range(120)] * 5, CATEGORY, "has 120 categories, at most 100 are possible"),
        (["a", "b", "c"], CATEGORY, "has no value that 5 training rows share"),
        ([1e308, -1e308, 1e308], NUMBER, "too large"),
    ],
)
def test_columns_that_say_nothing_are_refused(values, kind, message):
    assert message in fit_column(series(values), kind)


@pytest.mark.parametrize(
    ("values", "two"),
    [
        (["2.1", "2.10"], ("2.1", "2.10")),
        (["1e3", "1000"], ("1e3", "1000")),
        (["007", "7"], ("007", "7")),
        (["3.0", "3"], None),  # as programs write a whole number
        (["2,5", "2.5"], None),
        (["Male", " male "], None),
        (["+3", "3"], None),
        ([3.0, 3], None),
    ],
)
def test_codes_that_are_one_number_are_no_category(values, two):
    found = fit_column(pd.Series([*values, "other"] * 10, name="code", dtype=object), CATEGORY)
    if two is None:
        assert len(found.column.values) == 2
    else:
        assert found.startswith(f"has the values {two[0]!r} and {two[1]!r}, which are one number")


def test_codes_stated_as_categories_are_read_as_they_are_written(tmp_path):
    codes = ["2.1", "2.10", "3.2"] * 10
    pd.DataFrame({"code": codes, "x": range(30), "y": list("ab") * 15}).to_csv(tmp_path / "t.csv", index=False)
    table = FeatureTable(file=str(tmp_path / "t.csv"), label_column="y", categories=["code"]).load()
    assert table.frame["code"].tolist() == codes


def test_a_value_or_none_says_something():
    assert fit_column(series(["yes"] * 5 + [None]), CATEGORY).column.values == ("yes",)


def test_ids_are_whole_numbers_that_differ_in_every_row():
    assert is_id(series(range(20)))
    assert not is_id(series(range(19)))
    assert not is_id(series(np.arange(20) / 3))
    assert not is_id(series([*range(20), 3]))


def test_other_names_of_groups_are_recognised():
    groups = np.repeat(np.arange(30), 2)
    assert names_groups(series([f"P{group}" for group in groups]), groups)
    assert not names_groups(series([f"P{group // 2}" for group in groups]), groups)
    alone = np.arange(60)
    assert not names_groups(series(np.random.default_rng(0).normal(size=60)), alone)  # any measurement would be a name


@pytest.mark.parametrize("kind", [NUMBER, CATEGORY])
def test_separation_of_chance_is_one_half_whatever_the_number_of_values(kind):
    random = np.random.default_rng(0)
    areas = []
    for _ in range(40):
        labels, values = random.integers(0, 10, 600) == 0, random.integers(0, 80, 600)
        areas.append(separation(series(values), labels.astype(int), kind))
    assert 0.45 < np.mean(areas) < 0.58  # the larger of two classes' areas: a little above


def test_separation_of_the_label_itself_is_one():
    labels = np.arange(200) % 10 // 9
    assert separation(series(np.where(labels, "yes", "no")), labels, CATEGORY) == pytest.approx(1)
    assert separation(series(labels * 100 + np.arange(200) % 7), labels, NUMBER) == pytest.approx(1)
    assert np.isnan(separation(series(labels), np.zeros(200, dtype=int), CATEGORY))


def test_risks_are_named():
    labels = np.arange(2000) % 10 // 9
    how = np.where(labels, "histology", np.where(np.arange(2000) % 3, "follow-up", "histology"))
    found = risks(series(how, "dx_type"), labels, ("nevus", "melanoma"), CATEGORY)
    assert "no training row of 'follow-up' (1,200 rows) is melanoma" in found[0] + found[1]
    assert "its name is that of a diagnosis" in found[-1]
    assert risks(series(np.arange(2000) % 7, "age"), labels, ("nevus", "melanoma"), NUMBER) == []
    history = np.where(np.arange(2000) % 3, "yes", "no")
    assert risks(series(history, "family_history"), labels, ("nevus", "melanoma"), CATEGORY) == []


@pytest.mark.parametrize(
    "values", [[1.5, np.nan, -2.0, 1e-7] * 8, list(range(32)), [3.0] * 32, [np.nan] * 32, [np.inf, 1.0] * 16]
)
def test_an_array_of_numbers_is_fitted_as_its_cells_are(values):
    fast, slow = pd.Series(values, name="x"), pd.Series(values, name="x").astype(object)
    assert kind_of(fast) == kind_of(slow)
    if not np.isinf(values).any():
        assert is_id(fast) == is_id(slow)
    assert fit_column(fast, "number") == fit_column(slow, "number")
