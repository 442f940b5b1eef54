"""What the measurements share: things timed in turn, and the words for what came out."""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import psutil

T = TypeVar("T")


@dataclass(frozen=True)
class Taken:
    """What something took: seconds by the clock, and of the processor in this process and its children.

    On a machine that others use too, the clock says little and the processor's time still much.
    """

    clock: float
    processor: float


def take(work: Callable[[], object]) -> Taken:
    """Do it, and say what it took."""
    started, used = time.perf_counter(), processor_seconds()
    work()
    return Taken(time.perf_counter() - started, processor_seconds() - used)


def in_a_process(work: Callable[..., T], *arguments: object) -> T:
    """What `work(*arguments)` returns in a new process: none inherits another's memory, threads or allocator."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, _start_children, (multiprocessing.get_start_method(),)) as pool:
        return pool.submit(work, *arguments).result()


def _start_children(method: str) -> None:
    # A spawned process spawns by itself; DataLoader's workers are to start as they would from a script.
    multiprocessing.set_start_method(method, force=True)


def alternate(works: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[Taken]]:
    """What each takes, A B A B: what else the machine does meets all of them alike."""
    found: dict[str, list[Taken]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            found[name].append(take(work))
    return found


def processor_seconds() -> float:
    """Processor time of this process and of its children, living and ended."""
    total = time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    for child in psutil.Process().children(recursive=True):
        try:
            total += sum(child.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue
    return total


def ratios(these: Sequence[Taken], those: Sequence[Taken]) -> str:
    """How much of the others' time these took, pair by pair."""
    clock = [a.clock / b.clock for a, b in zip(these, those, strict=True)]
    processor = [a.processor / b.processor for a, b in zip(these, those, strict=True)]
    return f"{spread(clock)} by the clock, {spread(processor)} of processor time"


def spread(values: Sequence[float], digits: int = 3) -> str:
    return f"median {statistics.median(values):.{digits}f} (min {min(values):.{digits}f}, max {max(values):.{digits}f})"
