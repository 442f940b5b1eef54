"""What the measurements share: things timed in turn, and the words for what came out."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence


def alternate(works: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each, A B A B: what else the machine does meets all of them alike."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            found[name].append(time.perf_counter() - started)
    return found


def ratio(these: Sequence[float], those: Sequence[float]) -> list[float]:
    """Pair by pair."""
    return [a / b for a, b in zip(these, those, strict=True)]


def spread(values: Sequence[float], digits: int = 3) -> str:
    return f"median {statistics.median(values):.{digits}f} (min {min(values):.{digits}f}, max {max(values):.{digits}f})"
