"""An ensemble as one file: every member with its own normalisation on one input."""

import json

import numpy as np
import pytest
import torch

from imbalkit import Run
from imbalkit.builtin.exporters import Onnx
from imbalkit.export.card import card_of
from imbalkit.export.graph import deployed
from imbalkit.runs.restore import restore
from imbalkit.studies.ensembles import make_ensemble
from tests.command_line import imbalkit
from tests.studies.ensembles.test_make import mean_of

pytestmark = pytest.mark.slow
QUANTISED = ("fp16", "dynamic", "int8")


@pytest.fixture
def views(runs):
    """An ensemble of a and b, of which b averages flips and has another normalisation."""
    recipe = (runs / "b/recipe.yaml").read_text()
    (runs / "b/recipe.yaml").write_text(recipe.replace("views: none", "views: flips"))
    make_ensemble(["a", "b"], "ab")
    return runs / "ab"


def test_the_graph_gives_what_the_members_give(views):
    restored = restore(views)
    restored.members[1].model.mean.fill_(0.3)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    for exporter, network in ((Onnx(views=False), restored.model), (Onnx(views=True), restored.network)):
        graph, source = deployed(restored, exporter)
        with torch.no_grad():
            expected = restored.decision.probabilities(network(images).numpy())
            assert graph(images).numpy() == pytest.approx(expected, abs=1e-6)
        assert source.shape == (3, 16, 16)
    parts = [each.decision.probabilities(each.logits(pixels)) for each in restored.members]
    assert restored.decision.probabilities(restored.logits(pixels)) == pytest.approx(
        restored.decision.probabilities(np.log(np.mean(parts, axis=0))), abs=1e-6
    )
    card = card_of(restored, Onnx(views=True))
    assert card.normalisation is None
    assert "mean over views, by member of the picture (flips, none)" in card.probabilities.prior


@pytest.mark.parametrize("kind", ["onnx", "tflite"])
def test_the_file_predicts_what_the_ensemble_does(kind, runs):
    make_ensemble(["a", "b"], "ab")
    pytest.importorskip("onnx" if kind == "onnx" else "litert_torch")
    said = imbalkit("export", "ab", "--to", kind, cwd=runs).stdout
    assert "0 decided otherwise" in said
    imbalkit("predict", f"ab/model.{kind}", "photographs/rare", "--out", "file.csv", cwd=runs)
    file = Run.load("ab").predict("photographs/rare")
    from pandas import read_csv

    found = read_csv("file.csv")
    assert found["probability_rare"].to_numpy() == pytest.approx(file["probability_rare"].to_numpy(), abs=1e-5)
    assert found["decision"].tolist() == file["decision"].tolist()
    entry = json.loads((runs / "ab/parity.json").read_text())[f"model.{kind}"]
    assert entry["members"] == 2
    assert entry["bytes"] == (runs / f"ab/model.{kind}").stat().st_size


@pytest.mark.parametrize("how", QUANTISED)
def test_quantised_files_keep_the_heads_and_the_mean_in_float32(how, runs):
    pytest.importorskip("onnx")
    make_ensemble(["a", "b"], "ab")
    loose = ("--auc", "1", "--sensitivity", "1", "--ece", "1", "--flips", "1")
    imbalkit("export", "ab", "--to", "onnx", "--quantize", how, *loose, cwd=runs)
    import onnx

    graph = onnx.load(runs / f"ab/model-{how}.onnx").graph
    kept = {
        each.name: each.data_type for each in graph.initializer if ".head." in each.name or "calibration" in each.name
    }
    assert len([name for name in kept if "head" in name]) == 4  # weight and bias of each member
    assert set(kept.values()) == {onnx.TensorProto.FLOAT}


def test_a_cross_validation_exports_its_folds_as_one_file(runs):
    pytest.importorskip("onnx")
    imbalkit("export", "cv", "--to", "onnx", cwd=runs)
    imbalkit("predict", "cv/model.onnx", "photographs/rare", "--out", "file.csv", cwd=runs)
    from pandas import read_csv

    expected = mean_of([f"cv/fold-{fold}" for fold in range(3)], "photographs/rare")[:, 1]
    assert read_csv("file.csv")["probability_rare"].to_numpy() == pytest.approx(expected, abs=1e-5)
