"""Runs with columns beside the image at work: from tables on the command line, from frames, and where columns lack."""

from __future__ import annotations

import io
import shutil

import numpy as np
import pandas as pd
import pytest

from imbalkit.engine.options import RunOptions
from imbalkit.engine.run import run
from imbalkit.notebook.run import Run
from tests.command_line import imbalkit
from tests.people import RECIPE, write_people

pytestmark = pytest.mark.usefixtures("no_charts")


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A folder with a run, the pictures in people/ and people/people.csv."""
    folder = tmp_path_factory.mktemp("predict")
    data = write_people(folder / "people", rows=200)
    training = RECIPE["training"] | {"optimizer": {"lr": 0.01}, "monitor": "last", "epochs": 4}
    run(RECIPE | {"data": data, "training": training}, options=RunOptions(folder=folder / "run"))
    return folder


def predict(people, *arguments):
    result = imbalkit("predict", people / "run", *arguments, "--csv", cwd=people)
    return result, pd.read_csv(io.StringIO(result.stdout))


def of_the_run(people):
    """The test rows of the run, by the names of their files."""
    table = pd.read_parquet(people / "run" / "predictions.parquet")
    return table.assign(name=table["path"].str.rpartition("/")[2]).set_index("name")["probability_ill"]


def test_a_table_gives_the_columns_to_the_network(people):
    result, found = predict(people, people / "people" / "people.csv")
    assert (
        result.stderr == "note: site: 3 cells have values that are no category of the model: treated as other ('toe')\n"
    )
    expected = of_the_run(people)
    np.testing.assert_allclose(found.set_index("path")["probability_ill"].loc[expected.index], expected, rtol=1e-4)
    assert set(found["sex"]) == {"male", "female"}  # columns stay beside the predictions
    assert found["error"].isna().all()


def test_pictures_alone_are_predicted_with_one_plain_note(people):
    result, found = predict(people, people / "people" / "000.png", people / "people" / "001.png")
    assert result.stderr == (
        "note: the model takes age, sex, site beside the image, and the input has no age, sex, site: treated as "
        "missing, for which its metrics on test rows do not hold\n"
    )
    assert len(found) == 2
    table, frame = people / "people" / "none.csv", pd.DataFrame({"path": ["000.png", "001.png"], "age": [None, None]})
    frame.to_csv(table, index=False)
    result, same = predict(people, table)
    assert "and the input has no sex, site: treated as missing" in result.stderr
    np.testing.assert_array_equal(found["probability_ill"], same["probability_ill"])


def test_a_column_decides(people):
    table = people / "people" / "ages.csv"
    pd.DataFrame({"path": ["000.png"] * 2, "age": [25, 88], "sex": "male", "site": "arm"}).to_csv(table, index=False)
    result, found = predict(people, table)
    assert result.stderr == ""
    assert found["probability_ill"][1] > found["probability_ill"][0] + 0.01


def test_values_that_are_no_numbers_and_files_that_are_not_there(people):
    table = people / "people" / "odd.csv"
    rows = {"path": ["000.png", "gone.png", None], "age": ["forty", "x", 3], "sex": ["F", "male", None], "site": "arm"}
    pd.DataFrame(rows).to_csv(table, index=False)
    result, found = predict(people, table)
    assert "note: age: 1 cell has a value that is no number: treated as missing ('forty')\n" in result.stderr
    assert "note: sex: 1 cell has a value that is no category of the model: treated as other ('F')\n" in result.stderr
    assert found["error"].notna().tolist() == [False, True, True]
    assert "gone.png" not in result.stderr.replace("odd", "")


def test_a_frame_in_a_notebook(people):
    frame = pd.read_csv(people / "people" / "people.csv").iloc[:9]
    frame["path"] = [str(people / "people" / name) for name in frame["path"]]
    loaded = Run.load(people / "run")
    found = loaded.predict(frame[frame["site"] != "toe"])
    with pytest.warns(UserWarning, match="3 cells have values that are no category of the model: treated as other"):
        whole = loaded.predict(people / "people" / "people.csv")
    np.testing.assert_allclose(
        found["probability_ill"], whole["probability_ill"].iloc[frame.index[frame["site"] != "toe"]], rtol=1e-4
    )
    with pytest.warns(UserWarning, match="and the input has no age, sex, site: treated as missing"):
        pixels = loaded.predict(np.zeros((2, 16, 16, 3), dtype=np.uint8))
    assert len(pixels) == 2


def test_the_report_is_written_again_without_the_data(people, tmp_path):
    copy = shutil.copytree(people / "run", tmp_path / "run")
    recipe = (copy / "recipe.yaml").read_text()
    (copy / "recipe.yaml").write_text(recipe.replace("people.csv", "gone.csv"))
    imbalkit("report", copy, cwd=tmp_path)
    assert "age: number, mean " in (copy / "report.html").read_text()
