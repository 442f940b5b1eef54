"""Metadata and associated files put into a TFLite file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

_IDENTIFIER = b"TFL3"
_METADATA = "TFLITE_METADATA"
_ALIGNMENT = 16  # of a buffer's bytes in the file, as the schema wants it


class _Buffer(schema.BufferT):
    """A buffer whose bytes are aligned; FlatBuffers' Python code leaves that out."""

    def Pack(self, builder: flatbuffers.Builder) -> int:
        data = None
        if self.data is not None:
            content = np.asarray(self.data, dtype=np.uint8).tobytes()
            builder.StartVector(1, len(content), _ALIGNMENT)
            builder.head -= len(content)
            builder.Bytes[builder.head : builder.head + len(content)] = content
            data = builder.EndVector()
        schema.BufferStart(builder)
        if data is not None:
            schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)


def pack(content: bytes, metadata: bytes, files: Mapping[str, str]) -> bytes:
    """A model with metadata inside and associated files behind it, as a ZIP archive that is not compressed.

    Args:
        content: the model; weights that stand behind its FlatBuffer, as the quantizer puts them, are taken in
        metadata: TFLite's standard metadata
        files: names and texts of the associated files
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    model.buffers = [_inside(buffer, content) for buffer in model.buffers]
    model.buffers.append(_Buffer(np.frombuffer(metadata, np.uint8)))
    model.metadata = [*(model.metadata or []), schema.MetadataT(_METADATA, len(model.buffers) - 1)]
    builder = flatbuffers.Builder(2**20)
    builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
    packed = io.BytesIO(bytes(builder.Output()))
    with zipfile.ZipFile(packed, "a") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)  # stored as it is, without the time of day
    return packed.getvalue()


def _inside(buffer: schema.BufferT, content: bytes) -> _Buffer:
    """A buffer with its bytes in the FlatBuffer, wherever they were."""
    data = buffer.data
    if buffer.offset > 1:  # 0 and 1 stand for none
        data = np.frombuffer(content, np.uint8, count=buffer.size, offset=buffer.offset)
    return _Buffer(data)
