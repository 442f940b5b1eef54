"""How many cores this process may use, and how processes that work beside each other share them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, MutableMapping
from pathlib import Path

SHARE = "IMBALKIT_THREADS"  # set for a process that works beside others: its share of the cores
_USERS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
_WAITING = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
_SPINS = 2000  # several times as fast beside other work, some hundredths slower without (docs/performance.md)


def available_cores(environment: Mapping[str, str] = os.environ) -> int:
    """Cores for this process: its share where it works beside others, else what affinity and the container's quota allow."""
    if environment.get(SHARE, "").isdigit():
        return max(1, int(environment[SHARE]))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _quota()))


def share(processes: int, environment: Mapping[str, str] = os.environ) -> int | None:
    """Threads of each of several processes beside each other; None where the user's environment decides, or there is but one."""
    set_by_user = SHARE not in environment and any(name in environment for name in _USERS)
    return None if set_by_user or processes < 2 else max(1, available_cores(environment) // processes)


def sharing(processes: int, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables for each of several processes beside each other, which torch reads when it is imported."""
    threads = share(processes, environment)
    return {} if threads is None else {SHARE: str(threads), "OMP_NUM_THREADS": str(threads)}


def spin_less(environment: MutableMapping[str, str] = os.environ) -> None:
    """Beside other work, let OpenMP's threads sleep sooner where they wait, unless the environment decides how they wait.

    By default they spin 300,000 times: a thread that has lost its core to another process is waited for by one that
    burns its share. Only before torch is imported; results stay the same.
    """
    set_by_user = any(name in environment for name in _WAITING)
    if not set_by_user and "torch" not in sys.modules and others_compute():
        environment["GOMP_SPINCOUNT"] = str(_SPINS)


def others_compute(file: Path = Path("/proc/stat"), seconds: float = 0.05) -> bool:
    """Whether other processes keep half a core or more busy now, on Linux; this one sleeps meanwhile."""
    before = _ticks(file)
    time.sleep(seconds if before else 0)
    after = _ticks(file)
    if not before or not after or sum(after) <= sum(before):
        return False
    spent = [b - a for a, b in zip(before, after, strict=True)]
    idle = spent[3] + spent[4]  # idle, and waiting for a disk
    return (1 - idle / sum(spent)) * (os.cpu_count() or 1) >= 0.5


def _ticks(file: Path) -> list[int]:
    """Ticks of all processors since the start, by what they did; empty where that is not known."""
    try:
        first, *numbers = file.read_text().splitlines()[0].split()
        return [int(number) for number in numbers[:8]] if first == "cpu" and len(numbers) >= 8 else []
    except (OSError, ValueError, IndexError):
        return []


def set_threads(environment: Mapping[str, str] = os.environ) -> None:
    """As the environment requests, for a process in which torch was imported before it was known."""
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
