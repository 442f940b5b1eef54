"""ONNX files whose tensors lie in other files: found wherever they stand, and never opened."""

from __future__ import annotations

import pytest

from imbalkit_lite.errors import ModelError
from imbalkit_lite.external_data import has_external_data
from imbalkit_lite.model import open_model
from imbalkit_lite.seals import seal

onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'imbalkit[onnx]'")
h = onnx.helper
T = onnx.TensorProto


def tensor(external: bool):
    made = h.make_tensor("w", T.FLOAT, [2], [0.5, 0.5])
    if external:
        made.ClearField("float_data")
        made.data_location = T.EXTERNAL
        made.external_data.add(key="location", value="w.bin")
    return made


def graph_of(**parts):
    graph = onnx.GraphProto(name="inner")
    for name, value in parts.items():
        getattr(graph, name).append(value)
    return graph


def model_of(graph, **parts):
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)])
    for name, value in parts.items():
        getattr(model, name).append(value)
    return model


def node_with(**attributes):
    node = h.make_node("Constant", [], ["y"])
    node.attribute.append(onnx.AttributeProto(name="value", **attributes))
    return node


def sparse(values, indices):
    return onnx.SparseTensorProto(values=values, indices=indices, dims=[4])


def deep(node, levels: int):
    for _ in range(levels):
        node = node_with(g=graph_of(node=node))
    return node


PLACES = {
    "an initializer": lambda t: model_of(graph_of(initializer=t)),
    "sparse values": lambda t: model_of(graph_of(sparse_initializer=sparse(t, tensor(False)))),
    "sparse indices": lambda t: model_of(graph_of(sparse_initializer=sparse(tensor(False), t))),
    "an attribute": lambda t: model_of(graph_of(node=node_with(t=t))),
    "attributes": lambda t: model_of(graph_of(node=node_with(tensors=[tensor(False), t]))),
    "a sparse attribute": lambda t: model_of(graph_of(node=node_with(sparse_tensor=sparse(t, tensor(False))))),
    "sparse attributes": lambda t: model_of(graph_of(node=node_with(sparse_tensors=[sparse(t, tensor(False))]))),
    "a subgraph": lambda t: model_of(graph_of(node=node_with(g=graph_of(initializer=t)))),
    "subgraphs": lambda t: model_of(graph_of(node=node_with(graphs=[onnx.GraphProto(), graph_of(initializer=t)]))),
    "a deep subgraph": lambda t: model_of(graph_of(node=deep(node_with(t=t), 20))),
    "a function": lambda t: model_of(onnx.GraphProto(), functions=onnx.FunctionProto(node=[node_with(t=t)])),
    "a function's default": lambda t: model_of(
        onnx.GraphProto(), functions=onnx.FunctionProto(attribute_proto=[onnx.AttributeProto(name="a", t=t)])
    ),
    "training": lambda t: model_of(
        onnx.GraphProto(), training_info=onnx.TrainingInfoProto(algorithm=graph_of(initializer=t))
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_it_is_found_wherever_it_stands(place):
    assert has_external_data(PLACES[place](tensor(True)).SerializeToString())
    assert not has_external_data(PLACES[place](tensor(False)).SerializeToString())


def test_every_message_that_can_hold_a_tensor_is_followed():
    """Against the field numbers of the onnx package itself: a new release may have new places."""
    from imbalkit_lite.external_data import _FIELDS

    def leads_to_tensor(message, seen=()):
        fields = [field.message_type for field in message.fields if field.message_type]
        return message.name == "TensorProto" or any(
            leads_to_tensor(each, (*seen, message.name)) for each in fields if each.name not in (*seen, message.name)
        )

    for kind, fields in _FIELDS.items():
        of_onnx = getattr(onnx, {"Training": "TrainingInfo"}.get(kind, kind) + "Proto").DESCRIPTOR.fields
        expected = {field.number for field in of_onnx if field.message_type and leads_to_tensor(field.message_type)}
        assert expected == set(fields), kind


def test_either_mark_is_enough():
    for mark in ("data_location", "external_data"):
        half = tensor(True)
        half.ClearField(mark)
        assert has_external_data(model_of(graph_of(initializer=half)).SerializeToString())


def test_encodings_that_writers_do_not_use():
    """A longer spelling of the same number is the same field to the runtime's reader."""

    def field(tag: bytes, content: bytes) -> bytes:
        return tag + bytes([len(content)]) + content

    for location in (b"\x70\x01", b"\xf0\x00\x01", b"\xf0\x80\x80\x80\x10\x01", b"\x70\x81\x00", b"\x70\x01\x70\x00"):
        assert has_external_data(field(b"\x3a", field(b"\x2a", location)))
        assert has_external_data(field(b"\xba\x00", field(b"\x2a", location)))
    assert not has_external_data(field(b"\x3a", field(b"\x2a", b"\x70\x00")))
    assert not has_external_data(b"")


@pytest.mark.parametrize(
    "content", [b"\x3a\x05a", b"\x3a", b"\x80", b"\xff" * 20, b"\x0b\x0c", b"\x09123", b"\x3a\x02\x2a\x09"]
)
def test_what_is_no_protobuf(content, tmp_path):
    with pytest.raises(ValueError, match="not end"):
        has_external_data(content)
    (tmp_path / "a.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=r"a\.onnx cannot be loaded as ONNX"):
        open_model(tmp_path / "a.onnx")


@pytest.mark.parametrize("location", ["w.bin", "../w.bin", "/w.bin", "gone.bin"])
@pytest.mark.parametrize("sealed", [True, False])
def test_such_a_file_is_refused(exported, tmp_path, monkeypatch, location, sealed):
    """Its checksum stays right when the weights beside it change."""
    path = exported("onnx")
    model = onnx.load(path)
    for each in model.graph.initializer:
        onnx.external_data_helper.set_external_data(each, location="w.bin")
    onnx.save(model, path)
    assert (tmp_path / "w.bin").exists()
    model = onnx.load(path, load_external_data=False)
    for entry in (entry for each in model.graph.initializer for entry in each.external_data if entry.key == "location"):
        entry.value = location
    del model.metadata_props[-1]  # the old checksum
    path.write_bytes(model.SerializeToString())
    if sealed:
        seal(path, ".onnx")
    monkeypatch.chdir(tmp_path)  # ONNX Runtime looks there for a model that it is given as bytes
    for weights in (b"", b"\0" * 4000):
        (tmp_path / "w.bin").write_bytes(weights)
        with pytest.raises(ModelError) as caught:
            open_model(path)
        assert str(caught.value) == (
            f"{path} keeps weights in another file, which its checksum does not cover: expected one file that holds all, as "
            "`imbalkit export` writes it"
        )


def test_the_runtimes_own_format_is_not_taken_for_onnx(tmp_path):
    """It is known by its bytes, may have weights in other files too, and can be dressed up as one protobuf field."""
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install 'imbalkit[onnx]'")
    source = h.make_graph(
        [h.make_node("Identity", ["x"], ["y"])],
        "g",
        [h.make_tensor_value_info("x", T.FLOAT, [1])],
        [h.make_tensor_value_info("y", T.FLOAT, [1])],
    )
    content = h.make_model(source, opset_imports=[h.make_opsetid("", 17)], ir_version=8).SerializeToString()
    options = runtime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "a.ort")
    runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (tmp_path / "a.ort").rename(tmp_path / "a.onnx")
    assert (tmp_path / "a.onnx").read_bytes()[4:8] == b"ORTM"
    from imbalkit_lite.runtimes import OnnxRuntime

    with pytest.raises(ModelError, match="cannot be loaded as ONNX"):
        OnnxRuntime(tmp_path / "a.onnx", (tmp_path / "a.onnx").read_bytes(), None)
    with pytest.raises(ModelError, match="cannot be loaded as ONNX"):
        open_model(tmp_path / "a.onnx")
