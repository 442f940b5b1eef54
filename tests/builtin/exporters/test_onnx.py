"""ONNX files of a real run: the run's answers, from the file alone, in every quantisation."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import imbalkit
from imbalkit.builtin.backbones import SmallCNN
from imbalkit.builtin.exporters import Onnx
from imbalkit.builtin.heads import Cosine
from imbalkit.builtin.losses import CE, Focal, Poly1
from imbalkit.decision.corrections import loss_map
from imbalkit.errors import ImbalkitError
from imbalkit.export.card import card_of
from imbalkit.export.export import export
from imbalkit.export.graph import Deployed, deployed
from imbalkit.kinds import BuildContext, Exportable
from imbalkit.runs.restore import restore
from imbalkit.training.classifier import build_model
from imbalkit_lite.card import Card, Input, Probabilities
from imbalkit_lite.model import open_model

pytestmark = pytest.mark.slow  # a converter

onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'imbalkit[onnx]'")
pytest.importorskip("onnxscript", reason="needs onnxscript: pip install 'imbalkit[onnx]'")
pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install 'imbalkit[onnx]'")

LOOSE = {"auc": 1.0, "sensitivity": 1.0, "ece": 1.0, "flips": 1.0}


@pytest.fixture(scope="module")
def run(finished_run_of_digits, tmp_path_factory):
    return shutil.copytree(finished_run_of_digits, tmp_path_factory.mktemp("onnx") / "run")


@pytest.fixture(scope="module", params=["none", "fp16", "dynamic", "int8"])
def exported(request, run):
    exporter = Onnx(quantize=request.param, input="uint8" if request.param == "int8" else "float32", limits=LOOSE)
    path = run / exporter.file_name
    return request.param, path, export(restore(run), exporter, path)


def test_rows_of_the_file_are_those_of_the_run(exported, run):
    how, path, facts = exported
    predicted = pd.read_parquet(run / "predictions.parquet").query("split == 'test'")
    model = open_model(path)
    prediction = model.predict(restore(run).images().take(predicted["source"]))
    expected = predicted[[f"probability_{name}" for name in model.classes]].to_numpy()
    largest = {"none": 1e-5, "fp16": 0.005, "dynamic": 0.1, "int8": 0.1}[how]
    np.testing.assert_allclose(prediction.probabilities, expected, atol=largest)
    assert np.abs(prediction.probabilities - expected).max() > (0 if how == "none" else 1e-5)
    same = np.array(model.classes)[prediction.decisions] == predicted["decision"]
    assert how != "none" or same.all()
    assert facts["runtimes"]["ONNX Runtime"]["rows"] == 200


def test_a_file_says_nothing_of_the_machine_that_wrote_it(exported):
    """torch notes on every node the stack trace that made it, with the paths of the source files."""
    _, path, facts = exported
    content = path.read_bytes()
    sources = {str(Path(module.__file__).parents[1]) for module in (imbalkit, onnx)}
    assert not [text for text in (*sources, 'File "', "stack_trace", ".py") if text.encode() in content]
    graph = onnx.load(path).graph
    assert not [node.name for node in graph.node if node.metadata_props or node.doc_string]
    assert facts["bytes"] == len(content)


def test_the_float32_file_is_within_the_tolerances(exported):
    how, _, facts = exported
    found = facts["runtimes"]["ONNX Runtime"]
    if how == "none":
        assert found["largest_probability_difference"] < 1e-5
        assert 0 < found["largest_logit_difference"] < 1e-4
    else:
        assert found["largest_logit_difference"] is None
        assert facts["limits"] == LOOSE


def test_numbers_are_as_small_as_asked_but_for_normalisation_and_head(exported, run):
    how, path, facts = exported
    graph = onnx.load(path)
    onnx.checker.check_model(graph)
    kinds = {each.name: onnx.TensorProto.DataType.Name(each.data_type) for each in graph.graph.initializer}
    sizes = {each.name: np.prod(each.dims) for each in graph.graph.initializer}
    total = pd.Series({name: int(sizes[name]) for name in kinds}).groupby(kinds).sum()
    assert total.idxmax() == {"none": "FLOAT", "fp16": "FLOAT16", "dynamic": "INT8", "int8": "INT8"}[how]
    assert {kind for name, kind in kinds.items() if name.startswith("head.")} == {"FLOAT"}
    assert kinds["normalisation.factor"] == "FLOAT"
    weights = restore(run).model.state_dict()
    bytes_of_floats = 4 * sum(value.numel() for value in weights.values())
    assert facts["bytes"] < {"none": 1.4, "fp16": 0.9, "dynamic": 0.9, "int8": 0.9}[how] * bytes_of_floats


def test_weights_have_seven_bits(exported):
    """Two products of full 8-bit numbers overflow the 16 bits that processors without VNNI add them in."""
    how, path, _ = exported
    whole = [onnx.numpy_helper.to_array(each) for each in onnx.load(path).graph.initializer]
    largest = [int(np.abs(values.astype(int)).max()) for values in whole if values.dtype == np.int8 and values.ndim > 1]
    assert bool(largest) == (how in ("dynamic", "int8"))
    assert all(32 < value <= 64 for value in largest)


def test_any_number_of_pictures_and_the_stated_input(exported):
    how, path, _ = exported
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (source,), (target,) = session.get_inputs(), session.get_outputs()
    assert (source.name, target.name) == ("images", "probabilities")
    assert source.shape[1:] == [1, 8, 8]
    assert isinstance(source.shape[0], str)
    kind = np.uint8 if how == "int8" else np.float32
    for rows in (1, 3):
        (prediction,) = session.run(None, {"images": np.ones((rows, 1, 8, 8), dtype=kind)})
        assert prediction.shape == (rows, 10)
        assert prediction.dtype == np.float32
        np.testing.assert_allclose(prediction.sum(axis=1), 1, atol=1e-6)  # a softmax in float32


class Mistaken(Onnx):
    """Writes another network than it is given."""

    name = "mistaken"

    def write(self, model, path):
        network = model.network
        before = network.calibration.bias.clone()
        network.calibration.bias[3] += 0.01
        super().write(model, path)
        network.calibration.bias.copy_(before)


def test_a_file_of_another_network_is_refused(run):
    message = r"mistaken.onnx was not written: .*ONNX Runtime's probabilities differ by up to .*logits before calibration differ"
    with pytest.raises(ImbalkitError, match=message):
        export(restore(run), Mistaken(), run / "mistaken.onnx")
    assert not (run / "mistaken.onnx").exists()
    assert not [path for path in run.iterdir() if "tmp" in path.name]


def test_logits_are_what_the_softmax_is_given(run, tmp_path):
    """Saturated probabilities hide a wrong graph; the logits do not."""
    import torch

    restored = restore(run)
    network, source = deployed(restored, Onnx())
    network.calibration.scale *= 1e4
    path = tmp_path / "saturated.onnx"
    Onnx().write(Exportable(network, card_of(restored, Onnx())), path)
    (runtime,) = Onnx().runtimes(path)
    inputs = np.random.default_rng(0).random((5, *source.shape), dtype=np.float32)
    with torch.no_grad():
        expected = network.calibration(network.head(network.body(network.normalisation(torch.from_numpy(inputs)))))
    assert runtime.probabilities(inputs).max(axis=1).min() > 0.999
    np.testing.assert_allclose(runtime.logits(inputs), expected, rtol=1e-3)


def test_one_thread_answers_the_same(run, tmp_path):
    restored = restore(run)
    network, source = deployed(restored, Onnx())
    Onnx().write(Exportable(network, replace(card_of(restored, Onnx()), name="other")), tmp_path / "a.onnx")
    inputs = np.random.default_rng(0).random((40, *source.shape), dtype=np.float32)  # more than one batch
    (one,), (any_number,) = Onnx().runtimes(tmp_path / "a.onnx", 1), Onnx().runtimes(tmp_path / "a.onnx")
    np.testing.assert_allclose(one.probabilities(inputs), any_number.probabilities(inputs), atol=1e-6)
    assert open_model(tmp_path / "a.onnx").card.name == "other"


LOSSES = [Focal(gamma=2.0), Poly1(epsilon=-0.5), CE(label_smoothing=0.1)]


@pytest.mark.parametrize("how", ["none", "int8"])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_the_map_of_a_loss_is_in_the_file_and_stays_float32(run, loss, how, tmp_path):
    restored = restore(run)
    shift = loss.prior_shift(restored.context)
    steps = (loss_map(loss, shift.map), *restored.decision.corrections)
    restored = replace(restored, decision=replace(restored.decision, corrections=steps))
    exporter = Onnx(quantize=how, limits=LOOSE)
    facts = export(restored, exporter, tmp_path / "m.onnx")
    found = facts["runtimes"]["ONNX Runtime"]
    assert found["largest_probability_difference"] < (1e-5 if how == "none" else 0.1)
    if how == "none":
        assert 0 < found["largest_logit_difference"] < 1e-4
    after = set()
    for node in onnx.load(tmp_path / "m.onnx").graph.node:
        if after.intersection(node.input) or any(name.startswith("head.") for name in node.input):
            assert "Linear" not in node.op_type  # QuantizeLinear, DequantizeLinear
            after.update(node.output)
    assert len(after) > 5


@pytest.mark.parametrize("how", ["int8", "dynamic"])
def test_a_normalised_head_stays_float32(how, tmp_path):
    """Its weights are folded into a constant that no longer has their name."""
    context = BuildContext(("a", "b"), (1, 1), image_size=(12, 10))
    classifier = build_model(SmallCNN(width=8), Cosine(dropout=0.0), context).eval()
    source = Input(12, 10, 3, "NCHW", "float32", (0, 1))
    card = Card(name="x", classes=("a", "b"), input=source, probabilities=Probabilities("as trained"), quantization=how)
    inputs = np.random.default_rng(0).random((20, 3, 12, 10), dtype=np.float32)
    network = Deployed(classifier, (np.full(2, 1.5), np.zeros(2)), source).eval()
    path = tmp_path / "m.onnx"
    Onnx(quantize=how).write(Exportable(network, card, inputs if how == "int8" else None), path)
    nodes = list(onnx.load(path).graph.node)
    norm = next(n for n, node in enumerate(nodes) if node.op_type == "ReduceL2")
    assert not [node.name for node in nodes[norm:] if "Linear" in node.op_type or "Integer" in node.op_type]
    assert [node.op_type for node in nodes if "Linear" in node.op_type or "Integer" in node.op_type]
    assert not [node.name for node in nodes if node.metadata_props]
