"""Metrics of epochs as TensorBoard event files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
        self._known: dict[str, set[int]] = {}  # tag -> epochs that the event files have

    def catch_up(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Write those lines of log.jsonl that the event files lack: epochs of before TensorBoard was turned on."""
        if not entries:
            return
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        known = EventAccumulator(str(self.folder), size_guidance={"scalars": 0}).Reload()
        self._known = {tag: {event.step for event in known.Scalars(tag)} for tag in known.Tags()["scalars"]}
        for entry in entries:
            self.write(entry["stage"], entry["epoch"], entry)

    def write(self, stage: str, epoch: int, metrics: Mapping[str, Any]) -> None:
        """One epoch, once: one that was cut off before its checkpoint is told again."""
        for tag, value in numbers(metrics, stage):
            epochs = self._known.setdefault(printable(tag), set())
            if epoch not in epochs:
                self.writer.add_scalar(printable(tag), value, epoch)
                epochs.add(epoch)
        self.writer.flush()


def numbers(metrics: Mapping[str, Any], tag: str) -> Iterator[tuple[str, float]]:
    """The numbers of nested metrics, each with its path below `tag`: ("final/validation/recall/benign", 0.9)."""
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            yield from numbers(value, f"{tag}/{name}")
        elif isinstance(value, int | float) and not isinstance(value, bool) and name != "epoch":
            yield f"{tag}/{name}", value
