"""One patient, one number and one label in several spellings, as spreadsheets and programs write them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
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
from imbalkit_lite.columns import cell_text
from imbalkit_lite.inputs import find_rows
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
@example("0.")
@example(" 1.0 ")
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
    header, rows, *_ = read_cells(file)
    assert header == ("gewicht", "alter", "genau", "y")
    cells = pd.DataFrame(rows, columns=list(header))[["gewicht", "alter", "genau"]]
    assert cells["gewicht"][1] == "41,1"  # as it is written
    (source,) = find_rows([file], ["alter"]).sources
    cells = pd.DataFrame([item.inputs for item in source])[["gewicht", "alter", "genau"]].astype(float)
    assert cells.equals(frame[["gewicht", "alter", "genau"]].astype(float))


_DIGITS = st.text("0123456789", min_size=1, max_size=24)
_CELLS = st.one_of(
    _DIGITS,
    st.builds("{}{}.{}".format, st.sampled_from(["", "-", "+"]), _DIGITS, _DIGITS),
    st.builds("{}e{}".format, st.integers(-99, 99), st.integers(-30, 30)),
    st.sampled_from(
        ["", "NA", "True", "FALSE", "word", "1,5", "1,234", "0,5", "inf", "-0", "nan", "1_000", "0x1F", "1d5"]
    ),
)


@given(cells=st.lists(_CELLS, min_size=1, max_size=5), separator=st.sampled_from(";\t"))
@example(cells=["12345678901234567", "", "12345678901234568"], separator="\t")
@example(cells=["99999999999999999999", "1"], separator=";")
@example(cells=["1,5", "+90100000.00000001"], separator=";")
@example(cells=["010000000000000000"], separator=";")
@example(cells=["20000000000000000000", "1_000"], separator=";")
@settings(max_examples=300)
def test_training_and_prediction_compare_cells_by_one_text(tmp_path_factory, cells, separator):
    file = tmp_path_factory.mktemp("cells") / "t.csv"
    rows = [f"{row}{separator}{cell}{separator}x" for row, cell in enumerate(cells)]
    file.write_text("\n".join([f"row{separator}cell{separator}y", *rows]) + "\n")
    trained = [cell_text(cell) for cell in read_table(file, text=["y"])["cell"]]
    (source,) = find_rows([file], ["cell"]).sources
    predicted = [cell_text(item.inputs["cell"]) for item in source]
    assert trained == predicted
    assert [item.extra["cell"] or "" for item in source] == cells  # what stands beside predictions is what was written


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_large_codes_with_gaps_are_not_rounded(tmp_path, kind):
    codes, file = [12345678901234567, None, 12345678901234568, -(2**60) - 1], tmp_path / f"t.{kind}"
    if kind == "csv":
        file.write_text("code,y\n" + "".join(f"{'' if code is None else code},1\n" for code in codes))
    elif kind == "jsonl":
        file.write_text("".join(json.dumps({"code": code, "y": 1}) + "\n" for code in codes))
    else:
        pd.DataFrame({"code": pd.array(codes, dtype="Int64"), "y": 1}).to_parquet(file)
    texts = [None if code is None else str(code) for code in codes]
    assert [cell_text(cell) for cell in read_table(file)["code"]] == texts
    grouped = read_table(file, ids=["code"])["code"]
    assert [text if isinstance(text, str) else None for text in grouped] == texts
    if kind != "jsonl":
        assert [cell_text(item.inputs["code"]) for item in find_rows([file], ["code"]).sources[0]] == texts


def test_rows_keep_the_numbers_that_they_have_in_the_file(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("a;b\n1;x\n\n;\n2,5;y\n")
    (source,) = find_rows([file], ["a"]).sources
    assert [(item.path, dict(item.extra)) for item in source] == [
        ("1", {"a": "1", "b": "x"}),
        ("3", {"a": "2,5", "b": "y"}),
    ]
    assert (read_table(file).index + 1).tolist() == [1, 3]


@pytest.mark.parametrize(
    ("cells", "refused"),
    [
        (["1.234", "987", "12.001"], "1.234"),
        (["1.234", "0.5", "2"], None),  # decimals after all
        (["12.34", "987", "5"], None),
        (["987", "5", "12"], None),
    ],
)
def test_dots_between_thousands_beside_decimal_commas_are_not_read_as_decimals(tmp_path, cells, refused):
    file = tmp_path / "t.csv"
    file.write_text("preis;anteil;y\n" + "".join(f"{cell};0,{n}5;a\n" for n, cell in enumerate(cells)))
    if refused is None:
        assert read_table(file)["preis"].tolist() == [float(cell) for cell in cells]
    else:
        with pytest.raises(DataError, match=f"column 'preis' holds {refused!r}, and other columns have decimal commas"):
            read_table(file)
    file.write_text(file.read_text().replace("0,", "0."))  # nobody writes commas here
    assert read_table(file)["preis"].tolist() == [float(cell) for cell in cells]


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
