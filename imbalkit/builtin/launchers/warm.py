"""Python modules as processes that start with the heavy imports done: forks of one process that has done them.

A run of a small network takes seconds, of which importing PyTorch and matplotlib is half. Each piece of work is still a
process of its own. The standard library's fork server does the forking, before any thread is there.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
from pathlib import Path

from imbalkit.base.processes import own_environment, without_main
from imbalkit.base.threads import set_threads
from imbalkit.kinds import Process, Work

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


def start(work: Work) -> Process:
    """Start a piece: a Python module (`python -m ...`) as a fork where the system has them, else a new process.

    A fork finds its module on this process's `sys.path`.
    """
    if work.command[:2] == (sys.executable, "-m") and "forkserver" in multiprocessing.get_all_start_methods():
        return _Fork(work)
    return work.start()


class _Fork:
    def __init__(self, work: Work):
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([*_ALWAYS, *(name for name in _IF_USED if name in sys.modules)])
        self._process = context.Process(target=_run, args=(work, own_environment() | dict(work.environment)))
        with without_main():
            self._process.start()
        assert self._process.pid is not None  # started
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def terminate(self) -> None:
        self._process.terminate()


def _run(work: Work, environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(work.directory)
    if work.log is not None:
        Path(work.log).parent.mkdir(parents=True, exist_ok=True)
        with open(work.log, "ab") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
    set_threads()
    words = list(work.command[2:])
    sys.argv = words
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)
