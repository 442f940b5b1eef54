"""TFLite files of a real run, made once and only read."""

from __future__ import annotations

import shutil

import pytest

from imbalkit.runs.restore import restore

LOOSE = {"auc": 1.0, "sensitivity": 1.0, "ece": 1.0, "flips": 1.0}  # the run is a toy, and another one each time


@pytest.fixture(scope="session")
def tflite():
    """The exporter's class."""
    for module in ("litert_torch", "ai_edge_litert", "ai_edge_quantizer"):
        pytest.importorskip(module, reason=f"needs {module}: pip install 'imbalkit[tflite]'")
    from imbalkit_tflite.exporter import TFLite

    return TFLite


@pytest.fixture(scope="session")
def tflite_run(finished_run, tmp_path_factory):
    return shutil.copytree(finished_run, tmp_path_factory.mktemp("tflite") / "run")


@pytest.fixture(scope="session", params=["none", "int8"])
def exported(request, tflite, tflite_run):
    """(quantisation, file, facts): float32 numbers in and inside, and pixels in with int8 inside."""
    from imbalkit.export.export import export

    kind = "uint8" if request.param == "int8" else "float32"
    exporter = tflite(quantize=request.param, input=kind, limits=LOOSE)
    path = tflite_run / exporter.file_name
    return request.param, path, export(restore(tflite_run), exporter, path)
