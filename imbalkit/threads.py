"""How many cores this process may use, and how processes that work beside each other share them."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path

SHARE = "IMBALKIT_THREADS"  # set for a process that works beside others: its share of the cores
_USERS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
_WAITING = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
_SPINS = (
    2000  # `python -m tests.benchmarks busy_machine`: as fast on an idle machine, several times as fast on a busy one
)


def available_cores(environment: Mapping[str, str] = os.environ) -> int:
    """Cores for this process: its share where it works beside others, else what affinity and the container's quota allow."""
    if environment.get(SHARE, "").isdigit():
        return max(1, int(environment[SHARE]))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _quota()))


def share(processes: int, environment: Mapping[str, str] = os.environ) -> int | None:
    """Threads of each of several processes beside each other; None where the user's environment says, or there is but one."""
    told = SHARE not in environment and any(name in environment for name in _USERS)
    return None if told or processes < 2 else max(1, available_cores(environment) // processes)


def sharing(processes: int, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables for each of several processes beside each other, which torch reads when it is imported."""
    threads = share(processes, environment)
    return {} if threads is None else {SHARE: str(threads), "OMP_NUM_THREADS": str(threads)}


def spin_less(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let OpenMP's threads sleep sooner where they wait for each other, unless the environment says how they wait.

    By default they spin 300,000 times: a thread that has lost its core to another process is waited for by one that
    burns its own. Only before torch is imported.
    """
    if not any(name in environment for name in _WAITING):
        environment["GOMP_SPINCOUNT"] = str(_SPINS)


def set_threads(environment: Mapping[str, str] = os.environ) -> None:
    """As the environment says, for a process in which torch was imported before it was known."""
    threads = environment.get("OMP_NUM_THREADS", "")
    if threads.isdigit() and int(threads):
        import torch

        torch.set_num_threads(int(threads))


def _quota(folder: Path = Path("/sys/fs/cgroup")) -> int:
    """Whole cores of the control group's quota (version 2, then 1), a large number where there is none."""
    for read in (
        lambda: (folder / "cpu.max").read_text().split(),
        lambda: [(folder / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")],
    ):
        try:
            quota, period = (float(number) for number in read())
        except (OSError, ValueError):  # no such file, or "max"
            continue
        if quota > 0 and period > 0:
            return max(1, round(quota / period))
    return 1 << 20
