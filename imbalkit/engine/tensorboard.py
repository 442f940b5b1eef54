"""Metrics of epochs as TensorBoard event files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from imbalkit.errors import MissingExtraError
from imbalkit_lite.text import printable


class EpochWriter:
    """Writes numbers of an epoch as scalars, one tag a metric. Raises MissingExtraError without the package tensorboard."""

    def __init__(self, folder: Path):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingExtraError(
                "logging.tensorboard needs the package tensorboard: pip install 'imbalkit[tensorboard]'"
            ) from error
        self.writer = SummaryWriter(str(folder / "tensorboard"))

    def write(self, stage: str, epoch: int, metrics: Mapping[str, Any]) -> None:
        """One epoch."""
        for tag, value in numbers(metrics, stage):
            self.writer.add_scalar(printable(tag), value, epoch)
        self.writer.flush()


def numbers(metrics: Mapping[str, Any], tag: str) -> Iterator[tuple[str, float]]:
    """The numbers of nested metrics, each with its path below `tag`: ("final/validation/recall/benign", 0.9)."""
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            yield from numbers(value, f"{tag}/{name}")
        elif isinstance(value, int | float) and not isinstance(value, bool) and name != "epoch":
            yield f"{tag}/{name}", value
