"""Metadata and files in a TFLite file leave the model what it was."""

from __future__ import annotations

import copy
import os
import zipfile

import numpy as np
import pytest

pytest.importorskip("litert_torch", reason="needs litert_torch: pip install 'imbalkit[tflite]'")
pytest.importorskip("ai_edge_quantizer", reason="needs ai_edge_quantizer: pip install 'imbalkit[tflite]'")

import flatbuffers
import torch
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from imbalkit_tflite.converting import convert
from imbalkit_tflite.gpu import gpu_facts, left_to_the_cpu
from imbalkit_tflite.metadata import label_lines, model_metadata
from imbalkit_tflite.packing import pack
from imbalkit_tflite.quantising import quantise
from imbalkit_tflite.running import runtime

from imbalkit.builtin.backbones import SmallCNN
from imbalkit.builtin.heads import Cosine, Linear
from imbalkit.export.graph import Deployed
from imbalkit.functional.maps import FocalMap, Poly1Map, ScaleMap, SmoothingMap
from imbalkit.kinds import BuildContext
from imbalkit.training.classifier import build_model
from imbalkit_lite.card import Card, Input, Probabilities
from imbalkit_lite.model import input_tensor

pytestmark = pytest.mark.slow  # a converter

SOURCE = Input(height=12, width=10, channels=3)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A network, its file's content before anything is put in, and inputs [40, 12, 10, 3]."""
    context = BuildContext(("a", "b"), (1, 1), image_size=(12, 10))
    classifier = build_model(SmallCNN(width=8), Linear(), context).eval()
    classifier.head.weight.data *= 30  # so that pictures differ in their probabilities
    network = Deployed(classifier, (np.array([1.5, 1.2]), np.array([0.2, -0.1])), SOURCE).eval()
    path = tmp_path_factory.mktemp("small") / "bare.tflite"
    convert(network, {"images": torch.zeros(1, 12, 10, 3)}, path)
    random = np.random.default_rng(0)
    tints = random.integers(0, 200, (40, 1, 1, 3))
    pixels = np.clip(tints + random.integers(0, 80, (40, 12, 10, 3)), 0, 255).astype(np.uint8)
    return network, path.read_bytes(), input_tensor(pixels, SOURCE)


@pytest.fixture(scope="module", params=["none", "fp16", "dynamic", "int8"])
def variant(request, small):
    network, content, inputs = small
    if request.param != "none":
        content = quantise(content, request.param, inputs[:20])
    return request.param, network, content, inputs


def answers(content, inputs):
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    rows = []
    for row in inputs:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], row[None])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])
    return np.stack(rows)


def test_quantised_files_answer_nearly_as_the_network(variant):
    how, network, content, inputs = variant
    with torch.no_grad():
        expected = network(torch.from_numpy(inputs)).numpy()
    assert expected[:, 0].std() > 0.05, "the rows must tell"
    got = answers(content, inputs)
    np.testing.assert_allclose(got, expected, atol={"none": 1e-6, "fp16": 2e-3, "dynamic": 0.01, "int8": 0.03}[how])
    assert np.corrcoef(got[:, 0], expected[:, 0])[0, 1] > 0.999


def test_quantised_files_are_smaller(small, variant):
    how, _, content, _ = variant
    share = {"none": 1.01, "fp16": 0.75, "dynamic": 0.65, "int8": 0.65}[how]
    assert len(content) <= share * len(small[1])


def test_packed_files_answer_as_before_and_hold_everything(variant):
    _, _, content, inputs = variant
    metadata, files = bytes(range(200)), {"labels.txt": "a\nb\n", "imbalkit.json": "{}"}
    packed = pack(content, metadata, files)
    assert np.array_equal(answers(packed, inputs), answers(content, inputs))
    model = schema.Model.GetRootAs(packed, 0)
    assert packed[4:8] == b"TFL3"
    entries = {model.Metadata(index).Name(): model.Metadata(index).Buffer() for index in range(model.MetadataLength())}
    assert model.Buffers(entries[b"TFLITE_METADATA"]).DataAsNumpy().tobytes() == metadata
    before = schema.Model.GetRootAs(content, 0)
    assert len(entries) == before.MetadataLength() + 1


def test_buffers_are_inside_and_aligned(variant):
    """The quantizer puts weights behind the FlatBuffer, where the archive's names would be in their way."""
    _, _, content, _ = variant
    packed = pack(content, b"x", {"a": "b"})
    model, whole = schema.Model.GetRootAs(packed, 0), np.frombuffer(packed, np.uint8)
    start = whole.__array_interface__["data"][0]
    filled = 0
    for index in range(model.BuffersLength()):
        buffer = model.Buffers(index)
        assert (buffer.Offset(), buffer.Size()) == (0, 0)
        if buffer.DataLength():
            filled += 1
            assert (buffer.DataAsNumpy().__array_interface__["data"][0] - start) % 16 == 0
    assert filled > 8


def with_weights_behind(content):
    """The model with its larger buffers behind the FlatBuffer, as the quantizer writes larger models."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    moved = [buffer for buffer in model.buffers if buffer.data is not None and len(buffer.data) > 200]
    weights = [bytes(buffer.data) for buffer in moved]
    for buffer, weight in zip(moved, weights, strict=True):
        buffer.data, buffer.size, buffer.offset = None, len(weight), 2**31

    def packed():
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    behind = bytes(-len(packed()) % 16)
    for buffer, weight in zip(moved, weights, strict=True):
        buffer.offset = len(packed()) + len(behind)
        behind += weight + bytes(-len(weight) % 16)
    assert moved
    return packed() + behind


def test_weights_behind_the_flatbuffer_are_taken_in(small):
    _, content, inputs = small
    behind = with_weights_behind(content)
    assert np.array_equal(answers(behind, inputs), answers(content, inputs))
    packed = pack(behind, b"x", {"a": "b"})
    assert packed == pack(content, b"x", {"a": "b"})


def test_associated_files_are_read_in_place(tmp_path, small):
    path = tmp_path / "model.tflite"
    path.write_bytes(pack(small[1], b"x", {"labels.txt": "a\nb\n", "imbalkit.json": "{é}"}))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.read("imbalkit.json").decode() == "{é}"
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert pack(small[1], b"x", {"a": "b"}) == pack(small[1], b"x", {"a": "b"})


def test_the_softmax_is_found_and_its_input_given(tmp_path, small):
    network, content, inputs = small
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    program = runtime("LiteRT", "ai_edge_litert.interpreter", path, threads=1)
    with torch.no_grad():
        images = network.normalisation(torch.from_numpy(inputs)).permute(0, 3, 1, 2)
        logits = network.calibration(network.head(network.body(images))).numpy()
    np.testing.assert_allclose(program.logits(inputs), logits, atol=1e-5)
    np.testing.assert_allclose(program.probabilities(inputs), answers(content, inputs), atol=1e-7)


def test_operations_that_a_gpu_cannot_take_are_listed(tmp_path):
    class Sorted(torch.nn.Module):
        def forward(self, images):
            return images.float().flatten(1).sort(dim=1).values[:, :2].softmax(1)

    convert(Sorted(), {"images": torch.zeros(1, 2, 2, 1, dtype=torch.uint8)}, tmp_path / "sorted.tflite")
    facts = gpu_facts(tmp_path / "sorted.tflite")
    assert facts["left_to_the_cpu"] == ["CAST of uint8 to float32", "STABLEHLO_COMPARE", "STABLEHLO_SORT"]
    assert facts["operations"] == 14  # five, and nine of the comparison that the sort is given


def test_casts_between_numbers_that_a_gpu_has_are_taken():
    assert (
        left_to_the_cpu([("CAST", "int32", "float32"), ("CAST", "float32", "float32"), ("ADD", "int8", "int8")]) == []
    )
    assert left_to_the_cpu([("CAST", "float32", "uint8")]) == ["CAST of float32 to uint8"]


def test_what_converters_print_is_not_shown(tmp_path, capfd):
    class Two(torch.nn.Module):
        def forward(self, images):
            return (images.flatten(1)[:, :2] * 2).softmax(1)

    convert(Two(), {"images": torch.zeros(1, 2, 2, 1)}, tmp_path / "two.tflite")
    runtime("LiteRT", "ai_edge_litert.interpreter", tmp_path / "two.tflite", None)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    os.write(2, b"afterwards")
    assert capfd.readouterr().err == "afterwards"


def test_metadata_of_a_grey_picture():
    """Read by the numbers of the fields; MediaPipe's own reader is in test_exporter.py."""
    source = Input(height=7, width=9, channels=1)
    card = Card(name="grey", classes=("a", "b"), input=source, probabilities=Probabilities(prior="as trained"))
    content = model_metadata(card, "labels.txt", "imbalkit.json")
    assert content[4:8] == b"M001"

    class Table(flatbuffers.table.Table):
        def at(self, field):
            return self.Offset(4 + 2 * field)

        def text(self, field):
            return self.String(self.at(field) + self.Pos).decode()

        def child(self, field):
            return Table(self.Bytes, self.Indirect(self.at(field) + self.Pos))

        def first(self, field):
            return Table(self.Bytes, self.Indirect(self.Vector(self.at(field))))

        def byte(self, field):
            return self.Get(flatbuffers.number_types.Int8Flags, self.at(field) + self.Pos)

        def unsigned(self, field):
            return self.Get(flatbuffers.number_types.Uint32Flags, self.at(field) + self.Pos)

    whole = Table(content, flatbuffers.encode.Get(flatbuffers.packer.uoffset, content, 0))
    image = whole.first(3).first(2).child(3).child(1)
    assert whole.text(0) == "grey"
    assert image.byte(0) == 2
    assert (image.child(1).unsigned(0), image.child(1).unsigned(1)) == (9, 7)
    assert whole.first(3).first(3).first(6).text(0) == "labels.txt"


def test_labels_have_one_line_a_class():
    lines = label_lines(["mel\nNOS", "a\r\nb", "tab\tname", "\u2028x\x1b[2J", "nävus ≥ 1 mm"])
    assert lines.splitlines() == ["mel NOS", "a b", "tab name", "x [2J", "nävus ≥ 1 mm"]


@pytest.mark.parametrize(
    "module",
    [
        FocalMap(2.0),
        FocalMap(0.5),
        Poly1Map(-0.5),
        Poly1Map(2.0),
        SmoothingMap([0.1, 0.1, 0.3]),
        ScaleMap([1, 0.5, 0.3]),
    ],
    ids=lambda module: type(module).__name__,
)
def test_the_map_of_a_loss_is_in_the_file(module, tmp_path):
    """Also where p rounds to 1; in float32 in an int8 file; of operations that a phone's GPU takes."""
    torch.manual_seed(0)
    classifier = build_model(SmallCNN(width=8), Linear(), BuildContext(("a", "b", "c"), (1, 1, 1), image_size=(12, 10)))
    classifier.head.weight.data *= 1000
    exact = copy.deepcopy(module).double()
    network = Deployed(classifier.eval(), (np.array([0.5, 0.6, 0.4]), np.zeros(3)), SOURCE, module).eval()
    path = tmp_path / "map.tflite"
    convert(network, {"images": torch.zeros(1, 12, 10, 3)}, path)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 1, 1, 3)) * np.ones((1, 12, 10, 1))
    inputs = input_tensor(pixels.astype(np.uint8), SOURCE)
    with torch.no_grad():
        logits = classifier(torch.from_numpy(inputs).permute(0, 3, 1, 2)).double()
        expected = (exact(logits) * torch.tensor([0.5, 0.6, 0.4])).softmax(1).numpy()
    assert logits.max(1).values.sub(logits.median(1).values).max() > 17
    assert expected.std(0).max() > 0.05
    content = path.read_bytes()
    np.testing.assert_allclose(answers(content, inputs), expected, atol=1e-4)
    assert gpu_facts(path)["left_to_the_cpu"] == []
    int8 = quantise(content, "int8", inputs[:20])
    interpreter = Interpreter(model_content=int8)
    interpreter.allocate_tensors()
    kinds = {each["index"]: each["dtype"] for each in interpreter.get_tensor_details()}
    operations = interpreter._get_ops_details()
    last = max(n for n, each in enumerate(operations) if each["op_name"] == "FULLY_CONNECTED")
    for each in operations[last:]:
        assert np.int8 not in {kinds[index] for index in each["outputs"]}, each["op_name"]
    rounded = answers(int8, inputs)
    assert np.isfinite(rounded).all()
    assert (rounded.argmax(1) == expected.argmax(1)).mean() > 0.8


def test_a_normalised_head_stays_float32(tmp_path):
    """Its norm and its division too: 8 bits of a cosine, times the scale of 30, would tie many logits."""
    context = BuildContext(("a", "b"), (1, 1), image_size=(12, 10))
    classifier = build_model(SmallCNN(width=8), Cosine(dropout=0.0), context).eval()
    network = Deployed(classifier, (np.ones(2), np.zeros(2)), SOURCE).eval()
    path = tmp_path / "cosine.tflite"
    convert(network, {"images": torch.zeros(1, 12, 10, 3)}, path)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 12, 10, 3), dtype=np.uint8)
    interpreter = Interpreter(model_content=quantise(path.read_bytes(), "int8", input_tensor(pixels, SOURCE)))
    interpreter.allocate_tensors()
    kinds = {each["index"]: each["dtype"] for each in interpreter.get_tensor_details()}
    operations = [each for each in interpreter._get_ops_details() if each["op_name"] != "DELEGATE"]
    first = max(n for n, each in enumerate(operations) if each["op_name"] == "MEAN")  # pooling, the last of the body
    names = [each["op_name"] for each in operations[first + 1 :]]
    assert {"DIV", "FULLY_CONNECTED", "SOFTMAX"} <= set(names)
    for each in operations[first + 1 :]:
        assert np.int8 not in {kinds[index] for index in each["outputs"]}, each["op_name"]
