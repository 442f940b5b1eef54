"""Messages between the processes of one run, which were started together: what all must agree on, and who failed.

They go through the key-value store at which the processes meet, so that they work before devices are set up, and while
others wait inside a collective operation.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from imbalkit.base.processes import Launch
from imbalkit.errors import ImbalkitError, RunError, listing

if TYPE_CHECKING:
    from lightning_fabric import Fabric

T = TypeVar("T")

MEET = 600.0  # seconds until all processes must have connected
BEAT = 2.0  # seconds between the signs of life of a process
SILENT = 120.0  # seconds without one after which a process counts as gone
VISIBLE = 5.0  # seconds until a file that another machine wrote is seen on a network disk
GRACE = 20.0  # seconds that this process has to end by itself after another one failed
_FAILED, _ALIVE = "imbalkit/failed", "imbalkit/alive/"


class Peers:
    """The processes of a launch; of one that stands alone, just itself.

    Raises RunError if the others do not connect.
    """

    def __init__(self, launch: Launch | None):
        self.launch = launch
        self.rank, self.processes = (launch.rank, launch.processes) if launch else (0, 1)
        self._count = 0
        self._known = False  # whether the others know why this process ends
        self._silent = ""  # which process seems to be gone
        self._ended = threading.Event()
        if launch is not None and launch.processes > 1:
            self._store = self._meet(launch)
            self._seen = [
                (0, time.monotonic())
            ] * self.processes  # of each process: signs of life, when the last one came
            threading.Thread(target=self._watch, daemon=True).start()

    def _meet(self, launch: Launch) -> Any:
        from torch.distributed import PrefixStore, rendezvous

        os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"] = launch.address, str(launch.port)
        try:
            store, _, _ = next(rendezvous("env://", self.rank, self.processes, timeout=timedelta(seconds=MEET)))
            return PrefixStore(f"imbalkit/{self._session(store)}", store)
        except Exception as error:  # torch has several types for it
            raise RunError(
                f"process {self.rank} of {self.processes} does not reach the others at {launch.address}:"
                f"{launch.port} (MASTER_ADDR, MASTER_PORT): {str(error).splitlines()[0]}"
            ) from error

    def _session(self, store: Any) -> str:
        """A name for this start of the processes, which all of them learn from the first one.

        torchrun keeps its store over restarts, with earlier messages: a name counts that answers this process's own random
        word.
        """
        word = secrets.token_hex(8)
        if self.rank == 0:
            store.set("imbalkit/session", word)
            answers = [store.get(f"imbalkit/answer/{word}/{rank}").decode() for rank in range(1, self.processes)]
            store.set(f"imbalkit/start/{word}", json.dumps([word, *answers]))
            return word
        until = time.monotonic() + MEET
        while time.monotonic() < until:
            name = store.get("imbalkit/session").decode()
            store.set(f"imbalkit/answer/{name}/{self.rank}", word)
            start = f"imbalkit/start/{name}"
            if store.check([start]) and json.loads(store.get(start))[self.rank] == word:
                return name
            time.sleep(0.1)
        raise TimeoutError(f"the first process did not answer within {MEET:.0f} seconds")

    def connect(self, fabric: Fabric) -> None:
        """Make the process group that Lightning Fabric will use, under the name of this start."""
        import torch

        if self.processes == 1:
            return
        cuda = fabric.device.type == "cuda"
        if cuda:
            torch.cuda.set_device(fabric.device)
        torch.distributed.init_process_group(
            "nccl" if cuda else "gloo",
            store=torch.distributed.PrefixStore("group", self._store),
            rank=self.rank,
            world_size=self.processes,
            device_id=fabric.device if cuda else None,
        )
        atexit.register(_disconnect)

    def __enter__(self) -> Peers:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: object) -> None:
        """Report to the others that this process failed; if another one failed first, that is the reason to raise."""
        if self.processes == 1:
            return
        self._ended.set()
        if error is None or self._known:
            return
        if isinstance(error, RuntimeError) and not isinstance(error, ImbalkitError):
            # A collective operation ends so when another process is gone.
            reason = self._failure(wait=3.0)
            if reason:
                raise RunError(reason) from error
            if any(word in str(error).lower() for word in ("gloo", "nccl", "connection")):
                raise RunError(
                    f"another process of this run ended, or cannot be reached any more ({str(error).splitlines()[0]}); start "
                    "all of them again with --resume"
                ) from error
        self._report(error)

    # --- what all do together -------------------------------------------------------------------------------------

    def gather(self, value: Any) -> list[Any]:
        """Every process's value (plain JSON), by rank. Raises RunError if one fails or is gone."""
        if self.processes == 1:
            return [value]
        self._count += 1
        name = f"imbalkit/{self._count}/"
        self._store.set(f"{name}{self.rank}", json.dumps(value))
        found = []
        for rank in range(self.processes):
            self._wait(f"{name}{rank}")
            found.append(json.loads(self._store.get(f"{name}{rank}")))
        return found

    def all(self, work: Callable[[], T]) -> T:
        """Do the work in every process; if it fails in one, it fails in all of them, with that one's message."""
        result: T | None = None
        failure: ImbalkitError | None = None
        try:
            result = work()
        except ImbalkitError as error:
            failure = error
        messages = self.gather(str(failure) or type(failure).__name__ if failure else "")
        self._known = any(messages)
        if failure is not None:
            raise failure
        for rank, message in enumerate(messages):
            if message:
                raise RunError(f"process {rank} of {self.processes}: {message}")
        return cast(T, result)

    def first(self, work: Callable[[], Any]) -> Any:
        """Do the work in the first process alone; all get its answer (plain JSON), or its failure."""
        answer = self.all(lambda: work() if self.rank == 0 else None)
        return self.gather(answer)[0]

    def in_turn(self, work: Callable[[], T]) -> T:
        """Do the work in the first process of each machine, then in the others, which find there what it made."""
        early = self.launch is None or self.launch.local_rank == 0
        result = self.all(lambda: work() if early else None)
        return self.all(lambda: cast(T, result) if early else work())

    def agree(self, facts: Mapping[str, Any], what: str, hint: str) -> None:
        """Raise RunError in every process if one of them has other facts than the first one."""
        gathered = self.gather([socket.gethostname(), dict(facts)])
        for rank, (host, others) in enumerate(gathered):
            first = gathered[0][1]
            names = [name for name in {**first, **others} if first.get(name) != others.get(name)]
            if names:
                self._known = True
                raise RunError(
                    f"process {rank} (on {host}) has other {what} than the first process (on {gathered[0][0]}): "
                    f"{listing(names)} differ; {hint}"
                )

    def share_folder(self, folder: Path) -> None:
        """Raise RunError in every process if one of them does not see the first one's files in `folder`."""
        if self.processes == 1:
            return
        token = folder / f".shared-{self.first(lambda: secrets.token_hex(8))}"
        self.first(lambda: token.touch())
        try:
            seen = self.gather([socket.gethostname(), _appears(token)])
        finally:
            if self.rank == 0:
                token.unlink(missing_ok=True)
        for rank, (host, there) in enumerate(seen):
            if not there:
                self._known = True
                raise RunError(
                    f"process {rank} (on {host}) does not see the run folder of the first process (on {seen[0][0]}), {folder}: "
                    "name one on a disk that all machines share with --folder"
                )

    # --- failures ---------------------------------------------------------------------------------------------------

    def _report(self, error: BaseException) -> None:
        text = str(error) if isinstance(error, ImbalkitError) else f"{type(error).__name__}: {error}"
        with suppress(RuntimeError):  # the first process is gone already
            self._store.set(_FAILED, f"process {self.rank} of {self.processes} failed: {text}")

    def _failure(self, wait: float = 0.0) -> str:
        """Why another process of this run failed, "" if none did."""
        until = time.monotonic() + wait
        while True:
            try:
                if self._store.check([_FAILED]):
                    return self._store.get(_FAILED).decode()
            except RuntimeError:
                return "the first process of this run is gone"
            if time.monotonic() >= until:
                return ""
            time.sleep(0.1)

    def _wait(self, key: str) -> None:
        """Wait for a key as long as the others live: they may look at a large data set."""
        pause = 0.005
        while True:
            reason = self._failure() or self._silent
            if reason:
                self._known = True
                raise RunError(reason)
            if self._store.check([key]):
                return
            time.sleep(pause)
            pause = min(0.5, pause * 1.5)

    def _watch(self) -> None:
        """Give signs of life, and see to it that this process ends after another one failed: on a GPU it waits for that."""
        while not self._ended.wait(BEAT):
            reason = self._failure() or self._look()
            if reason and not self._ended.wait(GRACE):
                sys.stderr.write(f"error: {reason}\n")
                sys.stderr.flush()
                os._exit(1)

    def _look(self) -> str:
        """Which other process has given no sign of life for long, "" if none."""
        now = time.monotonic()
        try:
            self._store.add(f"{_ALIVE}{self.rank}", 1)
            for rank, (before, when) in enumerate(self._seen):
                beats = self._store.add(f"{_ALIVE}{rank}", 0)
                self._seen[rank] = (beats, now if beats != before else when)
        except RuntimeError:
            return "the first process of this run is gone"
        gone = [rank for rank, (_, when) in enumerate(self._seen) if now - when > SILENT]
        self._silent = f"process {gone[0]} of {self.processes} gives no sign of life any more" if gone else ""
        return self._silent


def _disconnect() -> None:
    import torch

    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _appears(file: Path) -> bool:
    until = time.monotonic() + VISIBLE
    while not file.exists():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True
