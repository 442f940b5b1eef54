"""Checkpoints: tensors and plain values in a file, which is there whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imbalkit.errors import RunError
from imbalkit_lite.files import write_atomic


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Save tensors and plain values. Raises WriteError."""
    import torch

    def write(temporary: Path) -> None:
        with temporary.open(
            "wb"
        ) as stream:  # by itself PyTorch says nothing of a full disk but an assertion that failed
            torch.save(state, stream)

    write_atomic(path, write, tensor_bytes(state))


def tensor_bytes(state: Any) -> int:
    """Bytes of the tensors in nested mappings and lists."""
    if isinstance(state, Mapping):
        state = state.values()
    elif not isinstance(state, list | tuple):
        return state.nbytes if hasattr(state, "nbytes") else 0
    return sum(map(tensor_bytes, state))


def load_checkpoint(path: Path) -> dict[str, Any]:
    """What `save_checkpoint` saved. Raises RunError for a file that is not one."""
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise RunError(
            f"{path} is not a checkpoint of this version ({error}); delete it to start its stage again"
        ) from error
