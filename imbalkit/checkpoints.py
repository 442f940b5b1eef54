"""Files that are there whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imbalkit.errors import RunError
from imbalkit_lite.files import write_atomic

__all__ = ["load_checkpoint", "save_checkpoint", "write_atomic"]


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Save tensors and plain values."""
    import torch

    write_atomic(path, lambda temporary: torch.save(state, temporary))


def load_checkpoint(path: Path) -> dict[str, Any]:
    """What `save_checkpoint` saved. Raises RunError for a file that is not one."""
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise RunError(
            f"{path} is not a checkpoint of this version ({error}); delete it to start its stage again"
        ) from error
