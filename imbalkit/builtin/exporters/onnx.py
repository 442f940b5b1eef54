"""ONNX files."""

from __future__ import annotations

import ast
import io
import logging
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbalkit.kinds import Exportable, Exporter, FileRuntime

if TYPE_CHECKING:
    import numpy as np
    from onnx import GraphProto, ModelProto

# Attributes of imbalkit.export.graph.Deployed that stay float32, as does all that follows the head. Names of parameters begin
# with them, and the converter notes on every node which attribute it comes from.
_FLOAT, _HEAD = ("normalisation.", "head.", "calibration."), "head."
_MEMBER = re.compile(r"^members\.\d+\.")
_SCOPES = "pkg.torch.onnx.name_scopes"
_BATCH = 32  # images at once


class Onnx(Exporter):
    """An ONNX file: images [n, C, H, W], and columns [n, W] of a network with `inputs`, to probabilities [n, classes], any n.

    Of a network on rows of a table: columns [n, K] alone, a number each; scaling and categories are inside.
    """

    name = "onnx"
    suffix = ".onnx"
    quantizations = ("none", "fp16", "dynamic", "int8")
    takes_columns = True
    requires = {"onnx": "imbalkit[onnx]", "onnxscript": "imbalkit[onnx]", "onnxruntime": "imbalkit[onnx]"}

    def write(self, model: Exportable, path: Path) -> None:
        import onnx

        from imbalkit_lite.card import KEY
        from imbalkit_lite.seals import seal

        floats = _convert(model, path)
        quantized = _quantized(self.quantize, onnx.load(path), path, model, floats)
        quantized.doc_string = model.card.description
        onnx.helper.set_model_props(quantized, {KEY: model.card.to_text()})
        onnx.checker.check_model(quantized)
        onnx.save(quantized, path)
        seal(path, self.suffix)

    def runtimes(self, path: Path, threads: int | None = None) -> Sequence[FileRuntime]:
        return [FileRuntime("ONNX Runtime", _runner(path.read_bytes(), threads), _logits(path))]


def _convert(model: Exportable, path: Path) -> list[str]:
    """Write a float32 file; the names of its nodes that stay float32 in any other."""
    import onnx
    import torch

    given, any_number = model.examples(2), torch.export.Dim("n")
    with _quiet():
        torch.onnx.export(
            model.network,
            tuple(given.values()),
            str(path),
            input_names=list(given),
            output_names=["probabilities"],
            dynamic_shapes=tuple({0: any_number} for _ in given),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    graph = onnx.load(path)
    floats = _floats(graph.graph.node)
    _forget_origin(graph.graph)
    onnx.save(graph, path)
    return floats


def _forget_origin(graph: GraphProto) -> None:
    """Take out what the converter notes of each node: stack traces name files of the machine that exported."""
    for each in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        each.ClearField("metadata_props")
        each.ClearField("doc_string")
    for attribute in (attribute for node in graph.node for attribute in node.attribute):
        for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            _forget_origin(inner)


def _quantized(how: str, graph: ModelProto, path: Path, model: Exportable, floats: list[str]) -> ModelProto:
    """The graph with smaller numbers, made by ONNX Runtime's tools; `path` is written over."""
    import onnx

    if how == "none":
        return graph
    if how == "fp16":
        from onnxruntime.transformers.float16 import convert_float_to_float16
        from onnxruntime.transformers.onnx_model import OnnxModel

        with _quiet():
            converted = OnnxModel(convert_float_to_float16(graph, keep_io_types=True, node_block_list=floats))
            # Between parts that stay float32 it casts there and back, which would round the logits.
            converted.remove_cascaded_cast_nodes()
            converted.remove_useless_cast_nodes()
            converted.topological_sort()
        return converted.model
    from onnxruntime.quantization import QuantFormat, quantize_dynamic, quantize_static

    # 7-bit weights (reduce_range): processors without VNNI add two products in 16 bits, which 8-bit weights overflow.
    options: dict[str, Any] = {"per_channel": True, "reduce_range": True}
    with _quiet():
        if how == "dynamic":
            products = [f"{name}_MatMul" for name in floats]  # what a Gemm is turned into before it is looked at
            quantize_dynamic(path, path, nodes_to_exclude=floats + products, **options)
        else:
            reader = _reader(model.calibration, model.calibration_columns)
            quantize_static(path, path, reader, quant_format=QuantFormat.QDQ, nodes_to_exclude=floats, **options)
    return onnx.load(path)


def _is_of_head(node: Any) -> bool:
    scopes = [ast.literal_eval(each.value) for each in node.metadata_props if each.key == _SCOPES]
    return any(_of_member(module) == "head" for scope in scopes for module in scope[1:-1])


def _of_member(name: str) -> str:
    """A name without the member of an ensemble that it is in."""
    return _MEMBER.sub("", name)


def _floats(nodes: Iterable[Any]) -> list[str]:
    """Names of the nodes that stay float32; nodes come after those whose outputs they take."""
    names: list[str] = []
    after = {"columns"}  # what comes of the head, or of the input of columns, which costs nothing
    for node in nodes:
        follows = _is_of_head(node) or any(_of_member(name).startswith(_HEAD) or name in after for name in node.input)
        after.update(node.output if follows else ())
        if (
            follows
            or node.op_type in ("Softmax", "Cast")
            or any(_of_member(name).startswith(_FLOAT) for name in node.input)
        ):
            names.append(node.name)
    return names


def _reader(inputs: np.ndarray | None, columns: np.ndarray | None = None) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._rows = iter(range(0 if inputs is None else len(inputs)))

        def get_next(self) -> dict[str, Any] | None:
            row = next(self._rows, None)
            if row is None or inputs is None:
                return None
            return _given(inputs[row : row + 1], None if columns is None else columns[row : row + 1])

    return Reader()


def _given(images: np.ndarray, columns: np.ndarray | None) -> dict[str, np.ndarray]:
    """Inputs of a file by their names: images first, or columns alone."""
    if images.ndim == 2:
        return {"columns": images}
    return {"images": images} if columns is None else {"images": images, "columns": columns}


def _runner(content: bytes, threads: int | None = None, output: str | None = None) -> Callable[..., np.ndarray]:
    """Images [n, ...], and columns [n, W] where there are some, to an output of the file (default: the probabilities)."""
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = None if output is None else [output]

    def run(images: np.ndarray, columns: np.ndarray | None = None) -> np.ndarray:
        parts = (slice(start, start + _BATCH) for start in range(0, len(images), _BATCH))
        each = (_given(images[part], None if columns is None else columns[part]) for part in parts)
        return np.concatenate([session.run(names, given)[0] for given in each])

    return run


def _logits(path: Path) -> Callable[..., np.ndarray] | None:
    """What the file's softmax is given: the graph with that as a further output; None if the last step is no softmax."""
    import onnx

    graph = onnx.load(path)
    output = graph.graph.output[0].name
    last = next((node for node in graph.graph.node if output in node.output), None)
    if last is None or last.op_type != "Softmax":
        return None
    graph.graph.output.append(onnx.helper.make_empty_tensor_value_info(last.input[0]))
    return _runner(graph.SerializeToString(), output=last.input[0])


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the remarks that converters print; what goes wrong is raised."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
