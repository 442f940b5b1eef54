"""The processes that torchrun or SLURM's srun started together to do one run, and which of them this one is."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from imbalkit.base.threads import SHARE

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments import ClusterEnvironment

# What marks a program as one of several: a run that is started by another one has none of it.
_LAUNCH = {"TORCHELASTIC_RUN_ID", "RANK", "LOCAL_RANK", "GROUP_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}

_OF_A_MACHINE = re.compile(
    r"(SLURM|SLURMD|PMI|PMIX|RAY|SSH)_.*|(CUDA|ROCR|HIP)_VISIBLE_DEVICES|HOST|HOSTNAME|PWD|OLDPWD|SHLVL|TMPDIR|DISPLAY|"
    r"XDG_RUNTIME_DIR|_"
)


@contextmanager
def without_main() -> Iterator[None]:
    """Processes that multiprocessing starts meanwhile do not run the user's script again, which may have no main guard.

    They need nothing of it: what they do is in imbalkit.
    """
    main = sys.modules["__main__"]
    if getattr(main, "__file__", None) is None and getattr(main, "__spec__", None) is None:  # a console or a notebook
        yield
        return
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@dataclass(frozen=True)
class Launch:
    """This process among those that were started together."""

    launcher: str  # "torchrun" or "srun"
    rank: int
    processes: int
    local_rank: int
    local_processes: int
    node: int
    nodes: int
    address: str  # where the processes meet
    port: int


def launched(environment: Mapping[str, str] = os.environ) -> Launch | None:
    """Who this process is among several, None where it runs alone.

    A SLURM allocation alone (sbatch, salloc, a shell of `srun --pty`) starts one process, however many tasks it is given:
    only a step of srun starts several.
    """
    if "TORCHELASTIC_RUN_ID" in environment and "RANK" in environment:
        return _torchrun(environment)
    if int(environment.get("SLURM_STEP_NUM_TASKS") or 1) > 1 and not _in_shell_of_srun(environment):
        return _srun(environment)
    return None


def is_first_process() -> bool:
    """Whether this process is the only one, or the one of several that writes and prints."""
    launch = launched()
    return launch is None or launch.rank == 0


def unused_tasks(environment: Mapping[str, str] = os.environ) -> int:
    """Tasks of the SLURM allocation if it has several and no launcher started them, else 0."""
    return 0 if launched(environment) else max(0, int(environment.get("SLURM_NTASKS") or 1) - 1)


def own_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment for a run that this process starts: without what makes it one of several."""
    torchrun = "TORCHELASTIC_RUN_ID" in environment
    return {name: value for name, value in environment.items() if not (torchrun and name in _LAUNCH)}


def passed_on(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment for a piece of work that may run elsewhere: without what this machine, its scheduler or its share say."""
    given = own_environment(environment)
    if SHARE in given:
        given = {name: value for name, value in given.items() if name not in (SHARE, "OMP_NUM_THREADS")}
    return {name: value for name, value in given.items() if not _OF_A_MACHINE.fullmatch(name)}


def _torchrun(environment: Mapping[str, str]) -> Launch:
    def number(name: str, default: int) -> int:
        return int(environment.get(name) or default)

    processes = number("WORLD_SIZE", 1)
    local = number("LOCAL_WORLD_SIZE", processes)
    return Launch(
        launcher="torchrun",
        rank=number("RANK", 0),
        processes=processes,
        local_rank=number("LOCAL_RANK", 0),
        local_processes=local,
        node=number("GROUP_RANK", 0),
        nodes=number("GROUP_WORLD_SIZE", max(1, processes // local)),
        address=environment.get("MASTER_ADDR", "127.0.0.1"),
        port=number("MASTER_PORT", 29500),
    )


def _srun(environment: Mapping[str, str]) -> Launch:
    from lightning_fabric.plugins.environments import SLURMEnvironment

    node, tasks = int(environment.get("SLURM_NODEID") or 0), _tasks_per_node(environment)
    names = environment.get("SLURM_STEP_NODELIST") or environment.get("SLURM_NODELIST") or "127.0.0.1"
    # Every process finds the same port, two steps of one job find two.
    port = 15000 + (int(environment.get("SLURM_JOB_ID") or 0) + int(environment.get("SLURM_STEP_ID") or 0)) % 10000
    return Launch(
        launcher="srun",
        rank=int(environment["SLURM_PROCID"]),
        processes=int(environment["SLURM_STEP_NUM_TASKS"]),
        local_rank=int(environment["SLURM_LOCALID"]),
        local_processes=tasks[node],
        node=node,
        nodes=len(tasks),
        address=environment.get("MASTER_ADDR") or SLURMEnvironment.resolve_root_node_address(names),
        port=int(environment.get("MASTER_PORT") or port),
    )


def _tasks_per_node(environment: Mapping[str, str]) -> list[int]:
    """ "2(x3),1" is [2, 2, 2, 1]."""
    text = environment.get("SLURM_STEP_TASKS_PER_NODE") or environment["SLURM_STEP_NUM_TASKS"]
    found = re.findall(r"(\d+)(?:\(x(\d+)\))?", text)
    return [int(tasks) for tasks, times in found for _ in range(int(times or 1))]


def _in_shell_of_srun(environment: Mapping[str, str]) -> bool:
    """Whether a person typed this command into a shell that srun started: it has a terminal, and srun did not start it."""
    if environment.get("SLURM_TASK_PID") == str(os.getpid()):
        return False
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def spawned(fabric: Fabric) -> Launch | None:
    """Who this process is among those that Lightning Fabric has started on this machine; None where it is the only one."""
    if fabric.world_size == 1:
        return None
    return Launch(
        launcher="imbalkit",
        rank=fabric.global_rank,
        processes=fabric.world_size,
        local_rank=fabric.local_rank,
        local_processes=fabric.world_size,
        node=0,
        nodes=1,
        address=os.environ["MASTER_ADDR"],
        port=int(os.environ["MASTER_PORT"]),
    )


def cluster(launch: Launch | None) -> ClusterEnvironment:
    """How Lightning Fabric learns of `launch`; it looks for no cluster itself."""
    from lightning_fabric.plugins.environments import ClusterEnvironment, LightningEnvironment

    if launch is None:
        return LightningEnvironment()
    known: Launch = launch

    class Launched(ClusterEnvironment):
        creates_processes_externally = True
        main_address, main_port = known.address, known.port

        @staticmethod
        def detect() -> bool:
            return True

        def world_size(self) -> int:
            return known.processes

        def set_world_size(self, size: int) -> None:
            pass

        def global_rank(self) -> int:
            return known.rank

        def set_global_rank(self, rank: int) -> None:
            pass

        def local_rank(self) -> int:
            return known.local_rank

        def node_rank(self) -> int:
            return known.node

    return Launched()
