"""Pieces of work as submitit's jobs, with results in its folder and the state from SLURM's queue."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from submitit.core.utils import DelayedSubmission, FailedJobError, FailedSubmissionError, JobPaths, pickle_load

from imbalkit.kinds import PieceState, RunError, Session, Work

if TYPE_CHECKING:
    from submitit.core.core import PicklingExecutor

ARRAY = 500  # pieces of one job array; SLURM's own limit is 1001 unless it was changed
WAIT = 30.0  # seconds in which the result of a job that has ended may be seen on a shared disk, or SLURM queue it again
ENDED: dict[str, PieceState] = {  # of a job without a result; what is lost is handed in again and goes on
    "CANCELLED": -signal.SIGTERM,
    "DEADLINE": -signal.SIGTERM,
    "OUT_OF_MEMORY": -signal.SIGKILL,
    "COMPLETED": "lost",
    "FAILED": "lost",
    "TIMEOUT": "lost",
    "NODE_FAIL": "lost",
    "BOOT_FAIL": "lost",
    "PREEMPTED": "lost",
}


class Piece:
    """What a job calls, on its machine."""

    def __init__(self, work: Work):
        self.work = work

    def __call__(self) -> int:
        try:
            # SLURM sends SIGUSR2 to all processes before a time limit; submitit's alone knows what to do.
            return self.work.run(before=("sh", "-c", "trap '' USR2; exec \"$@\"", "sh"))
        except OSError as error:
            sys.stderr.write(f"error: {self.work.name} cannot be started: {error}\n")
            return 127

    def checkpoint(self) -> DelayedSubmission:
        """What is queued after a time limit or a preemption: the same, which goes on from its own checkpoint."""
        return DelayedSubmission(Piece(self.work))


class SubmititSession(Session):
    """Jobs that submitit hands in, and their exit codes in its folder."""

    pause = 1.0

    def __init__(self, folder: Path, executor: Callable[[int, int | None], PicklingExecutor]):
        self.folder, self.executor = folder, executor

    def submit(self, work: Work) -> str:
        return self.submit_all([work])[0]

    def submit_all(self, works: Sequence[Work]) -> list[str]:
        alike: dict[tuple[int, int | None], list[int]] = defaultdict(list)
        for index, work in enumerate(works):
            alike[work.devices, work.threads].append(index)
        ids = [""] * len(works)
        for needs, indices in alike.items():
            for start in range(0, len(indices), ARRAY):
                some = indices[start : start + ARRAY]
                jobs = self._submit([works[index] for index in some], *needs)
                for index, job in zip(some, jobs, strict=True):
                    ids[index] = self.taken(job)
        return ids

    def _submit(self, works: Sequence[Work], devices: int, threads: int | None) -> list[Any]:
        """Hand in pieces that need the same: several as an array."""
        executor = self.executor(devices, threads)
        try:
            with _outside_of_a_job(), executor.batch():
                return [executor.submit(Piece(_slim(work))) for work in works]
        except (FailedJobError, FailedSubmissionError, OSError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
            raise RunError(
                f"SLURM did not take the job: {reason} (see the launcher's partition, time and options)"
            ) from error

    def taken(self, job: Any) -> str:
        """The id of a job that was just handed in."""
        raise NotImplementedError

    def result(self, job: str) -> int | None:
        """The exit code that a job left, None if it left none."""
        os.scandir(self.folder).close()  # a shared disk then looks for new files
        path = JobPaths(self.folder, job).result_pickle
        if not path.exists():
            return None
        try:
            outcome, value = pickle_load(path)
        except (EOFError, OSError):  # not all of it is seen yet
            return None
        return value if outcome == "success" else 1


class SlurmSession(SubmititSession):
    """Jobs of SLURM. Their ids hold for every later session."""

    def __init__(self, folder: Path, executor: Callable[[int, int | None], PicklingExecutor], every: float):
        super().__init__(folder, executor)
        self._every = every
        self._states: dict[str, str] = {}
        self._asked = float("-inf")
        self._gone: dict[str, float] = {}  # since when a job without a result is known to have ended
        self._codes: dict[str, int] = {}

    def taken(self, job: Any) -> str:
        self._asked = float("-inf")
        return str(job.job_id)

    def poll(self, id: str) -> PieceState:
        if id not in self._codes and (code := self.result(id)) is not None:
            self._codes[id] = code
        if id in self._codes:
            return self._codes[id]
        state = self._state(id)
        if state not in ENDED and state != "":
            self._gone.pop(id, None)
            return "running"
        ended = ENDED.get(state, "lost")
        since = self._gone.setdefault(id, time.monotonic())
        known = JobPaths(self.folder, id).submitted_pickle.exists()
        return "running" if ended == "lost" and known and time.monotonic() < since + WAIT else ended

    def cancel(self, id: str) -> None:
        if self.poll(id) == "running":
            subprocess.run(["scancel", id], check=False, capture_output=True)

    def _state(self, id: str) -> str:
        """SLURM's word for how a job is; "" if it does not know it any more."""
        if time.monotonic() > self._asked + self._every:
            self._asked = time.monotonic()
            command = ["squeue", "--me", "--array", "--noheader", "--states=all", "--format=%i %T"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:  # else its controller is away for a moment: what was known holds
                self._states = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if " " in line)
        return self._states.get(id, "").strip()


class LocalSession(SubmititSession):
    """Jobs as processes of this machine, which a later session does not know while they run."""

    pause = 0.2

    def __init__(self, folder: Path, executor: Callable[[int, int | None], PicklingExecutor]):
        super().__init__(folder, executor)
        self._jobs: dict[str, Any] = {}

    def _submit(self, works: Sequence[Work], devices: int, threads: int | None) -> list[Any]:
        with _interruptible():
            return super()._submit(works, devices, threads)

    def taken(self, job: Any) -> str:
        id = f"local:{job.job_id}"
        self._jobs[id] = job
        return id

    def poll(self, id: str) -> PieceState:
        code = self.result(id.removeprefix("local:"))
        if code is not None:
            return code
        return "running" if id in self._jobs and not self._jobs[id].done() else "lost"

    def cancel(self, id: str) -> None:
        if self.poll(id) == "running":
            self._jobs[id].cancel()


def _slim(work: Work) -> Work:
    """Without the variables that sbatch passes on anyway: no file shall hold what may be secret."""
    own = {name: value for name, value in work.environment.items() if os.environ.get(name) != value}
    return replace(work, environment=own)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Processes that start here heed SIGINT, by which submitit cancels; in a job in the background they inherit to ignore it."""
    ignored = (
        signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread()
    )
    if ignored:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        if ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _outside_of_a_job() -> Iterator[None]:
    """Without the variables of the job that this process may itself be in, which sbatch would pass on."""
    of_a_job = [name for name in os.environ if name.startswith(("SLURM_", "SUBMITIT_")) and name != "SLURM_CONF"]
    hidden = {name: os.environ.pop(name) for name in of_a_job}
    try:
        yield
    finally:
        os.environ.update(hidden)
