"""Files of networks on rows of a table: numbers and codes in, the graph encodes them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch

from imbalkit.engine.options import RunOptions
from imbalkit.engine.run import run
from imbalkit.errors import ImbalkitError, RecipeError
from imbalkit.export.row_graph import Encoding, too_large
from imbalkit.recipe.prepare import prepare
from imbalkit_lite.card import Card
from imbalkit_lite.columns import CategoryColumn, ColumnCodes, ColumnEncoding, NumberColumn
from imbalkit_lite.errors import CardError
from tests.engine.test_feature_runs import data, finished  # noqa: F401  # fixtures
from tests.tables import RECIPE, patients

pytestmark = pytest.mark.usefixtures("no_charts")
COLUMNS = ColumnEncoding(
    (NumberColumn("age", 50.0, 10.0), CategoryColumn("site", ("arm", "leg")), NumberColumn("size", 0.0, 2.0))
)
ROWS = [
    {"age": 60, "site": "Leg", "size": -1},
    {"age": "old", "site": "nose", "size": 1e9},
    {"site": "", "size": -2},
    {},
    {"age": 50, "site": "arm", "size": float("nan")},
]


def test_the_graph_encodes_as_the_columns_do():
    codes = ColumnCodes(COLUMNS.columns).encode(ROWS)
    assert codes.shape == (5, 3)
    assert codes[0].tolist() == [60, 1, -1]
    np.testing.assert_allclose(Encoding(COLUMNS)(torch.from_numpy(codes)).numpy(), COLUMNS.encode(ROWS), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["onnx", "tflite"])
def test_a_file_predicts_rows_as_the_network_does(tmp_path, finished, kind):  # noqa: F811
    from imbalkit.export.export import export
    from imbalkit.runs.restore import restore
    from imbalkit_lite.inputs import Inputs, TableOfRows
    from imbalkit_lite.model import open_model
    from imbalkit_lite.predicting import predict_rows
    from imbalkit_lite.tables import frame_rows

    restored = restore(finished, "cpu")
    exporter = restored.catalogue.get("exporter", kind)()
    try:
        exporter.check_requirements()
    except ImbalkitError as error:
        pytest.skip(str(error))
    file = tmp_path / exporter.file_name
    facts = export(restored, exporter, file)
    assert all(found["flips"]["rows"] == 0 for found in facts["runtimes"].values())
    card = json.loads((tmp_path / f"{file.name}.json").read_text())
    assert card["format"] == 3
    assert card["input"] is None
    assert [column["name"] for column in card["columns"]] == ["age", "noise", "site"]
    model, table = open_model(file), pd.read_parquet(finished / "predictions.parquet").head(40)
    rows = patients(600).iloc[table["source"]]
    found = pd.DataFrame(predict_rows(Inputs((TableOfRows(*frame_rows(rows)),)), model))
    np.testing.assert_allclose(found["probability_ill"], table["probability_ill"], atol=1e-5)
    with pytest.raises(CardError, match="input: expected keys and values, got NoneType"):
        Card.from_json(card | {"format": 2})
    with pytest.raises(CardError, match="format: expected 2 .*, 3 for one without images"):
        Card.from_json(card | {"input": {"height": 1, "width": 1}})


@pytest.mark.slow
def test_numbers_too_large_for_float32_are_named(tmp_path):
    from imbalkit.export.export import export
    from imbalkit.runs.restore import restore

    pytest.importorskip("onnxscript", reason="needs onnxscript: pip install 'imbalkit[onnx]'")
    random, file = np.random.default_rng(0), tmp_path / "t.csv"
    seconds = 1.7e9 + 3e4 * random.normal(size=300).round(3)  # of a day, since 1970
    late = random.random(300) < 1 / (1 + np.exp(-(seconds - 1.7e9) / 1e4))
    pd.DataFrame({"seconds": seconds, "x": random.normal(size=300), "y": late}).to_csv(file, index=False)
    folder = run(
        RECIPE | {"positive": "True", "data": {"name": "features", "file": str(file), "label_column": "y"}},
        options=RunOptions(folder=tmp_path / "run"),
    )
    restored = restore(folder, "cpu")
    with pytest.raises(ImbalkitError, match="Numbers of the column 'seconds' .mean 1.7e.09, .* too large for float32"):
        export(restored, restored.catalogue.get("exporter", "onnx")(), tmp_path / "m.onnx")


@pytest.mark.parametrize(
    ("mean", "std", "large"), [(50.0, 10.0, False), (-1.7e9, 3e4, True), (1e5, 1e3, False), (0.0, 1.0, False)]
)
def test_which_numbers_are_too_large(mean, std, large):
    encoding = ColumnEncoding((NumberColumn("x", mean, std), CategoryColumn("site", ("arm",))))
    assert [column.name for column in too_large(encoding)] == ["x"] * large
    row = {"x": mean + std / 3}
    codes = ColumnCodes(encoding.columns).encode([row])
    off = np.abs(Encoding(encoding)(torch.from_numpy(codes)).numpy() - encoding.encode([row])).max()
    assert large or off < 4e-5


def test_smaller_numbers_are_refused(data):  # noqa: F811
    with pytest.raises(RecipeError, match="'onnx' writes networks on rows of a table in float32 alone"):
        prepare(RECIPE | {"data": data, "export": [{"name": "onnx", "quantize": "fp16"}]})
