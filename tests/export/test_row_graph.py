"""Files of networks on rows of a table: numbers and codes in, the graph encodes them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch

from imbalkit.errors import ImbalkitError, RecipeError
from imbalkit.export.row_graph import Encoding
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


def test_smaller_numbers_are_refused(data):  # noqa: F811
    with pytest.raises(RecipeError, match="'onnx' writes networks on rows of a table in float32 alone"):
        prepare(RECIPE | {"data": data, "export": [{"name": "onnx", "quantize": "fp16"}]})
