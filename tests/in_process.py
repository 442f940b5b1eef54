"""Pieces of work that run in this process, one after the other, where processes of their own would take long."""

from __future__ import annotations

from collections.abc import Callable

from imbalkit.kinds import PieceState, Session, Work


class InProcess(Session):
    """A session whose `submit` calls `run` with the piece and keeps the exit code that it returns."""

    pause = 0.0

    def __init__(self, run: Callable[[Work], int]):
        self.run = run
        self.codes: dict[str, int] = {}

    def submit(self, work: Work) -> str:
        self.codes[work.name] = self.run(work)
        return work.name

    def poll(self, id: str) -> PieceState:
        return self.codes.get(id, "lost")

    def cancel(self, id: str) -> None:
        pass
