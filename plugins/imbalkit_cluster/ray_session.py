"""Pieces of work as Ray's core tasks."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError, RayTaskError, TaskCancelledError

from imbalkit.kinds import PieceState, RunError, Session, Work


class RaySession(Session):
    """Tasks of this process: when it ends, Ray ends them, so that a later session knows none of them."""

    pause = 0.2

    def __init__(self, address: str, options: Callable[[int], Mapping[str, Any]]):
        """`options`: what a task asks for, by the GPUs of its piece."""
        self._options = options
        self._tasks: dict[str, Any] = {}
        self._ended: dict[str, PieceState] = {}
        try:
            _answers(os.environ.get("RAY_ADDRESS", "auto") if address == "auto" else address)
            if address == "local":
                ray.init(address="local", include_dashboard=False, logging_level=logging.WARNING)
            else:
                ray.init(address=address, logging_level=logging.WARNING)
        except (OSError, RuntimeError, ValueError) as error:
            raise RunError(
                f"the launcher ray reaches no cluster at {address}: start one with `ray start --head` and, on the "
                f"other machines, `ray start --address=HEAD:6379`, or set launcher.address=local ({_first_line(error)})"
            ) from error

    def submit(self, work: Work) -> str:
        task = run_piece.options(name=work.name, **self._options(work.devices)).remote(work)
        id = task.hex()
        self._tasks[id] = task
        return id

    def poll(self, id: str) -> PieceState:
        if id not in self._tasks:
            return self._ended.get(id, "lost")
        state = self._look(self._tasks[id])
        if state != "running":
            self._ended[id] = state
            del self._tasks[id]
        return state

    def _look(self, task: Any) -> PieceState:
        try:
            return int(ray.get(task, timeout=0))
        except GetTimeoutError:
            return "running"
        except TaskCancelledError:
            return -signal.SIGTERM
        except RayTaskError as error:  # the task itself failed: the program or its directory is not there
            sys.stderr.write(f"{_last_line(error)}\n")
            return 127
        except RayError:  # its machine or worker failed more often than max_retries
            return "lost"

    def cancel(self, id: str) -> None:
        if self.poll(id) == "running":
            ray.cancel(self._tasks[id])  # an interruption, by which the task ends its process

    def close(self) -> None:
        with suppress(RuntimeError):
            ray.shutdown()


@ray.remote
def run_piece(work: Work) -> int:
    """What a task does on its machine."""
    return work.run()


def _answers(address: str) -> None:
    """Raise OSError if nothing listens at HOST:PORT: Ray itself would wait for minutes. Other addresses are Ray's to check."""
    host, colon, port = address.rpartition(":")
    if colon and "/" not in address and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), 10).close()


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _last_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[-1]
