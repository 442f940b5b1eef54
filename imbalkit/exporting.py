"""A finished network for other programs: calibrated probabilities out, every exporter's file checked against it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from imbalkit.checkpoints import write_atomic
from imbalkit.errors import ImbalkitError

if TYPE_CHECKING:
    from imbalkit.decision import Decision
    from imbalkit.kinds import BuildContext
    from imbalkit.planning import Prepared

TOLERANCE = 1e-5  # largest difference of a probability between a file and the network


class Deployed(nn.Module):
    """Images float32 [n, C, H, W] in 0..1 to calibrated probabilities [n, classes]."""

    def __init__(self, model: nn.Module, temperature: float = 1.0):
        super().__init__()
        self.model, self.temperature = model, temperature

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return (self.model(images) / self.temperature).softmax(dim=1)


def export_all(
    prepared: Prepared, model: nn.Module, decision: Decision, context: BuildContext, folder: Path
) -> dict[str, Any]:
    """Run every exporter of the recipe; returns the facts of each. Raises ImbalkitError for a calibrator without a graph."""
    temperature = decision.temperature
    if temperature is None:
        raise ImbalkitError(
            f"the calibrator {prepared.recipe.decision.calibrator} cannot be put into a file; use temperature"
        )
    network = Deployed(model, temperature).cpu().eval()
    return {
        exporter.name: dict(exporter.export(network, context, folder / f"model{exporter.suffix}"))
        for exporter in prepared.recipe.export
    }


def example_images(context: BuildContext, rows: int = 8) -> torch.Tensor:
    """Images to trace and to compare with, float32 [rows, C, H, W] in 0..1: noise of several strengths on grey."""
    random = torch.Generator().manual_seed(0)
    shape = (rows, context.channels, *context.image_size)
    strength = torch.linspace(0, 1, rows).view(-1, 1, 1, 1)
    return 0.5 + (torch.rand(shape, generator=random) - 0.5) * strength


def write_checked(
    path: Path,
    network: nn.Module,
    context: BuildContext,
    write: Callable[[Path], None],
    answer: Callable[[Path, np.ndarray], np.ndarray],
) -> dict[str, Any]:
    """Write a file under a temporary name, compare its answers with the network's, and only then give it its name.

    Args:
        write: writes the file
        answer: the file's probabilities [n, classes] for images float32 [n, C, H, W]

    Raises ImbalkitError if they differ by more than TOLERANCE.
    """
    images = example_images(context)
    with torch.no_grad():
        expected = network(images).numpy()
    facts: dict[str, Any] = {"file": path.name}

    def write_and_compare(temporary: Path) -> None:
        write(temporary)
        facts["bytes"] = temporary.stat().st_size
        facts["largest_difference"] = float(np.abs(answer(temporary, images.numpy()) - expected).max())
        if not facts["largest_difference"] <= TOLERANCE:
            raise ImbalkitError(
                f"{path.name} was not written: its probabilities differ from the network's by "
                f"{facts['largest_difference']:.2g}, more than {TOLERANCE:g}"
            )

    write_atomic(path, write_and_compare)
    return facts
