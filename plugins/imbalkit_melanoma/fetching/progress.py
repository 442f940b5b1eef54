"""Progress of a download: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

from imbalkit.base.progress import duration
from imbalkit_lite.text import printable, printable_message

EVERY = 30.0  # seconds between lines


class ProgressLines:
    """A line at the start of a step, every half minute, and at its end."""

    def __init__(self, stream: Any = None):
        self.stream = stream or sys.stderr
        self.label, self.done, self.first = "", 0, 0
        self.total: int | None = None
        self.started = self.shown = 0.0

    def __enter__(self) -> ProgressLines:
        return self

    def __exit__(self, *details: object) -> None:
        pass

    def note(self, text: str) -> None:
        """A line that stays on the screen."""
        self.stream.write(printable_message(text) + "\n")
        self.stream.flush()

    def step(self, label: str, total: int | None, done: int = 0) -> None:
        """Begin work on `total` bytes, of which `done` are there from an earlier run."""
        from rich.filesize import decimal

        self.label, self.total, self.done, self.first = label, total, done, done
        self.started = self.shown = time.monotonic()
        size = f", {decimal(total)}" if total is not None else ""
        self.note(f"{label}{size}" + (f", resuming after {decimal(done)}" if done else ""))

    def advance(self, count: int) -> None:
        """`count` more bytes are done."""
        self.done += count
        if time.monotonic() - self.shown >= EVERY:
            self.shown = time.monotonic()
            self.note(f"{self.label}  {self.rate()}")

    def restart(self) -> None:
        """The step begins again at nothing."""
        self.done = self.first = 0

    def rate(self) -> str:
        """Share done, speed, time remaining."""
        from rich.filesize import decimal

        speed = (self.done - self.first) / max(1e-9, time.monotonic() - self.started)
        if self.total is None:
            return f"{decimal(self.done)}, {decimal(int(speed))}/s"
        remaining = f", {duration((self.total - self.done) / speed)} remaining" if speed else ""
        share = self.done / self.total if self.total else 1.0
        return f"{share:.0%} of {decimal(self.total)}, {decimal(int(speed))}/s{remaining}"


class ProgressBar(ProgressLines):
    """A bar of rich."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.progress import TransferSpeedColumn as Speed

        from imbalkit.base.console import console

        super().__init__()
        self.console = console(stderr=True)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            Speed(),
            TimeRemainingColumn(),
        )
        self.bars = Progress(*columns, console=self.console, transient=True)
        self.task: Any = None

    def __enter__(self) -> ProgressBar:
        self.bars.start()
        return self

    def __exit__(self, *details: object) -> None:
        self.bars.stop()

    def note(self, text: str) -> None:
        self.console.say(text)

    def step(self, label: str, total: int | None, done: int = 0) -> None:
        if self.task is not None:
            self.bars.remove_task(self.task)
        self.task = self.bars.add_task(printable(label), total=total, completed=done)

    def advance(self, count: int) -> None:
        self.bars.advance(self.task, count)

    def restart(self) -> None:
        self.bars.update(self.task, completed=0)


def choose_progress() -> ProgressLines:
    """A bar on a terminal, lines elsewhere."""
    return ProgressBar() if sys.stderr.isatty() else ProgressLines()
