"""One patient, one number and one label in several spellings, as spreadsheets and programs write them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imbalkit.builtin.datasets import FeatureTable
from imbalkit.data.group_checks import one_spelling
from imbalkit.data.label_checks import canonical
from imbalkit.data.split import split_table
from imbalkit.data.table import Table
from imbalkit.data.table_files import read_table, whole_numbers
from imbalkit.errors import DataError
from imbalkit.inspection.recipe_draft import inspect
from imbalkit.recipe.recipe import SplitSettings
from imbalkit_lite.tables import read_table as read_cells


def groups_of(*names, **settings):
    frame = pd.DataFrame({"label": list("ab") * (len(names) // 2), "group": list(names)})
    return Table.build(frame.assign(**settings))


@pytest.mark.parametrize(
    ("spelt", "name"),
    [(("12.0", "12"), "12"), (("P3 ", "p3"), "p3"), (("007.0", "007"), "007"), (("A_1", "a 1"), "A_1")],
)
def test_groups_that_differ_in_spelling_only_are_one(spelt, name):
    table = groups_of(*spelt, *spelt, "x1", "x2")
    assert table.groups.tolist() == [0, 0, 0, 0, 1, 2]
    assert table.frame["group"][0] == name
    assert f'"{spelt[0]}" and "{spelt[1]}"' in table.cautions[0]


def test_groups_without_a_value_stay_apart_and_others_are_left_alone():
    groups = pd.Series(["p1", None, "p10", None, "p1.5", "P-1", "1.5", "1.50", "007", "7"])
    found, cautions = one_spelling(groups)
    assert found.equals(groups)
    assert cautions == []


def test_names_of_groups_compare_with_those_of_other_tables():
    assert groups_of("1.0", " 2 ", "p3", None).frame["group"].tolist()[:3] == ["1", "2", "p3"]
    assert groups_of("1.0", " 2 ", "p3", None).cautions == ()


@given(st.text(st.characters(codec="ascii"), max_size=12))
def test_the_short_way_for_ascii_gives_what_the_long_one_does(text):
    assert canonical(text) == canonical(text + "\u200b")  # an invisible sign, which is no ASCII


def test_a_patient_in_two_tables_is_on_one_side(tmp_path):
    """pandas writes 0.0 where a column of ids has a gap: the same patients in another file are 0."""
    rows = np.random.default_rng(0)
    first = [f"{rows.random():.3f},{i % 2},{'' if i == 5 else f'{i // 2}.0'}" for i in range(40)]
    second = [f"{rows.random():.3f},{i % 2},{i // 2}" for i in range(40)]
    for name, lines in (("a.csv", first), ("b.csv", second)):
        (tmp_path / name).write_text("\n".join(["x,label,patient", *lines]))
    files = [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    table = FeatureTable(file=files, group_column="patient").load()
    split = split_table(table, SplitSettings())
    patients = table.frame["group"].astype(float)
    assert not set(patients[split.test].dropna()) & set(patients[split.train].dropna())
    given_split = FeatureTable(file={"train": files[0], "test": files[1]}, group_column="patient").load()
    with pytest.raises(DataError, match="20 groups in more than one split"):
        split_table(given_split, SplitSettings(column="split"))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [(["1", "0.0", "1.0"], ["1", "0", "1"]), (["1.0", "1.1"], ["1.0", "1.1"]), (["1.0", "", "2"], ["1", "", "2"])],
)
def test_labels_of_two_exports_put_together(labels, expected):
    assert whole_numbers(pd.Series(labels)).tolist() == expected


def test_labels_that_differ_in_leading_zeros_are_pointed_out():
    caution = Table.build(pd.DataFrame({"label": ["1", "01", "2"]})).cautions[0]
    assert "differ in spelling only" in caution


COMMAS = "gewicht;alter;genau;y\n" + "".join(
    f"{i % 17 + 40},{i % 7};{20 + i % 60};{i % 9},{i % 3}5{i % 5};{i % 2}\n" for i in range(120)
)


def test_decimal_commas_are_numbers_in_training_and_in_prediction(tmp_path):
    file = tmp_path / "komma.csv"
    file.write_text(COMMAS)
    frame = read_table(file, text=["y"])
    assert frame["gewicht"].dtype == frame["genau"].dtype == np.float64
    assert frame["gewicht"][:3].tolist() == [40.0, 41.1, 42.2]
    header, rows = read_cells(file)
    assert header == ("gewicht", "alter", "genau", "y")
    cells = pd.DataFrame(rows, columns=list(header))[["gewicht", "alter", "genau"]].astype(float)
    assert cells.equals(frame[["gewicht", "alter", "genau"]].astype(float))


def test_words_with_commas_stay_as_they_are(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("name;mixed;y\nMiller, A;1,5;0\n1,2,3;none there;1\n")
    assert read_table(file)[["name", "mixed"]].to_numpy().tolist() == [["Miller, A", "1.5"], ["1,2,3", "none there"]]


def test_init_takes_numbers_with_commas_for_inputs_and_for_no_groups(tmp_path):
    file = tmp_path / "komma.csv"
    file.write_text(COMMAS)
    found = inspect(file)
    assert found.part.group_column is None
    assert found.groups == []


@pytest.mark.parametrize("column", ["partition", "fold", "is_test"])
def test_init_points_out_a_given_split_in_other_words(tmp_path, column):
    words = {"partition": ("TRN", "TST"), "fold": ("1", "2"), "is_test": ("False", "True")}[column]
    lines = [f"{i % 13},{i % 2},{words[i % 5 == 0]}" for i in range(100)]
    (tmp_path / "t.csv").write_text("\n".join([f"x,label,{column}", *lines]))
    [hint] = [hint for hint in inspect(tmp_path / "t.csv").hints if "given split" in hint]
    assert f"column '{column}' ('{words[0]}', '{words[1]}')" in hint
    lines = [line.replace(words[0], "train").replace(words[1], "test") for line in lines]
    (tmp_path / "t.csv").write_text("\n".join(["x,label,split", *lines]))
    assert not [hint for hint in inspect(tmp_path / "t.csv").hints if "given split" in hint]
