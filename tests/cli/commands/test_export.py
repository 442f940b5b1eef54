"""`imbalkit export` as a user types it."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from imbalkit.runs.restore import restore
from imbalkit_lite.model import open_model
from tests.command_line import imbalkit

pytestmark = pytest.mark.slow  # a converter

for module in ("onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(module, reason=f"needs {module}: pip install 'imbalkit[onnx]'")


@pytest.fixture(scope="module")
def project(finished_run, tmp_path_factory):
    """A folder with a run folder in it, named `run`; the run's own data, and the recipe's relative paths, are elsewhere."""
    root = tmp_path_factory.mktemp("export")
    shutil.copytree(finished_run, root / "run")
    return root


def test_a_file_is_written_into_the_run_folder_and_said_what_it_is(project):
    done = imbalkit("export", "run", "--to", "onnx", cwd=project)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("run/model.onnx: 0.")
    assert lines[1].startswith("ONNX Runtime on 24 validation rows: probabilities within ")
    assert lines[1].endswith("; 0 decided otherwise (0.00%)")
    assert "logits within" in lines[1]
    assert len(lines) == 2
    model, restored = open_model(project / "run" / "model.onnx"), restore(project / "run")
    store = restored.images()
    expected = restored.decision.probabilities(restored.logits(store))
    np.testing.assert_allclose(model.probabilities(store.take(np.arange(len(store)))), expected, atol=1e-5)


def test_quantised_with_limits_and_as_json(project):
    words = ["export", "run", "--to", "onnx", "--quantize", "fp16", "--input", "uint8", "--out", "phone.onnx"]
    limits = ["--auc", "0.9", "--sensitivity", "0.8", "--ece", "0.7", "--flips", "0.6", "--rows", "10", "--json"]
    facts = json.loads(imbalkit(*words, *limits, cwd=project).stdout)["phone.onnx"]
    assert facts["limits"] == {"auc": 0.9, "sensitivity": 0.8, "ece": 0.7, "flips": 0.6}
    assert (facts["quantize"], facts["input"]) == ("fp16", "uint8")
    assert facts["runtimes"]["ONNX Runtime"]["rows"] == 10
    assert {"phone.onnx", "phone.onnx.json", "parity.json"} <= {path.name for path in project.iterdir()}
    assert open_model(project / "phone.onnx").card.quantization == "fp16"


def test_a_failed_comparison_is_an_error_and_leaves_no_file(project):
    done = imbalkit("export", "run", "--to", "onnx", "--quantize", "int8", "--ece", "0", cwd=project, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: model-int8.onnx was not written: on 24 validation rows its outputs are not the "
    )
    assert "the ECE changes from" in done.stderr
    assert "which int8 is known to harm: use fp16 or dynamic" in done.stderr
    assert not list((project / "run").glob("*int8*"))


def test_notes_are_said(project):
    done = imbalkit("export", "run", "--to", "onnx", "--synthetic", "--out", "synthetic.onnx", cwd=project)
    assert "note: compared on synthetic images" in done.stderr
    assert "ONNX Runtime on 32 synthetic rows" in done.stdout


@pytest.mark.parametrize(
    "words, message",
    [
        (["run", "--to", "onyx"], "there is no exporter 'onyx'; did you mean 'onnx'?"),
        (["run", "--to", "onnx", "--out", "model.tflite"], "expected a name that ends in .onnx, got model.tflite"),
        (["run", "--to", "onnx", "--out", "nowhere/model.onnx"], "to write model.onnx into"),
        (["run", "--to", "onnx", "--flips", "-1"], "--flips: expected a value greater than or equal to 0, got -1"),
        (["run", "--to", "onnx", "--flips", "3"], "--flips: expected a value less than or equal to 1, got 3"),
        (["run", "--to", "onnx", "--synthetic", "--out", "/proc/model.onnx"], "/proc/model.onnx cannot be written"),
        (["nothing", "--to", "onnx"], "expected a run folder, there is none at"),
    ],
)
def test_what_cannot_be_done_is_said(project, words, message):
    before = sorted(project.rglob("*"))
    done = imbalkit("export", *words, cwd=project, check=False)
    assert done.returncode != 0
    assert message in done.stderr
    assert sorted(project.rglob("*")) == before
