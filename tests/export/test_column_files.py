"""Model files of networks that take columns beside the image: compared with real columns, and at work without torch."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from imbalkit.engine.options import RunOptions
from imbalkit.engine.run import run
from imbalkit.errors import CardError, DataError, ImbalkitError, RecipeError
from imbalkit.export.export import export
from imbalkit.export.rows import rows_of_run, synthetic_rows
from imbalkit.kinds import Exporter
from imbalkit.recipe.prepare import prepare
from imbalkit.runs.restore import restore
from imbalkit_lite.card import Card
from imbalkit_lite.model import open_model
from tests.command_line import imbalkit
from tests.people import RECIPE, write_people

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_charts")]
LOOSE = {"auc": 1.0, "sensitivity": 1.0, "ece": 1.0, "flips": 1.0}  # the run is a toy


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A folder with a run, the pictures in people/ and people/people.csv."""
    folder = tmp_path_factory.mktemp("files")
    data = write_people(folder / "people", rows=200)
    training = RECIPE["training"] | {"optimizer": {"lr": 0.01}, "monitor": "last", "epochs": 3}
    more = {"decision": {"calibrator": "temperature"}, "predict": {"views": "flips"}}
    run(RECIPE | {"data": data, "training": training} | more, options=RunOptions(folder=folder / "run"))
    return folder


def exporter_of(kind, **more):
    if kind == "onnx":
        for module in ("onnx", "onnxscript", "onnxruntime"):
            pytest.importorskip(module, reason=f"needs {module}: pip install 'imbalkit[onnx]'")
        from imbalkit.builtin.exporters.onnx import Onnx

        return Onnx(**more)
    for module in ("litert_torch", "ai_edge_litert", "ai_edge_quantizer"):
        pytest.importorskip(module, reason=f"needs {module}: pip install 'imbalkit[tflite]'")
    from imbalkit_tflite.exporter import TFLite

    return TFLite(**more)


@pytest.mark.parametrize("quantize", ["none", "fp16", "dynamic", "int8"])
@pytest.mark.parametrize("kind", ["onnx", "tflite"])
def test_a_file_answers_as_the_run_for_real_columns(people, kind, quantize):
    exporter = exporter_of(kind, quantize=quantize, limits=LOOSE, input="uint8" if quantize == "int8" else "float32")
    restored = restore(people / "run", "cpu")
    path = people / "run" / exporter.file_name
    facts = export(restored, exporter, path)
    first = next(iter(facts["runtimes"].values()))
    assert first["largest_probability_difference"] < (1e-5 if quantize == "none" else 0.05)
    assert json.loads((people / "run" / f"{path.name}.json").read_text())["format"] == 2

    model = open_model(path)
    rows = rows_of_run(restored, 30)
    expected = restored.decision.probabilities(restored.logits(rows.pixels, columns=rows.columns))
    found = model.predict(rows.pixels, rows.columns)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-5 if quantize == "none" else 0.05)
    absent = model.probabilities(rows.pixels, model.encoding.missing(len(rows)))
    assert np.abs(absent - found.probabilities).max() > 1e-3  # the columns arrive
    with pytest.raises(
        DataError, match=r"takes age, sex, site beside the picture: expected columns \[30, 11\], got none"
    ):
        model.predict(rows.pixels)


def test_a_file_predicts_a_table_as_its_run_does(people):
    exporter = exporter_of("onnx", file="table.onnx")
    export(restore(people / "run", "cpu"), exporter, people / "run" / "table.onnx")
    table = people / "people" / "people.csv"
    of_run, of_file = (
        imbalkit("predict", people / model, table, "--csv", cwd=people) for model in ("run", "run/table.onnx")
    )
    assert of_file.stderr == of_run.stderr  # the same notes
    assert "site: 3 cells have values that are no category of the model" in of_file.stderr
    one, other = (pd.read_csv(io.StringIO(result.stdout)) for result in (of_run, of_file))
    assert list(one) == list(other)
    np.testing.assert_allclose(one["probability_ill"], other["probability_ill"], atol=1e-5)
    alone = imbalkit("predict", people / "run" / "table.onnx", people / "people" / "000.png", "--csv", cwd=people)
    assert alone.stderr.startswith(
        "note: the model takes age, sex, site beside the image, and the input has no age, sex, site"
    )


def test_a_file_is_compared_on_synthetic_columns_where_the_data_are_gone(people):
    rows = synthetic_rows(restore(people / "run", "cpu"))
    assert rows.columns.shape == (32, 11)
    assert 0 < rows.columns[:, 1].sum() < 16  # some ages are missing
    exporter = exporter_of("onnx", file="synthetic.onnx")
    facts = export(restore(people / "run", "cpu"), exporter, people / "run" / "synthetic.onnx", synthetic=True)
    assert facts["compared_on"]["rows"] == "synthetic"


def test_the_card_of_a_file_with_columns_has_a_format_of_its_own(people):
    exporter = exporter_of("onnx", file="card.onnx")
    export(restore(people / "run", "cpu"), exporter, people / "run" / "card.onnx")
    document = json.loads((people / "run" / "card.onnx.json").read_text())
    assert Card.from_json(document).columns == restore(people / "run").encoding
    assert Card.from_json(document).to_json() == document
    plain = replace(Card.from_json(document), columns=None).to_json()
    assert plain["format"] == 1
    assert "columns" not in plain
    with pytest.raises(CardError, match="format: expected 2 for a file that takes columns"):
        Card.from_json(document | {"format": 1})


class ImagesAlone(Exporter):
    name, suffix = "images_alone", ".txt"


def test_exporters_of_images_alone_are_refused(people):
    with pytest.raises(
        ImbalkitError, match="'images_alone' writes networks on images alone, and this one takes age, sex, site"
    ):
        export(restore(people / "run", "cpu"), ImagesAlone(), people / "run" / "no.txt")


def test_the_phone_app_says_in_one_sentence_that_it_has_no_columns(people):
    exporter = exporter_of("tflite", file="app.tflite")
    export(restore(people / "run", "cpu"), exporter, people / "run" / "app.tflite")
    done = imbalkit("app", people / "run" / "app.tflite", "--out", people / "app", cwd=people, check=False)
    assert done.returncode == 1
    assert "takes age, sex, site beside the picture, which the app does not ask for" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_run_writes_its_files_at_the_end(people, tmp_path):
    exporter_of("onnx")
    data = write_people(tmp_path / "people", rows=120)
    folder = run(RECIPE | {"data": data, "export": ["onnx"]}, options=RunOptions(folder=tmp_path / "run"))
    assert "error" not in json.loads((folder / "metrics.json").read_text())["export"]["model.onnx"]


def test_a_recipe_with_such_an_exporter_is_refused(people, monkeypatch):
    from imbalkit.builtin.exporters.onnx import Onnx

    monkeypatch.setattr(Onnx, "takes_columns", False)
    data = {"name": "table", "file": str(people / "people" / "people.csv"), "label_column": "state"}
    with pytest.raises(RecipeError, match=r"export\[0\]: the exporter 'onnx' writes networks on images alone"):
        prepare(RECIPE | {"data": data, "export": ["onnx"]})
