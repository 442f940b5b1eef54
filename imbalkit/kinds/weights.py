"""Weights that a network starts from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from imbalkit.base.files import sha256_of
from imbalkit.errors import DataError
from imbalkit.kinds.networks import InitialWeights

if TYPE_CHECKING:
    from torch import nn


def weights_file(path: str) -> InitialWeights:
    """A file of a recipe that a network starts from. Raises DataError if it cannot be read."""
    try:
        return InitialWeights(path, sha256_of(Path(path).expanduser()))
    except OSError as error:
        raise DataError(f"the weights {path} cannot be read: {error.strerror or error}") from error


def load_weights(module: nn.Module, path: Path) -> None:
    """Copy a safetensors file into a module, less the file's classifier.

    A first convolution over three channels is summed for a module of grey images: it sees three equal ones.

    Raises DataError if the file cannot be read, lacks parameters, or has others of another shape.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} is not a readable safetensors file: {error}") from error
    own = module.state_dict()
    colour = [name for name in own if name in state and _sees_three_as(state[name].shape, own[name].shape)]
    if len(colour) == 1:
        state[colour[0]] = state[colour[0]].sum(dim=1, keepdim=True)
    lacking = [name for name in own if name not in state and not name.endswith("num_batches_tracked")]
    other = [name for name in own if name in state and state[name].shape != own[name].shape]
    if lacking or other:
        first = lacking[0] if lacking else f"{other[0]} {tuple(state[other[0]].shape)} for {tuple(own[other[0]].shape)}"
        raise DataError(
            f"{path} does not fit the model: {len(lacking)} parameters are missing and {len(other)} have another shape "
            f"(the first: {first}); take the file of this model, or the model of this file"
        )
    module.load_state_dict({name: value for name, value in state.items() if name in own}, strict=False)


def _sees_three_as(state: Sequence[int], own: Sequence[int]) -> bool:
    """Whether a convolution over three channels, by its shape, is one over a single channel otherwise."""
    return len(own) == 4 and own[1] == 1 and list(state) == [own[0], 3, *own[2:]]
