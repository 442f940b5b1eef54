"""TFLite files of a real run: the run's answers, from the file alone, in LiteRT, TensorFlow and MediaPipe."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from imbalkit.errors import ImbalkitError
from imbalkit.export.export import export
from imbalkit.export.graph import deployed
from imbalkit.runs.restore import restore
from imbalkit_lite.model import open_model

pytestmark = pytest.mark.slow  # a converter

MEDIAPIPE = "IMBALKIT_MEDIAPIPE_PYTHON"  # a Python that has it: its OpenCV does not go with that of the other tests


def test_rows_of_the_file_are_those_of_the_run(exported, tflite_run):
    how, path, _ = exported
    predicted = pd.read_parquet(tflite_run / "predictions.parquet").query("split == 'test'")
    model = open_model(path)
    prediction = model.predict(restore(tflite_run).images().take(predicted["source"]))
    expected = predicted[[f"probability_{name}" for name in model.classes]].to_numpy()
    assert expected[:, 0].std() > 0.002, "the rows must tell"
    np.testing.assert_allclose(prediction.probabilities, expected, atol=1e-5 if how == "none" else 0.2)
    same = np.array(model.classes)[prediction.decisions] == predicted["decision"]
    assert how != "none" or same.all()


def test_programs_that_the_file_was_compared_in(exported):
    how, _, facts = exported
    names = ["LiteRT", *(["TensorFlow"] if importlib.util.find_spec("tensorflow") else [])]
    assert list(facts["runtimes"]) == names
    for found in facts["runtimes"].values():
        if how == "none":
            assert 0 < found["largest_probability_difference"] < 1e-5
            assert 0 < found["largest_logit_difference"] < 1e-4
    assert facts["gpu"]["left_to_the_cpu"] == ([] if how == "none" else ["CAST of uint8 to float32"])


def test_one_picture_in_and_one_row_out(exported):
    from ai_edge_litert.interpreter import Interpreter

    how, path, _ = exported
    interpreter = Interpreter(str(path))
    assert interpreter.get_signature_list()["serving_default"]["inputs"] == ["images"]
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert source["shape"].tolist() == [1, 32, 24, 3]
    assert target["shape"].tolist() == [1, 2]
    assert source["dtype"] == (np.uint8 if how == "int8" else np.float32)
    assert target["dtype"] == np.float32
    operations = [each["op_name"] for each in interpreter._get_ops_details()]
    assert "TRANSPOSE" not in operations


def test_the_head_of_an_int8_file_stays_float(exported):
    from ai_edge_litert.interpreter import Interpreter

    how, path, _ = exported
    interpreter = Interpreter(str(path))
    kinds = {each["index"]: each["dtype"] for each in interpreter.get_tensor_details()}
    wide = np.int8 if how == "int8" else np.float32
    for each in interpreter._get_ops_details():
        inputs = {kinds[index] for index in each["inputs"] if index >= 0}
        if each["op_name"] in ("FULLY_CONNECTED", "SOFTMAX"):
            assert inputs == {np.float32}
        elif "CONV_2D" in each["op_name"]:
            assert wide in inputs
            assert kinds[each["outputs"][0]] == wide


def test_a_file_of_another_network_is_refused(tflite, tflite_run, monkeypatch):
    """Pictures that are normalised twice: the usual mistake."""
    from imbalkit_tflite import converting

    convert = converting.convert

    def twice(network, example, path):
        factor = network.normalisation.factor.clone()
        network.normalisation.factor *= 1.02
        convert(network, example, path)
        network.normalisation.factor.copy_(factor)

    monkeypatch.setattr(converting, "convert", twice)
    message = (
        r"wrong.tflite was not written: .*LiteRT's probabilities differ by up to .*LiteRT's logits .* differ by up to"
    )
    with pytest.raises(ImbalkitError, match=message):
        export(restore(tflite_run), tflite(), tflite_run / "wrong.tflite")
    assert not (tflite_run / "wrong.tflite").exists()


def metadata_of(path):
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(path.read_bytes(), 0)
    entries = (model.Metadata(index) for index in range(model.MetadataLength()))
    (place,) = (entry.Buffer() for entry in entries if entry.Name() == b"TFLITE_METADATA")
    return model.Buffers(place).DataAsNumpy().tobytes()


@pytest.fixture(scope="session")
def mediapipe_python():
    here = sys.executable if importlib.util.find_spec("mediapipe") else None
    found = os.environ.get(MEDIAPIPE, here)
    if found is None:
        pytest.skip(f"needs MediaPipe: pip install mediapipe, here or in an environment whose Python {MEDIAPIPE} names")
    return found


def test_mediapipe_reads_the_metadata_and_gives_the_same_probabilities(
    exported, tflite_run, mediapipe_python, tmp_path
):
    how, path, _ = exported
    restored = restore(tflite_run)
    pictures = restored.images().take(restored.prepared.split.test)
    np.save(tmp_path / "pictures.npy", pictures)
    (tmp_path / "metadata").write_bytes(metadata_of(path))
    reader = Path(__file__).with_name("mediapipe_reader.py")
    words = [reader, path, tmp_path / "metadata", tmp_path / "pictures.npy"]
    done = subprocess.run([mediapipe_python, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    read = json.loads(done.stdout.splitlines()[-1])
    model = open_model(path)
    got = np.array([[row[name] for name in model.classes] for row in read["rows"]])
    np.testing.assert_allclose(got, model.probabilities(pictures), atol=1e-5)
    facts, card = read["facts"], model.card
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    assert files == {"labels.txt": "common\nrare\n", "imbalkit.json": card.to_text()}
    assert facts == {
        "name": "recipe",
        "description": "",
        "parser": "1.0.0",
        "associated": ["imbalkit.json"],
        "colour": 1,
        "size": [32, 24],
        "mean": [0.0] * 3,
        "std": [1.0] * 3 if how == "int8" else [255.0] * 3,
        "limits": [0.0, 255.0] if how == "int8" else [0.0, 1.0],
        "labels": ["labels.txt", 2],
    }


def test_the_network_is_left_as_it_was(tflite, tflite_run):
    restored = restore(tflite_run)
    network, _ = deployed(restored, tflite())
    assert not network.training
    assert all(value.device.type == "cpu" for value in network.state_dict().values())
