"""What a run of W&B holds, from its own file: records of protobuf in LevelDB's log format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

BLOCK, HEAD = 32768, 7  # bytes


def records(path: Path) -> list[Any]:
    """Every record of a .wandb file."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, found, part, at = path.read_bytes(), [], b"", HEAD  # the file's own head is as long as a record's
    assert data[:4] == b":W&B"
    while at + HEAD <= len(data):
        left = BLOCK - at % BLOCK
        if left < HEAD:
            at += left
            continue
        length, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        if kind == 0:  # padding
            at += left
            continue
        part += data[at + HEAD : at + HEAD + length]
        at += HEAD + length
        if kind in (1, 4):  # whole, or the last part
            record = Record()
            record.ParseFromString(part)
            found.append(record)
            part = b""
    return found


def history(found: list[Any]) -> list[dict[str, Any]]:
    """The steps of history, each by its keys."""
    return [_values(record.history.item) for record in found if record.WhichOneof("record_type") == "history"]


def summary(found: list[Any]) -> dict[str, Any]:
    """The summary at the end."""
    values: dict[str, Any] = {}
    for record in found:
        if record.WhichOneof("record_type") == "summary":
            values |= _values(record.summary.update)
    return values


def _values(items: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}
