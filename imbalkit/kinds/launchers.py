"""Launchers: where independent pieces of work run (the cells of a sweep, the trials of a search, the folds of a run)."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Annotated, Literal, Protocol

from imbalkit.base.parameters import Part, part_of
from imbalkit.base.processes import own_environment

PieceState = int | Literal["running", "lost"]


@dataclass(frozen=True)
class Work:
    """A command line, where it runs, and what it needs. Plain values, so that it can be sent to another machine.

    Attributes:
        name: the same for this piece each time, and no other's: "focal--seed-0"
        command: program and arguments
        directory: absolute path in which it runs
        environment: variables on top of those that the place where it runs has
        devices: GPUs it uses; 0: none, or that is not known
        threads: CPU threads it uses; None: its share of the machine
        log: file that all it prints is appended to; None: where this process prints
    """

    name: str
    command: tuple[str, ...]
    directory: str
    environment: Mapping[str, str] = field(default_factory=dict)
    devices: int = 0
    threads: int | None = None
    log: str | None = None

    def start(self, before: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        """Start it on this machine.

        Args:
            before: words in front of the command, such as ("nice",)

        Raises:
            OSError: the program, the directory or the log's folder is not there
        """
        environment = own_environment() | dict(self.environment)
        with ExitStack() as files:
            log = None
            if self.log is not None:
                Path(self.log).parent.mkdir(parents=True, exist_ok=True)
                log = files.enter_context(open(self.log, "ab"))
            return subprocess.Popen(
                [*before, *self.command],
                cwd=self.directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=None if log is None else subprocess.STDOUT,
            )

    def run(self, before: Sequence[str] = ()) -> int:
        """Start it on this machine and wait for it; returns its exit code, below 0 the signal that ended it.

        If this process is interrupted meanwhile, the piece is ended too. Arguments and errors are those of `start`.
        """
        process = self.start(before)
        try:
            while True:
                try:  # not for ever in one call: an interruption that is no signal comes through between two
                    return process.wait(0.2)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if process.returncode is None:
                process.terminate()
                process.wait()


class Session:
    """Pieces at work in one place. The engine does the rest: order, retries, progress, Ctrl-C, and keeping the ids.

    The id of a piece is known to a later session of the same launcher, too, where the place remembers it: a sweep that was
    killed is resumed while its pieces go on.
    """

    pause: float = 0.1  # seconds between two looks at the pieces

    def submit(self, work: Work) -> str:
        """Hand in a piece, without waiting for it; returns its id."""
        raise NotImplementedError  # each session writes its own

    def submit_all(self, works: Sequence[Work]) -> list[str]:
        """Hand in several at once, for places where that is better than one by one; returns their ids in order."""
        return [self.submit(work) for work in works]

    def poll(self, id: str) -> PieceState:
        """How a piece is: "running" (also: it waits for its turn), its exit code (below 0: the signal that ended it), or "lost".

        "lost" means that it does not run any more and how it ended is not known: its machine is gone, or this session
        knows no such id. The piece may be handed in again.
        """
        raise NotImplementedError  # each session writes its own

    def cancel(self, id: str) -> None:
        """End a piece; nothing if it has ended, or is not known. `poll` tells when it is gone."""
        raise NotImplementedError  # each session writes its own

    def close(self) -> None:
        """Let go of the place. What runs there is not cancelled."""

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Launcher(Part):
    """Runs independent pieces of work: the cells of a sweep, the trials of a search, the folds of a cross-validation."""

    kind = "launcher"

    def open(self, folder: Path, pieces: int | None = None) -> Session:
        """A session, which is used in a `with`.

        Args:
            folder: where the session may keep files of its own, on the disk of the results; it need not be there
            pieces: how many there will be at most, None if that is not known

        Raises:
            RunError: the place is not reached, with what to do
        """
        raise NotImplementedError  # each part of this kind writes its own

    def at_once(self) -> int | None:
        """How many pieces it is handed at a time; None: as many as there are, since it has a queue of its own."""
        return None

    def on_this_machine(self) -> Launcher:
        """The same launcher where it needs no cluster, for the conformance checks."""
        return self


class Process(Protocol):
    """A process of this machine, as `subprocess.Popen` has it."""

    pid: int

    def poll(self) -> int | None: ...

    def terminate(self) -> None: ...


class ProcessSession(Session):
    """Pieces as processes of this machine."""

    def __init__(self) -> None:
        self._processes: dict[str, Process] = {}

    def start(self, work: Work) -> Process:
        """Start a piece."""
        return work.start()

    def submit(self, work: Work) -> str:
        process = self.start(work)
        id = str(process.pid)
        self._processes[id] = process
        return id

    def poll(self, id: str) -> PieceState:
        if id not in self._processes:
            return "lost"
        code = self._processes[id].poll()
        return "running" if code is None else code

    def cancel(self, id: str) -> None:
        if self.poll(id) == "running":
            self._processes[id].terminate()


LauncherRef = Annotated[Launcher, part_of("launcher")]
