"""Exported files at work: probabilities against the network written in NumPy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import imbalkit_lite
from imbalkit_lite.card import Card, Input
from imbalkit_lite.errors import DataError, ModelError
from imbalkit_lite.images import ImageRule, read_pixels
from imbalkit_lite.model import Model, open_model
from tests.lite.small_network import CARD, put_card

KINDS = ["tflite", "onnx"]


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (37, 20, 16, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_answers_as_the_network(exported, network, pixels, kind):
    model = open_model(exported(kind))
    expected = network.answers(pixels)
    found = model.probabilities(pixels)
    assert found.dtype == np.float32
    assert found.shape == (37, 3)
    assert expected.std(0).min() > 0.01, "the rows must tell"
    np.testing.assert_allclose(found, expected, atol=2e-6)
    np.testing.assert_allclose(model.probabilities(pixels[5:6]), expected[5:6], atol=2e-6)
    assert model.probabilities(pixels[:0]).shape == (0, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_the_metadata_of_the_file(exported, kind):
    path = exported(kind)
    model = open_model(str(path))
    layout = {"tflite": "NHWC", "onnx": "NCHW"}[kind]
    assert model.card == replace(CARD, input=replace(CARD.input, layout=layout))
    assert model.path == path
    assert (model.classes, model.positive, model.channels) == (CARD.classes, 1, 3)
    assert model.rule == ImageRule((20, 16), "crop", "bicubic", True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch_size", [1, 10, 37, 100])
def test_batches_change_nothing(exported, pixels, kind, batch_size):
    model = open_model(exported(kind))
    expected = model.probabilities(pixels)
    model.batch_size = batch_size
    np.testing.assert_allclose(model.probabilities(pixels), expected, atol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_threads_change_nothing(exported, network, pixels, kind):
    model = open_model(exported(kind), threads=2)
    np.testing.assert_allclose(model.probabilities(pixels), network.answers(pixels), atol=2e-6)


def test_threads_reach_the_runtimes(exported, monkeypatch):
    from ai_edge_litert import interpreter

    given = []
    real = interpreter.Interpreter
    monkeypatch.setattr(interpreter, "Interpreter", lambda **options: (given.append(options), real(**options))[1])
    open_model(exported("tflite"), threads=3)
    open_model(exported("tflite"))
    assert [options["num_threads"] for options in given] == [3, None]
    session = open_model(exported("onnx"), threads=3)._runtime._session
    assert session.get_session_options().intra_op_num_threads == 3


@pytest.mark.parametrize("kind", KINDS)
def test_values_up_to_255_are_given_as_they_are(exported, network, pixels, kind):
    """The file still divides nothing, so that its answers are those for pictures 255 times as bright."""
    model = open_model(exported(kind, replace(CARD, input=replace(CARD.input, range=(0, 255)))))
    np.testing.assert_allclose(model.probabilities(pixels), network.answers(pixels.astype(float) * 255), atol=1e-5)


def test_bytes_are_given_as_they_are(tmp_path, network, pixels):
    """An ONNX file whose input is uint8: the network after a cast and a division."""
    onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'imbalkit[onnx]'")
    h, t = onnx.helper, onnx.TensorProto
    nodes = [
        h.make_node("Cast", ["images"], ["floats"], to=t.FLOAT),
        h.make_node("ReduceMean", ["floats"], ["mean"], axes=[2, 3], keepdims=0),
        h.make_node("Div", ["mean", "most"], ["probabilities"]),
    ]
    graph = h.make_graph(
        nodes,
        "means",
        [h.make_tensor_value_info("images", t.UINT8, ["n", 3, 20, 16])],
        [h.make_tensor_value_info("probabilities", t.FLOAT, ["n", 3])],
        [h.make_tensor("most", t.FLOAT, [], [255.0])],
    )
    path = tmp_path / "means.onnx"
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 13)], ir_version=8), path)
    card = replace(CARD, input=Input(20, 16, 3, "NCHW", "uint8", (0, 255)))
    model = open_model(put_card(path, card.to_text()))
    np.testing.assert_allclose(model.probabilities(pixels), pixels.mean((1, 2)) / 255, atol=1e-6)
    other = replace(CARD, input=replace(CARD.input, layout="NCHW"))
    with pytest.raises(ModelError, match="takes values of type uint8, the card says float32"):
        open_model(put_card(path, other.to_text()))


def test_decisions_and_abstentions_are_those_of_the_card(exported, network, pixels):
    model = open_model(exported("tflite", replace(CARD, threshold=0.36, abstain=None)))
    expected = network.answers(pixels)
    prediction = model.predict(pixels)
    np.testing.assert_allclose(prediction.probabilities, expected, atol=2e-6)
    rest = np.where(expected[:, 0] >= expected[:, 2], 0, 2)
    np.testing.assert_array_equal(prediction.decisions, np.where(expected[:, 1] >= 0.36, 1, rest))
    assert not prediction.abstained.any()
    card = {"least_confidence": float(np.median(expected.max(1)))}
    unsure = Card.from_json({**CARD.to_json(), "abstain": card})
    np.testing.assert_array_equal(
        open_model(exported("tflite", unsure)).predict(pixels).abstained, expected.max(1) < card["least_confidence"]
    )


def test_another_threshold_leaves_the_model_as_it_was(exported, pixels):
    model = open_model(exported("onnx"))
    assert (model.at(0.0).predict(pixels).decisions == 1).all()
    assert not (model.at(1.0).predict(pixels).decisions == 1).any()
    assert model.card.threshold == CARD.threshold
    costs = ((0, 1, 1), (1, 0, 1), (1, 1, 0))
    paid = Card.from_json({**CARD.to_json(), "threshold": None, "costs": costs, "abstain": {"expected_cost": 0.1}})
    costly = open_model(exported("onnx", paid))
    other, undecided = costly.at(0.4), costly.predict(pixels).abstained
    assert (other.card.threshold, other.card.costs, other.card.abstain) == (0.4, None, None)
    assert undecided.any()
    np.testing.assert_array_equal(other.at(0.2).predict(pixels).abstained, undecided)
    with pytest.raises(ModelError, match=r"expected a threshold from 0 to 1, got 1\.5"):
        model.at(1.5)
    neutral = open_model(exported("onnx", replace(CARD, positive=None, threshold=None, abstain=None)))
    with pytest.raises(ModelError, match="no positive class to put a threshold to: of aster, poppy, tulip"):
        neutral.at(0.5)


@pytest.mark.parametrize(
    "wrong, got",
    [
        (np.zeros((1, 16, 20, 3), dtype=np.uint8), r"uint8 \[1, 16, 20, 3\]"),
        (np.zeros((20, 16, 3), dtype=np.uint8), r"uint8 \[20, 16, 3\]"),
        (np.zeros((1, 20, 16, 1), dtype=np.uint8), r"uint8 \[1, 20, 16, 1\]"),
        (np.zeros((1, 20, 16, 3), dtype=np.float32), r"float32 \[1, 20, 16, 3\]"),
    ],
)
def test_pictures_of_another_size_or_type_are_refused(exported, wrong, got):
    model = open_model(exported("tflite"))
    with pytest.raises(
        DataError, match=rf"takes pictures uint8 \[n, 20, 16, 3\] \(height, width, channels\), got {got}"
    ):
        model.probabilities(wrong)


@pytest.mark.parametrize("channels", [3, 1])
def test_a_picture_is_read_as_the_file_takes_it(tmp_path, channels):
    file = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (31, 40, 3), dtype=np.uint8)).save(file)
    pixels_of_one = (0.5,) * channels
    card = replace(
        CARD,
        input=replace(CARD.input, channels=channels),
        normalisation=replace(CARD.normalisation, mean=pixels_of_one, std=pixels_of_one),
    )
    model = Model(Path("m.onnx"), card, None)
    found = model.read(file)
    assert found.shape == (20, 16, channels)
    np.testing.assert_array_equal(found, read_pixels(file.read_bytes(), model.rule, channels))
    rows = Model(Path("m.onnx"), card, None)
    rows.channels = 0
    with pytest.raises(DataError, match="m.onnx takes rows of a table and no pictures"):
        rows.read(file)


def test_answers_that_are_not_finite_are_refused(tmp_path, pixels):
    onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'imbalkit[onnx]'")
    h, t = onnx.helper, onnx.TensorProto
    graph = h.make_graph(
        [
            h.make_node("ReduceMean", ["images"], ["mean"], axes=[2, 3], keepdims=0),
            h.make_node("Div", ["mean", "nothing"], ["probabilities"]),
        ],
        "broken",
        [h.make_tensor_value_info("images", t.FLOAT, ["n", 3, 20, 16])],
        [h.make_tensor_value_info("probabilities", t.FLOAT, ["n", 3])],
        [h.make_tensor("nothing", t.FLOAT, [], [0.0])],
    )
    path = tmp_path / "broken.onnx"
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 13)], ir_version=8), path)
    card = replace(CARD, input=replace(CARD.input, layout="NCHW"))
    with pytest.raises(ModelError, match="probabilities that are not finite"):
        open_model(put_card(path, card.to_text())).probabilities(pixels)


def test_the_package_names_what_it_offers():
    assert imbalkit_lite.open_model is open_model
    assert imbalkit_lite.Card is Card
    with pytest.raises(AttributeError, match="no attribute 'open_run'"):
        _ = imbalkit_lite.open_run
