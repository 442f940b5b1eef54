"""Averaged views in a TFLite file."""

from __future__ import annotations

import numpy as np
import pytest

from imbalkit.export.export import export
from imbalkit.runs.restore import restore
from imbalkit_lite.model import open_model
from tests.export.test_views import LOOSE, with_views
from tests.functional.test_views import numpy_views

pytestmark = pytest.mark.slow  # a converter


@pytest.mark.parametrize("quantize", ["none", "int8"])
def test_a_file_answers_as_the_run_and_the_same_to_a_turned_picture(tflite, finished_run_of_digits, tmp_path, quantize):
    from ai_edge_litert.interpreter import Interpreter

    run = with_views(finished_run_of_digits, tmp_path / "run", "dihedral")
    restored, exporter = restore(run), tflite(quantize=quantize, limits=LOOSE)
    path = run / exporter.file_name
    facts = export(restored, exporter, path)
    assert facts["views"] == {"of_the_run": "dihedral", "in_the_file": "dihedral"}
    assert "REVERSE_V2" in facts["gpu"]["left_to_the_cpu"]
    model, pixels = open_model(path), restored.images().take(restored.prepared.split.test[:10])
    expected = restored.decision.probabilities(restored.logits(pixels))
    for turned in numpy_views(pixels, "dihedral"):
        found = model.probabilities(np.ascontiguousarray(turned))
        np.testing.assert_allclose(found, expected, atol=1e-5 if quantize == "none" else 0.05)
    interpreter = Interpreter(str(path))
    kinds = {each["index"]: each["dtype"] for each in interpreter.get_tensor_details()}
    for each in interpreter._get_ops_details():  # from the head on everything is float32
        if each["op_name"] in ("FULLY_CONNECTED", "EXP", "LOG", "LOG_SOFTMAX", "SOFTMAX"):
            assert {kinds[index] for index in each["inputs"] if index >= 0} <= {np.float32, np.int32}, each["op_name"]
