"""Runs independent pieces of work: the cells of a sweep, the trials of a search, the folds of a cross-validation."""

from __future__ import annotations

from pathlib import Path

from imbalkit.kinds import Launcher, Process, ProcessSession, Session, Work, param


class Mine(Launcher):
    """Runs pieces of work on this machine, `jobs` of them at a time, each with low priority."""

    name = "mine"
    jobs: int = param(1, help="pieces that run at a time; --jobs sets it", ge=1)

    def open(self, folder: Path, pieces: int | None = None) -> Session:
        """A session; of another place than this machine: a Session with submit, poll, cancel and close."""
        return NiceProcesses()

    def at_once(self) -> int | None:
        """How many pieces the session is handed at a time."""
        return self.jobs


class NiceProcesses(ProcessSession):
    """Processes of this machine that let others go first."""

    def start(self, work: Work) -> Process:
        return work.start(before=["nice"])
