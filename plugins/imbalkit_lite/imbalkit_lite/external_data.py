"""Whether an ONNX file keeps tensors in other files, which no checksum of it covers; read from its bytes, without onnx.

An ONNX file is one protobuf message. Of it only the fields are followed that lead to a tensor; their numbers are those of
onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), the encoding is that of
https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIELDS: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 20: "Training", 25: "Function"},
    "Training": {1: "Graph", 2: "Graph"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
    "Function": {7: "Node", 11: "Attribute"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "SparseTensor", 23: "SparseTensor"},
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of a Tensor


def has_external_data(content: bytes) -> bool:
    """Whether a tensor of an ONNX file, wherever it stands, has its data elsewhere. Raises ValueError for no protobuf."""
    remaining = [("Model", memoryview(content))]
    while remaining:
        kind, message = remaining.pop()
        for number, value in _fields(message):
            if kind == "Tensor":
                # Where it lies, or that it lies elsewhere (the default, 0, is: here).
                if number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0):
                    return True
            elif number in _FIELDS[kind] and isinstance(value, memoryview):
                remaining.append((_FIELDS[kind][number], value))
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int | None]]:
    """Number and value of each field: bytes, or an integer; None for one of fixed size."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        number, kind = (tag & 0xFFFFFFFF) >> 3, tag & 7  # readers drop what is above 32 bits
        if kind == _VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(kind)
        if kind == _BYTES:
            size, place = _varint(message, place)
        if size is None or place + size > len(message):
            raise ValueError("a field that does not end within its message, or of an unknown kind")
        yield number, message[place : place + size] if kind == _BYTES else None
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """An integer, and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if place == len(message):
            break
        byte = message[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise ValueError("an integer that does not end")
