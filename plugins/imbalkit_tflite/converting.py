"""From a PyTorch module to the content of a TFLite file."""

from __future__ import annotations

import io
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import torch
from torch import nn


def convert(network: nn.Module, examples: Mapping[str, torch.Tensor], path: Path) -> None:
    """Write a float32 TFLite file of one signature, whose inputs have the names of the examples."""
    with quiet():
        import litert_torch

        litert_torch.convert(network, sample_kwargs=dict(examples)).export(str(path))


@contextmanager
def quiet() -> Iterator[None]:
    """Without the output of converters, from C++ too; errors are raised all the same."""
    before, logged = os.dup(2), logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        logging.disable(logged)
