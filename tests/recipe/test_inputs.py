"""Columns as inputs in a recipe: what is refused before anything runs, and that training rows alone are fitted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from imbalkit.errors import RecipeError
from imbalkit.recipe.prepare import prepare
from imbalkit_lite.columns import NUMBER
from tests.people import RECIPE, write_people


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_people(tmp_path_factory.mktemp("people"))


def prepared(data, columns=("age", "sex", "site"), **more):
    inputs = {"columns": list(columns)} | more.pop("inputs", {})
    return prepare(RECIPE | {"data": data, "inputs": inputs} | more)


@pytest.mark.parametrize("name", ["group", "group_in_table"])
def test_a_column_under_another_name_is_no_input_as_predict_would_not_find_it(data, tmp_path, name):
    frame = pd.read_csv(data["file"]).rename(columns={"sex": "group"})
    frame["path"] = [str(Path(data["file"]).parent / path) for path in frame["path"]]
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(
        RecipeError, match=r"inputs.columns\[0\]: the table's column 'group' has a name that imbalkit uses itself"
    ):
        prepared(data | {"file": str(tmp_path / "t.csv")}, columns=(name, "age"))
    with pytest.raises(RecipeError, match="'group' is the group, and no input"):
        prepared(data | {"file": str(tmp_path / "t.csv"), "group_column": "group"}, columns=("group", "age"))


def test_the_recipe_of_before_has_the_text_and_hash_of_before(data):
    without = prepare({key: value for key, value in RECIPE.items() if key != "inputs"} | {"data": data}).recipe
    assert "inputs" not in without.to_yaml()
    assert "inputs" in prepared(data).recipe.to_yaml()
    assert without.hash != prepared(data).recipe.hash


@pytest.mark.parametrize(
    "columns, more, message",
    [
        (["agee"], {}, "inputs.columns[0]: the data have no column 'agee'; did you mean 'age'?"),
        (["sex", "state"], {}, "inputs.columns[1]: 'state' is the label, and no input"),
        (["label"], {}, "'label' is the label"),
        (["path"], {}, "'path' is the image's path"),
        (["clinic"], {}, "'clinic' is 'north' in every training row: nothing can be learnt"),
        (["chart"], {}, "'chart' stands in for the label: alone it ranks a class of the training rows with an AUC of 1.000"),
        (["number"], {}, "'number' is another whole number in every training row: an id"),
        (["age", "age"], {}, "'age' is named twice"),
        ([], {}, "inputs.columns"),
        (["age"], {"inputs": {"numeric": ["sex"]}}, "`numeric` names 'sex', which is not among `columns`"),
        (["age"], {"inputs": {"numeric": ["age"], "categories": ["age"]}}, "in `numeric` and in `categories`"),
        (["sex"], {"inputs": {"numeric": ["sex"]}}, "'sex' holds no number, but values such as"),
        (["age"], {"inputs": {"dropout": 1.0}}, "inputs.dropout"),
        (["age"], {"mixer": "remix"}, "mixer: 'remix' gives a label another share than its image"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(data, columns, more, message):
    with pytest.raises(RecipeError) as caught:
        prepared(data, columns, **more)
    assert message in str(caught.value)


def test_groups_and_their_other_names_are_refused(data, tmp_path):
    table = pd.read_csv(data["file"])
    table["patient"] = table.index // 2
    table["record"] = [f"R{index // 2}" for index in table.index]
    table.to_csv(tmp_path / "people.csv", index=False)
    grouped = data | {"file": str(tmp_path / "people.csv"), "group_column": "patient", "check_files": False}
    with pytest.raises(RecipeError, match="'patient' is the group"):
        prepared(grouped | {"metadata_columns": ["patient", "age"]}, ["patient"])
    with pytest.raises(RecipeError, match="'record' (names the groups|has no value that 5|has .* different values)"):
        prepared(grouped, ["record"])


def test_kinds_can_be_stated(data):
    assert prepared(data, ["number"], inputs={"numeric": ["number"]}).encoding.columns[0].kind == "number"
    graded = pd.read_csv(data["file"])
    assert prepared(data, ["sex"], inputs={"categories": ["sex"]}).encoding.columns[0].values == tuple(
        sorted(set(graded["sex"]))
    )


def test_training_rows_alone_are_fitted(data, tmp_path):
    """A value that only validation and test rows have changes nothing."""
    before = prepared(data)
    table = pd.read_csv(data["file"])
    others = np.concatenate([before.split.validation, before.split.test])
    table.loc[others, ["age", "sex", "site"]] = [1e6, "poison", "moon"]
    table.to_csv(tmp_path / "people.csv", index=False)
    root = data["file"].removesuffix("/people.csv")
    after = prepared(data | {"file": str(tmp_path / "people.csv"), "root": root})
    assert after.encoding == before.encoding
    np.testing.assert_array_equal(after.columns[after.split.train], before.columns[before.split.train])
    train = pd.read_csv(data["file"]).loc[before.split.train, "age"]
    assert before.encoding.columns[0].mean == pytest.approx(train.mean(), rel=1e-12)
    assert before.encoding.columns[0].std == pytest.approx(train.std(ddof=0), rel=1e-12)
    poisoned = after.columns[others]
    assert (poisoned[:, 0] == 10).all()  # not an infinite one
    sex, site = after.encoding.columns[1:]
    assert (poisoned[:, 2 + len(sex.values)] == 1).all()  # "other"
    assert "toe" not in site.values


def test_odd_columns_are_noted(data, tmp_path):
    table = pd.read_csv(data["file"])
    table["dx_type"] = np.where((table["state"] == "ill") | (table.index % 3 == 0), "histology", "follow-up")
    table.to_csv(tmp_path / "people.csv", index=False)
    root = data["file"].removesuffix("/people.csv")
    notes = prepared(data | {"file": str(tmp_path / "people.csv"), "root": root}, ["dx_type", "sex"]).notes
    assert [note for note in notes if note.startswith("inputs: ")] == [
        note for note in notes if "'dx_type' may tell the label before the image does" in note
    ]
    assert not [note for note in prepared(data, ["sex", "site"]).notes if note.startswith("inputs: ")]


@pytest.mark.parametrize("row", [0, -1])  # whether it is trained on or not
def test_text_among_numbers_is_noted_with_its_place(data, tmp_path, row):
    table = pd.read_csv(data["file"], dtype={"age": object})
    table.loc[table.index[row], "age"] = "4o"
    table.to_csv(tmp_path / "people.csv", index=False)
    data = data | {"file": str(tmp_path / "people.csv"), "root": str(Path(data["file"]).parent / data.get("root", "."))}
    found = prepared(data, ["age", "sex"])
    assert found.fitted_columns[0].column.kind == NUMBER
    (note,) = (note for note in found.notes if "'age' holds numbers" in note)
    assert f"column 'age' holds numbers, but for 1 of {len(table)} cells ('4o'; the first is that of " in note
    assert str(table["path"].iloc[row]) in note
    assert "or name it in `categories`" in note
    stated = prepared(data, ["age", "sex"], inputs={"numeric": ["age"]})
    assert "categories" not in next(note for note in stated.notes if "'age' holds numbers" in note)
