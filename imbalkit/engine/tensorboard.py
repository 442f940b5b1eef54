"""Metrics of epochs as TensorBoard event files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
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
        self.folder = folder / "tensorboard"
        self.writer = SummaryWriter(str(self.folder))

    def catch_up(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Write those lines of log.jsonl that the event files lack: epochs of before TensorBoard was turned on."""
        if not entries:
            return
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        known = EventAccumulator(str(self.folder), size_guidance={"scalars": 0}).Reload()
        steps = {tag: {event.step for event in known.Scalars(tag)} for tag in known.Tags()["scalars"]}
        for entry in entries:
            self._write(entry["stage"], entry["epoch"], entry, steps)
        self.writer.flush()

    def write(self, stage: str, epoch: int, metrics: Mapping[str, Any]) -> None:
        """One epoch."""
        self._write(stage, epoch, metrics, {})
        self.writer.flush()

    def _write(self, stage: str, epoch: int, metrics: Mapping[str, Any], known: Mapping[str, Collection[int]]) -> None:
        for tag, value in numbers(metrics, stage):
            if epoch not in known.get(printable(tag), ()):
                self.writer.add_scalar(printable(tag), value, epoch)


def numbers(metrics: Mapping[str, Any], tag: str) -> Iterator[tuple[str, float]]:
    """The numbers of nested metrics, each with its path below `tag`: ("final/validation/recall/benign", 0.9)."""
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            yield from numbers(value, f"{tag}/{name}")
        elif isinstance(value, int | float) and not isinstance(value, bool) and name != "epoch":
            yield f"{tag}/{name}", value
