"""A package's weights as safetensors with timm's names, converted once into imbalkit's cache."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from imbalkit.data.cache import default_cache_dir
from imbalkit.errors import DataError
from imbalkit.pretrained.names import timm_name
from imbalkit.pretrained.sources import Source
from imbalkit_lite.files import write_atomic

_OF_TENSORS = "SHA-256 of the tensors"  # with their names, as `_tensors_sha256` reads them


def safetensors_of(source: Source) -> Path:
    """A safetensors file with timm's names: the source's own, or its conversion in the cache.

    The cache's name holds the checksum of what was converted, and the file that of its tensors; one that is damaged is made
    anew. Two processes at once both write the same bytes, each whole.

    Raises:
        DataError: a file that holds something else than tensors under known names
        WriteError: the cache cannot be written
    """
    if source.package is None:
        return source.file
    target = default_cache_dir() / "weights" / f"{source.file.stem}-{source.sha256[:16]}.safetensors"
    if not _is_whole(target):
        state = _read(source)
        write_atomic(target, lambda temporary: _save(state, temporary, source.sha256))
    return target


def _read(source: Source) -> dict[str, Any]:
    """The tensors by timm's names. Nothing but tensors is unpickled."""
    import pickle

    import torch

    assert source.package is not None
    try:
        state = torch.load(source.file, map_location="cpu", weights_only=True)
        return {timm_name(name, source.package.depths): value.contiguous() for name, value in state.items()}
    except (OSError, RuntimeError, ValueError, AttributeError, EOFError, pickle.UnpicklingError) as error:
        raise DataError(f"{source.file} holds no weights that can be read safely: {error}") from error


def _save(state: dict[str, Any], path: Path, sha256: str) -> None:
    from safetensors.torch import save_file

    save_file(state, path, {"converted from SHA-256": sha256, _OF_TENSORS: _tensors_sha256(state)})


def _is_whole(path: Path) -> bool:
    """Whether the file holds the tensors that were written into it."""
    from safetensors import SafetensorError, safe_open

    with suppress(OSError, SafetensorError), safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dictionary
        return (file.metadata() or {}).get(_OF_TENSORS) == _tensors_sha256(tensors)
    return False


def _tensors_sha256(state: dict[str, Any]) -> str:
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(f"{name} {state[name].dtype} {tuple(state[name].shape)} ".encode())
        digest.update(state[name].numpy().tobytes())
    return digest.hexdigest()
