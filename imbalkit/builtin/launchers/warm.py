"""Python modules as processes that start with the heavy imports done: forks of one process that has done them.

A run of a small network takes seconds, of which importing PyTorch and matplotlib is half. Each piece of work is still a
process of its own. The standard library's fork server does the forking, before any thread is there.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.connection import wait
from typing import Protocol

from imbalkit.base.threads import set_threads

# What every run imports, and what it imports where a recipe asks for it and this process has done so already.
_ALWAYS = (
    "imbalkit.engine.run",
    "imbalkit.engine.outputs",
    "imbalkit.training.trainer",
    "imbalkit.engine.resample",
    "imbalkit.report.page",
    "imbalkit.plots.svg",
    "lightning_fabric",
    "matplotlib.backends.backend_svg",
    "pyarrow.parquet",
)
_IF_USED = ("timm", "kornia", "torchvision")
_starting = threading.Lock()  # a start looks at the others' exit codes, which can be read but once


class Running(Protocol):
    """A process at work, as `subprocess.Popen` has it."""

    def wait(self) -> int:
        """Its exit code once it has ended; below 0: the signal that ended it."""

    def terminate(self) -> None: ...


def start(command: Sequence[str], environment: Mapping[str, str]) -> Running:
    """Start a command line: a Python module (`python -m ...`) as a fork where the system has them, else a new process.

    A fork finds its module on this process's `sys.path`.
    """
    if list(command[:2]) == [sys.executable, "-m"] and "forkserver" in multiprocessing.get_all_start_methods():
        return _Fork(command, environment)
    return subprocess.Popen(command, env=environment)


class _Fork:
    def __init__(self, command: Sequence[str], environment: Mapping[str, str]):
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([*_ALWAYS, *(name for name in _IF_USED if name in sys.modules)])
        self._process = context.Process(target=_run, args=(list(command[2:]), dict(environment)))
        with _starting:
            self._process.start()

    def wait(self) -> int:
        wait([self._process.sentinel])
        with _starting:
            self._process.join()
        code = self._process.exitcode
        assert code is not None  # joined
        return code

    def terminate(self) -> None:
        self._process.terminate()


def _run(words: list[str], environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    set_threads()
    sys.argv = words
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)
