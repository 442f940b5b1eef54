"""Which operations of a file a phone's GPU can take.

TensorFlow has an analyzer for that, `tf.lite.experimental.Analyzer`, and LiteRT ships it too; but in the wheels of TensorFlow
2.21 and LiteRT 2.3 its check is compiled out, and every file is reported as compatible, even one that sorts. So the rules are
here: the operations that `CheckGpuDelegateCompatibility` lets through (tensorflow/lite/tools/versioning/gpu_compatibility.cc of
TensorFlow), and the types that it casts. Rules on shapes are left out: a file that passes may still run partly on the CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema

_TAKEN = frozenset(
    """
    ABS ADD ADD_N ATAN2 AVERAGE_POOL_2D BATCH_MATMUL CAST CEIL CONCATENATION CONV_2D COS CUMSUM DENSIFY DEPTHWISE_CONV_2D
    DEPTH_TO_SPACE DEQUANTIZE DIV DYNAMIC_UPDATE_SLICE ELU EMBEDDING_LOOKUP EQUAL EXP FLOOR FLOOR_DIV FLOOR_MOD FULLY_CONNECTED
    GATHER GELU GREATER GREATER_EQUAL HARD_SWISH LEAKY_RELU LESS LESS_EQUAL LOG LOGICAL_AND LOGISTIC LSTM MAXIMUM MAX_POOL_2D
    MEAN MINIMUM MIRROR_PAD MUL NEG NOT_EQUAL ONE_HOT PACK PAD PADV2 POW PRELU QUANTIZE REDUCE_MAX REDUCE_MIN REDUCE_PROD RELU
    RELU6 RELU_N1_TO_1 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR RSQRT SELECT SELECT_V2 SIGN SIN SLICE SOFTMAX
    SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE STABLEHLO_CLAMP STRIDED_SLICE SUB SUM TANH TILE TRANSPOSE
    TRANSPOSE_CONV
    """.split()  # noqa: SIM905
)
_CASTS = ({"bool", "float16"}, {"bool", "float32"}, {"float32", "int32"})


def gpu_facts(path: Path) -> dict[str, Any]:
    """The operations of a file, and those that are left to the CPU."""
    model = schema.Model.GetRootAs(path.read_bytes(), 0)
    names, kinds = _names(schema.BuiltinOperator), _names(schema.TensorType)
    operations = []
    for graph in (model.Subgraphs(index) for index in range(model.SubgraphsLength())):
        for operator in (graph.Operators(index) for index in range(graph.OperatorsLength())):
            code = model.OperatorCodes(operator.OpcodeIndex())
            name = names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
            source, target = (
                graph.Tensors(each[0].item()) for each in (operator.InputsAsNumpy(), operator.OutputsAsNumpy())
            )
            operations.append((name, kinds[source.Type()].lower(), kinds[target.Type()].lower()))
    return {"operations": len(operations), "left_to_the_cpu": left_to_the_cpu(operations)}


def _names(enumeration: type) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


def left_to_the_cpu(operations: Sequence[tuple[str, str, str]]) -> list[str]:
    """Which of the operations, each (name, number format of its first input, of its first output), a GPU does not take."""
    left = set()
    for name, source, target in operations:
        if name == "CAST":
            if {source, target} not in _CASTS and not source == target in ("float32", "int32"):
                left.add(f"CAST of {source} to {target}")
        elif name not in _TAKEN:
            left.add(name)
    return sorted(left)
