"""Pieces of work at a launcher: handed in as places get free, watched, begun again when lost, cancelled together.

The ids of what is at work stand in `jobs.json`, so that a program that was killed finds its pieces again.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from signal import Signals

from imbalkit.base.files import read_json, write_json
from imbalkit.base.processes import passed_on
from imbalkit.kinds import Launcher, PieceState, RunError, Session, Work
from imbalkit.recipe.recipe import TrainingSettings

JOBS, FILES = "jobs.json", "jobs"  # the ids; the folder for the launcher's own files
RETRIES = 3  # how often a piece that was lost is begun again
APPEAR = 60.0  # seconds that results written on another machine may take to be seen on this one
END = 30.0  # seconds for cancelled pieces to end
MANY = 1 << 30


@dataclass(frozen=True)
class Ended:
    """A piece that has ended: exit code 0 where its results are there; None if it was lost again and again."""

    work: Work
    code: int | None
    cancelled: bool = False

    @property
    def why(self) -> str:
        """How it ended, for a message about a piece without results."""
        if self.cancelled:
            return "cancelled"
        if self.code is None:
            return f"lost {RETRIES + 1} times: the machines that it ran on failed, or it was taken away from them"
        if self.code == 0:
            return "ended well, but its results are not seen here: are they on a disk that all machines share?"
        if self.code > 0:
            return f"ended with exit code {self.code}"
        known = -self.code in {signal.value for signal in Signals}
        name = Signals(-self.code).name if known else f"signal {-self.code}"
        return f"ended by {name}" + (" (often: too little memory)" if name == "SIGKILL" else "")


@dataclass
class _Piece:
    work: Work
    id: str
    tries: int = 1
    cancelled: bool = False
    ended: float | None = None  # when its exit code 0 was first seen


class Pool:
    """The pieces that a session has at work."""

    def __init__(
        self,
        session: Session,
        places: int,
        ids: JobIds,
        is_done: Callable[[str], bool],
        note: Callable[[str], object] = lambda text: None,
    ):
        self._session = session
        self._places = places
        self._ids = ids
        self._is_done = is_done
        self._note = note
        self._pieces: dict[str, _Piece] = {}

    @property
    def at_work(self) -> list[str]:
        """Names of the pieces that were handed in and have not ended."""
        return list(self._pieces)

    @property
    def free(self) -> int:
        """How many more pieces may be handed in now."""
        return max(0, self._places - len(self._pieces))

    def submit(self, *works: Work) -> None:
        """Hand in pieces; one that an earlier program handed in and that is still at work is taken up again."""
        new = []
        for work in works:
            id = self._ids.known.pop(work.name, None)
            if id is not None and self._session.poll(id) == "running":
                self._note(f"{work.name} is at work since an earlier start")
                self._pieces[work.name] = _Piece(work, id)
            else:
                new.append(work)
        for work, id in zip(new, self._session.submit_all(new) if new else [], strict=True):
            self._pieces[work.name] = _Piece(work, id)
        self._keep_ids()

    def wait(self, seconds: float | None = None) -> list[Ended]:
        """Those that have ended, once there are any; [] after so many seconds, or if nothing is at work."""
        until = None if seconds is None else time.monotonic() + seconds
        while self._pieces:
            ended = [found for piece in list(self._pieces.values()) if (found := self._look(piece)) is not None]
            for entry in ended:
                del self._pieces[entry.work.name]
            if ended:
                self._keep_ids()
                return ended
            left = self._session.pause if until is None else min(self._session.pause, until - time.monotonic())
            if left <= 0:
                return []
            time.sleep(left)
        return []

    def cancel(self, name: str) -> None:
        """End a piece; `wait` gives it with `cancelled`, unless it was done."""
        piece = self._pieces[name]
        piece.cancelled = True
        self._session.cancel(piece.id)

    def cancel_all(self) -> None:
        """End all pieces, those of an earlier program too, and wait a while until they are gone."""
        for id in self._ids.known.values():
            self._session.cancel(id)
        self._ids.known.clear()
        for name in self.at_work:
            self.cancel(name)
        until = time.monotonic() + END
        while self._pieces and time.monotonic() < until:
            self.wait(1.0)
        self._pieces.clear()
        self._keep_ids()

    def _look(self, piece: _Piece) -> Ended | None:
        """How a piece ended, None if it goes on."""
        state: PieceState = self._session.poll(piece.id)
        if state == "running":
            return None
        if self._is_done(piece.work.name):
            return Ended(piece.work, 0)
        if piece.cancelled:
            return Ended(piece.work, None if state == "lost" else state, cancelled=True)
        if state == 0:
            piece.ended = piece.ended or time.monotonic()
            return Ended(piece.work, 0) if time.monotonic() > piece.ended + APPEAR else None
        if state == "lost" and piece.tries <= RETRIES:
            self._note(f"{piece.work.name} was lost (its machine failed, or was taken away); it goes on anew")
            piece.tries += 1
            piece.id = self._session.submit(piece.work)
            self._keep_ids()
            return None
        return Ended(piece.work, None if state == "lost" else state)

    def _keep_ids(self) -> None:
        self._ids.keep({name: piece.id for name, piece in self._pieces.items()})


class JobIds:
    """The ids of the pieces at work by their name, in `jobs.json`; `known` are those of an earlier program, not taken up yet."""

    def __init__(self, folder: Path, launcher: str):
        self._path, self._launcher = folder / JOBS, launcher
        self.known: dict[str, str] = {}
        if self._path.exists():
            then = read_json(self._path)
            if then.get("launcher") == launcher:  # another one cannot know the ids
                self.known = then.get("jobs", {})

    def keep(self, ids: dict[str, str]) -> None:
        """Write the ids; no file where nothing is at work. Raises WriteError."""
        if ids or self.known:
            write_json(self._path, {"launcher": self._launcher, "jobs": self.known | ids})
        else:
            self._path.unlink(missing_ok=True)


@contextmanager
def open_pool(
    launcher: Launcher,
    folder: Path,
    is_done: Callable[[str], bool],
    pieces: int | None = None,
    note: Callable[[str], object] = lambda text: None,
) -> Iterator[Pool]:
    """A launcher at work for a folder; what is still at work at the end (Ctrl-C, an error) is cancelled.

    Args:
        launcher: where the pieces run
        folder: of the results of all pieces; the ids are kept there
        is_done: whether a piece, by its name, has left its results
        pieces: how many there will be at most, None if that is not known
        note: called with what a user should know

    Raises:
        RunError: the launcher's place is not reached
        MissingExtraError: a module that the launcher needs is not installed
    """
    launcher.check_requirements()
    places = launcher.at_once()
    with launcher.open((folder / FILES).absolute(), pieces) as session:
        pool = Pool(session, MANY if places is None else places, JobIds(folder, launcher.name), is_done, note)
        try:
            yield pool
        finally:
            pool.cancel_all()


def run_all(pool: Pool, works: Iterable[Work]) -> Iterator[Ended]:
    """Run all pieces in order, as many at a time as there are places; gives each as it ends."""
    waiting = iter(works)
    while True:
        pool.submit(*islice(waiting, pool.free))
        if not pool.at_work:
            return
        yield from pool.wait()


def piece_of_work(
    name: str, words: Sequence[str], training: TrainingSettings | None = None, log: Path | None = None
) -> Work:
    """A Python module as a piece of work that runs as it would here: same directory, environment and Python.

    Args:
        name: the same for this piece each time, and no other's
        words: the module and its arguments
        training: of the recipe that it runs: its devices and threads
        log: file for what it prints
    """
    return Work(
        name=name,
        command=(sys.executable, "-m", *words),
        directory=os.getcwd(),
        environment=passed_on(),
        devices=_gpus(training) if training is not None else 0,
        threads=training.threads if training is not None else None,
        log=str(log.absolute()) if log is not None else None,
    )


def _gpus(training: TrainingSettings) -> int:
    """GPUs that a recipe surely uses: `accelerator: auto` with one device may mean the CPU."""
    if training.accelerator in ("cpu", "mps") or training.devices == "auto":
        return 0
    return training.devices if training.accelerator == "cuda" or training.devices > 1 else 0


def with_jobs(launcher: Launcher, jobs: int | None) -> Launcher:
    """The launcher with so many jobs at once. Raises RunError if it has no such number."""
    if jobs is None:
        return launcher
    if "jobs" not in type(launcher).model_fields:
        raise RunError(f"the launcher {launcher.name!r} has no number of jobs: leave out --jobs")
    return launcher.model_copy(update={"jobs": jobs})
