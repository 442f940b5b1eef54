"""Processes on this machine."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from imbalkit.base.processes import own_environment
from imbalkit.base.threads import sharing
from imbalkit.builtin.launchers.warm import start
from imbalkit.kinds import Launcher, PieceState, Process, ProcessSession, Work, param


class Local(Launcher):
    """Runs pieces of work as processes of this machine, which share its cores."""

    name = "local"

    jobs: int = param(1, help="how many run at once", unit="processes", ge=1)

    def open(self, folder: Path, pieces: int | None = None) -> LocalSession:
        beside = self.jobs if pieces is None else min(self.jobs, pieces)
        return LocalSession(sharing(beside, own_environment()))

    def at_once(self) -> int | None:
        return self.jobs


class LocalSession(ProcessSession):
    """Processes of this machine. Where the system has /proc, a later session knows those of an earlier one that still run."""

    def __init__(self, share: Mapping[str, str]):
        super().__init__()
        self._share = share

    def start(self, work: Work) -> Process:
        return start(replace(work, environment={**work.environment, **self._share}))

    def submit(self, work: Work) -> str:
        pid = super().submit(work)
        id = f"{socket.gethostname()}:{pid}:{_started(pid)}"
        self._processes[id] = self._processes.pop(pid)
        return id

    def poll(self, id: str) -> PieceState:
        if id in self._processes or not _runs(id):
            return super().poll(id)
        return "running"

    def cancel(self, id: str) -> None:
        if id in self._processes:
            super().cancel(id)
        elif _runs(id):
            with suppress(OSError):  # it has just ended
                os.kill(int(id.split(":")[1]), signal.SIGTERM)


def _runs(id: str) -> bool:
    """Whether the process of an id still runs; a number that another process has by now does not count."""
    host, pid, started = (id.split(":") + ["", ""])[:3]
    return host == socket.gethostname() and started != "" and _started(pid) == started


def _started(pid: str) -> str:
    """When a process was started, in ticks; "" if there is none, it has ended, or the system does not say."""
    try:
        state, *fields = Path("/proc", pid, "stat").read_text().rpartition(") ")[2].split()
    except (OSError, ValueError):
        return ""
    return fields[18] if state not in "ZX" else ""
