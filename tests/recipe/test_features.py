"""Recipes on tables without images: what is refused and why, what is fitted, and on which rows."""

from __future__ import annotations

import numpy as np
import pytest

from imbalkit.errors import RecipeError
from imbalkit.recipe.prepare import prepare
from tests.tables import RECIPE, patients, write_patients


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_patients(tmp_path_factory.mktemp("table"))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"backbone": "small_cnn"}, "backbone: 'small_cnn' takes images; .*take `backbone: mlp`"),
        ({"mixer": "cutmix"}, "mixer: 'cutmix' pastes a part of one image over another; .*take mixup"),
        ({"mixer": "remix"}, "'remix' gives a label another share"),
        (
            {"augment": [{"name": "kornia", "transform": "RandomHorizontalFlip"}]},
            r"augment\[0\]: .kornia. changes pixels",
        ),
        (
            {"samplers": [{"name": "oversample", "views": {"ill": [["radial_blur"]]}}]},
            "'radial_blur' changes pixels; .*take random_over",
        ),
        ({"predict": {"views": "flips"}}, "predict.views: averages mirrored images"),
        ({"images": {"size": 32}}, "images: says how files become pixels"),
        ({"inputs": {"columns": ["age"]}}, "inputs: names columns beside an image; .*in `columns` of `data`"),
    ],
)
def test_what_needs_images_is_refused_with_the_reason(data, change, message):
    with pytest.raises(RecipeError, match=message):
        prepare(RECIPE | {"data": data} | change)


def test_a_network_of_columns_is_refused_for_images():
    with pytest.raises(RecipeError, match="'mlp' takes columns of a table, and the data are images"):
        prepare({"data": "digits", "backbone": "mlp"})


def test_scaling_and_categories_are_fitted_on_training_rows(data):
    prepared = prepare(RECIPE | {"data": data})
    train = patients().iloc[prepared.split.train]
    age, noise, site = prepared.encoding.columns
    assert age.mean == pytest.approx(train["age"].mean())
    assert age.std == pytest.approx(train["age"].std(ddof=0))
    assert noise.std == pytest.approx(train["noise"].std(ddof=0))
    assert site.values == ("arm", "back", "leg")
    assert prepared.columns.shape == (300, 2 + 2 + 5)
    np.testing.assert_array_equal(prepared.columns[:, 1], patients()["age"].isna())


def test_columns_that_say_nothing_are_left_out_with_a_note(data):
    notes = prepare(RECIPE | {"data": data}).input_notes
    assert [note.partition(": it ")[0] for note in notes] == [
        "column 'unit' is left out",
        "column 'record' is left out",
    ]
    kept = prepare(RECIPE | {"data": data | {"numeric": ["record"]}})
    assert kept.encoding.names == ("age", "noise", "site", "record")


def test_a_column_that_is_the_label_by_another_name_is_noted(tmp_path):
    frame = patients()
    frame["biopsy"] = np.where(frame["outcome"] == "ill", "yes", "no")
    frame.to_csv(tmp_path / "t.csv", index=False)
    data = {"name": "features", "file": str(tmp_path / "t.csv"), "label_column": "outcome", "group_column": "patient"}
    assert any("column 'biopsy' alone ranks a class" in note for note in prepare(RECIPE | {"data": data}).notes)


def test_no_column_that_says_anything(data):
    with pytest.raises(RecipeError, match="no column is left to learn from: column 'unit' is left out"):
        prepare(RECIPE | {"data": data | {"columns": ["unit"]}})


def test_kinds_that_are_stated(data):
    prepared = prepare(RECIPE | {"data": data | {"columns": ["age", "record"], "categories": ["record"]}})
    assert any("column 'record' is left out: it has" in note for note in prepared.input_notes)
