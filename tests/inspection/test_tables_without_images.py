"""`imbalkit init` on a table whose columns are the samples."""

from __future__ import annotations

import pytest

from imbalkit.errors import DataError
from imbalkit.inspection.recipe_draft import inspect, recipe_text
from imbalkit.inspection.starting_point import starting_point
from imbalkit.recipe.prepare import prepare
from tests.tables import write_patients


@pytest.mark.parametrize("file", ["patients.csv", "patients.parquet"])
def test_it_is_recognised_and_the_recipe_works(tmp_path, file):
    data = write_patients(tmp_path, file=file)
    found = inspect(tmp_path / file)
    assert (found.part.name, found.unit, found.positive) == ("features", "rows", "ill")
    out = tmp_path / "recipe.yaml"
    out.write_text(recipe_text(found, starting_point(found), out))
    prepared = prepare(out, runtime=True)
    assert prepared.recipe.data.label_column == data["label_column"]
    assert prepared.recipe.data.group_column == "patient"
    assert (prepared.recipe.backbone.name, prepared.encoding.names) == ("mlp", ("age", "noise", "site"))


def test_cells_that_name_images_are_not_taken_for_features(tmp_path):
    (tmp_path / "t.csv").write_text("file,label\na.jpg,0\nb.jpg,1\n")
    with pytest.raises(DataError, match="no column of .* holds the paths or names of images"):
        inspect(tmp_path / "t.csv")
