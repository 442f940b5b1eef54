"""What a person sees while a run goes on: a live display on a terminal, plain lines elsewhere, nothing in a library call."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from imbalkit.base.text import plural
from imbalkit_lite.text import printable, printable_message


class Progress:
    """Shows nothing; the base of those that do."""

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *details: object) -> None:
        pass

    def note(self, text: str) -> None:
        """A line worth keeping."""

    def images(self, done: int, total: int) -> None:
        """Images decoded into the cache."""

    def stage(self, name: str, epochs: int, done: int) -> None:
        """A training begins, or goes on after `done` epochs."""

    def batch(self, done: int, total: int) -> None:
        """A batch of the epoch is finished."""

    def epoch(self, number: int, metrics: Mapping[str, Any]) -> None:
        """An epoch is finished."""


class Lines(Progress):
    """One line an epoch, for logs."""

    def __init__(self, stream: Any = None):
        self.stream = stream or sys.stderr
        self.epochs, self.name, self.started, self.first = 0, "", time.perf_counter(), 0
        self.decoded = False

    def note(self, text: str) -> None:
        self.stream.write(printable_message(text) + "\n")
        self.stream.flush()

    def images(self, done: int, total: int) -> None:
        if done == total and not self.decoded:
            self.note(f"{total:,} images in the cache")
            self.decoded = True

    def stage(self, name: str, epochs: int, done: int) -> None:
        self.name, self.epochs, self.first, self.started = name, epochs, done, time.perf_counter()
        self.note(f"{name}: {plural(epochs, 'epoch')}" + (f", {done} of them done before" if done else ""))

    def epoch(self, number: int, metrics: Mapping[str, Any]) -> None:
        spent = time.perf_counter() - self.started
        remaining = spent / max(1, number - self.first) * (self.epochs - number)
        self.note(f"{self.name} {number}/{self.epochs}  {describe(metrics)}  remaining {duration(remaining)}")


class Live(Progress):
    """Bars of rich: stage, epoch, loss, per-class recall, time remaining."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        from imbalkit.base.console import console

        self.console = console(stderr=True)
        self.bars = Bars(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[metrics]}", markup=False),
            console=self.console,
            transient=True,
        )
        self.task: Any = None
        self.decoding: Any = None
        self.done, self.epochs, self.name = 0, 0, ""

    def __enter__(self) -> Live:
        self.bars.start()
        return self

    def __exit__(self, *details: object) -> None:
        self.bars.stop()

    def note(self, text: str) -> None:
        self.console.say(text)

    def images(self, done: int, total: int) -> None:
        if self.decoding is None:
            self.decoding = self.bars.add_task("decoding", total=total, metrics="")
        self.bars.update(self.decoding, completed=done, total=total)
        if done == total:
            self.bars.update(self.decoding, visible=False)

    def stage(self, name: str, epochs: int, done: int) -> None:
        if self.task is not None:
            self.bars.remove_task(self.task)
        self.name, self.epochs, self.done = name, epochs, done
        self.task = self.bars.add_task(printable(name), total=epochs, completed=done, metrics="")

    def batch(self, done: int, total: int) -> None:
        self.bars.update(self.task, completed=round(self.done + done / total, 2))

    def epoch(self, number: int, metrics: Mapping[str, Any]) -> None:
        self.done = number
        text = printable(describe(metrics))
        self.bars.update(self.task, completed=number, metrics=text)
        self.note(f"{self.name} {number}/{self.epochs}  {text}")


def describe(metrics: Mapping[str, Any]) -> str:
    """An epoch's metrics on one line: loss, recall of each class on validation (else on training rows), speed."""
    validation = metrics.get("validation") or {}
    recall = validation.get("recall") or metrics.get("train_recall") or {}
    where = "validation" if validation.get("recall") else "training"
    shown = " ".join(f"{name}: {value:.2f}" for name, value in list(recall.items())[:10] if value is not None)
    more = f" ... ({len(recall)} classes)" if len(recall) > 10 else ""
    return f"loss {metrics['loss']:.4f}  {where} recall {shown}{more}  {metrics['rows_per_second']:.0f} rows/s"


def duration(seconds: float) -> str:
    """Seconds as 1:02:03 or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def choose_progress() -> Progress:
    """Live on a terminal, lines elsewhere."""
    return Live() if sys.stderr.isatty() else Lines()
