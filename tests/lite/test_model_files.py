"""Files that cannot be used: damaged, bare, of another kind, or not what their card says."""

from __future__ import annotations

import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from imbalkit_lite.card import FILE
from imbalkit_lite.errors import CardError, MissingExtraError, ModelError
from imbalkit_lite.model import is_model, open_model
from imbalkit_lite.seals import seal
from tests.lite.small_network import CARD, put_card

KINDS = ["tflite", "onnx"]


def test_names_that_stand_for_models(tmp_path):
    assert is_model("a/model.TFLite")
    assert is_model(tmp_path / "model.onnx")
    assert not is_model("runs/digits")
    assert not is_model("model.tflite.json")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ModelError, match=r"there is no file .*gone\.onnx"):
        open_model(tmp_path / "gone.onnx")
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(ModelError, match=r"expected a model file, .*folder\.onnx is a folder"):
        open_model(tmp_path / "folder.onnx")
    (tmp_path / "model.pb").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"name ends in \.tflite or \.onnx, got .*model\.pb"):
        open_model(tmp_path / "model.pb")


def test_threads_must_be_some(exported):
    with pytest.raises(ModelError, match="expected at least 1 thread, got 0"):
        open_model(exported("onnx"), threads=0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_without_a_card(exported, kind):
    what = {"tflite": "no associated files", "onnx": "no entry 'imbalkit' in metadata_props"}[kind]
    with pytest.raises(CardError, match=rf"model\.{kind} has no card \({what}.*`imbalkit export` wrote"):
        open_model(exported(kind, None))


def test_associated_files_without_a_card(exported):
    path = exported("tflite", None)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels.txt", "a\nb\n")
    with pytest.raises(CardError, match=rf"no associated file {FILE}"):
        open_model(path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text, message",
    [("{", "is not JSON"), (CARD.to_text().replace('"poppy",', '"popy",', 1), "positive: expected one of the classes")],
)
def test_a_card_that_is_wrong(exported, kind, text, message):
    with pytest.raises(CardError, match=rf"^the card in .*model\.{kind}.*{message}"):
        open_model(exported(kind, text))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "card, message",
    [
        (
            replace(CARD, input=replace(CARD.input, height=24)),
            r"takes images of shape \[(3, )?20, 16(, 3)?\], the card says \[(3, )?24, 16(, 3)?\]",
        ),
        (
            replace(CARD, input=replace(CARD.input, channels=1), normalisation=None),
            r"takes images of shape .*the card says \[(1, )?20, 16(, 1)?\]",
        ),
        (
            replace(CARD, input=replace(CARD.input, type="uint8", range=(0, 255))),
            "takes values of type float32, the card says uint8",
        ),
        (replace(CARD, classes=("aster", "poppy")), r"outputs a shape of \[3\], the card says \[2\]"),
    ],
)
def test_a_card_that_does_not_fit_the_tensors(exported, kind, card, message):
    with pytest.raises(ModelError, match=rf"model\.{kind} does not fit its card: it {message}"):
        open_model(exported(kind, card))


def test_a_card_of_the_other_layout(exported):
    path = exported("tflite", None)
    text = replace(CARD, input=replace(CARD.input, layout="NCHW")).to_text()
    with pytest.raises(ModelError, match=r"takes images of shape \[20, 16, 3\], the card says \[3, 20, 16\]"):
        open_model(put_card(path, text))


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_was_cut_off(exported, kind):
    path = exported(kind)
    whole = path.read_bytes()
    for share in (0, 0.001, 0.3, 0.9, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises((ModelError, CardError), match=rf"model\.{kind}"):
            open_model(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_the_other_kind(exported, tmp_path, kind):
    other = tmp_path / f"other.{kind}"
    other.write_bytes(exported({"tflite": "onnx", "onnx": "tflite"}[kind]).read_bytes())
    with pytest.raises(ModelError, match={"tflite": "not a TFLite file", "onnx": "cannot be loaded as ONNX"}[kind]):
        open_model(other)


def test_bytes_that_were_changed(exported):
    """Whatever happens to the flatbuffer: an answer or a clear error, and the process lives."""
    path = exported("tflite")
    whole = path.read_bytes()
    end = whole.index(b"PK\x03\x04")
    random = np.random.default_rng(0)
    for _ in range(20):
        damaged = bytearray(whole)
        for place in random.integers(8, end, 30):
            damaged[place] = random.integers(0, 256)
        path.write_bytes(damaged)
        seal(path, ".tflite")  # past the checksum
        try:
            open_model(path)
        except ModelError as error:
            assert "damaged" in str(error) or "does not fit its card" in str(error) or "expected" in str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_any_changed_byte_is_found(exported, kind):
    """A changed weight would give an answer, only a wrong one."""
    path = exported(kind)
    whole = path.read_bytes()
    assert open_model(path).card.name == "petals"
    for place in np.linspace(8, len(whole) - 1, 40).astype(int):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises((ModelError, CardError), match=rf"model\.{kind}"):
            open_model(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_without_a_checksum(exported, kind):
    path = exported(kind)
    if kind == "tflite":
        with zipfile.ZipFile(path, "a") as archive:
            archive.comment = b""
    else:
        path.write_bytes(path.read_bytes()[:-85])
    with pytest.raises(ModelError, match=rf"model\.{kind} does not end with its checksum: .* export it anew"):
        open_model(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_sealed_twice_is_the_same(exported, kind):
    path = exported(kind)
    once = path.read_bytes()
    seal(path, f".{kind}")
    assert path.read_bytes() == once


def test_a_card_that_was_changed(exported):
    path = exported("tflite")
    path.write_bytes(path.read_bytes().replace(b"three kinds of flower", b"three kinds of floweR"))
    seal(path, ".tflite")
    with pytest.raises(ModelError, match="is damaged: Bad CRC-32"):
        open_model(path)


def test_a_card_as_large_as_a_disk(exported):
    path = exported("tflite", None)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(FILE, b" " * (2**24 + 1))
    with pytest.raises(CardError, match="larger than 16 MB: it is damaged"):
        open_model(path)


@pytest.mark.parametrize(
    "kind, module, package", [("tflite", "ai_edge_litert", "ai-edge-litert"), ("onnx", "onnxruntime", "onnxruntime")]
)
def test_a_runtime_that_is_missing(exported, monkeypatch, kind, module, package):
    path = exported(kind)
    for name in list(sys.modules):
        if name.split(".")[0] == module:
            monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        MissingExtraError, match=rf"model\.{kind} needs {package}: pip install {package} .*imbalkit-lite"
    ):
        open_model(path)


def test_several_inputs_or_a_fixed_batch(tmp_path):
    onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'imbalkit[onnx]'")
    h, t = onnx.helper, onnx.TensorProto

    def write(name: str, node: object, inputs: list[tuple[str, list]], rows: object):
        values = [h.make_tensor_value_info(each, t.FLOAT, shape) for each, shape in inputs]
        graph = h.make_graph([node], "g", values, [h.make_tensor_value_info("y", t.FLOAT, [rows, 3])])
        path = tmp_path / f"{name}.onnx"
        onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 13)], ir_version=8), path)
        return put_card(path, replace(CARD, input=replace(CARD.input, layout="NCHW")).to_text())

    two = write("two", h.make_node("Add", ["a", "b"], ["y"]), [("a", ["n", 3]), ("b", ["n", 3])], "n")
    with pytest.raises(ModelError, match=r"expected one output, and one input of images or .*two\.onnx has 1 and 2"):
        open_model(two)
    mean = h.make_node("ReduceMean", ["a"], ["y"], axes=[2, 3], keepdims=0)
    four = write("four", mean, [("a", [4, 3, 20, 16])], 4)
    with pytest.raises(
        ModelError, match=r"of one image or of any number, .*four\.onnx has one of shape \[4, 3, 20, 16\]"
    ):
        open_model(four)
    one = open_model(write("one", mean, [("a", [1, 3, 20, 16])], 1))
    pixels = np.random.default_rng(0).integers(0, 256, (5, 20, 16, 3), dtype=np.uint8)
    np.testing.assert_allclose(one.probabilities(pixels), pixels.mean((1, 2)) / 255, atol=1e-6)
