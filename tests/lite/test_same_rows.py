"""A run and the files exported from it give the same rows."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from imbalkit_lite.model import open_model
from tests.command_line import imbalkit

pytestmark = pytest.mark.slow  # converters


@pytest.fixture(scope="module", params=["onnx", "tflite"])
def exported_run(request, finished_run, tmp_path_factory):
    """The file of a finished run."""
    if request.param == "tflite":
        pytest.importorskip("litert_torch", reason="needs litert-torch: pip install 'imbalkit[tflite]'")
    pytest.importorskip("onnxscript", reason="needs onnxscript: pip install 'imbalkit[onnx]'")
    path = tmp_path_factory.mktemp("exported") / f"model.{request.param}"
    imbalkit("export", finished_run, "--to", request.param, "--out", path, cwd=finished_run.parent)
    return path


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_predict_gives_the_same_for_a_run_and_its_file(finished_run, exported_run, photographs):
    """Every picture in the table, cropped by the bicubic rule of the recipe: probabilities, decisions and other columns."""
    words = (photographs / "labels.csv", photographs / "gone.png")
    by_run, by_file = (
        rows_of(imbalkit("predict", model, *words, cwd=finished_run.parent).stdout)
        for model in (finished_run, exported_run)
    )
    assert len(by_run) == len(by_file) == 121
    assert list(by_run[0]) == list(by_file[0])
    probabilities = [[float(row["probability_rare"]) for row in rows[:-1]] for rows in (by_run, by_file)]
    np.testing.assert_allclose(*probabilities, atol=1e-5)
    threshold = open_model(exported_run).card.threshold
    near = np.abs(np.array(probabilities[0]) - threshold) < 1e-5
    assert near.sum() < 5
    for one, other, close in zip(by_run, by_file, [*near, False], strict=True):
        loose = {"probability_common", "probability_rare", *(("decision",) if close else ())}
        assert {key: value for key, value in one.items() if key not in loose} == {
            key: value for key, value in other.items() if key not in loose
        }
    assert {row["decision"] for row in by_file} == {"common", "rare", ""}
