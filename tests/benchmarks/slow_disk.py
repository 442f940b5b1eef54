"""An epoch whose images come from a slow disk against one from memory, read ahead by one thread and by as many as imbalkit takes.

python -m tests.benchmarks slow_disk [--rows 1280] [--delays 1 2 4]

The disk is a store that sleeps for each image that is read; so does the device, 100 ms for each batch of 64: neither takes
processor time, so that the figures do not depend on the machine. A delay of 1.6 ms an image keeps one reader just busy.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import numpy as np
import torch

from imbalkit.data.image_store import ArrayStore
from imbalkit.plan import Plan
from imbalkit.training import batches
from imbalkit.training.batches import partition, read_ahead

BATCH, STEP = 64, 0.1  # rows; s


class SlowStore(ArrayStore):
    """Sleeps for each image, as a disk does that has to seek it."""

    delay = 0.0  # s an image

    def take(self, indices: Any) -> np.ndarray:
        time.sleep(self.delay * len(indices))
        return super().take(indices)


def main(arguments: list[str]) -> None:
    """Print the epoch's time, as a multiple of that without a delay, for each delay."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks slow_disk")
    parser.add_argument("--rows", type=int, default=1280)
    parser.add_argument("--delays", type=float, nargs="*", default=[0.5, 1, 2, 4, 8], help="ms an image")
    options = parser.parse_args(arguments)
    store = SlowStore(np.zeros((options.rows, 8, 8, 3), np.uint8))
    plan = Plan.from_labels(np.arange(options.rows) % 2)
    sys.stdout.write(f"{options.rows} rows, batch {BATCH}, {STEP * 1000:.0f} ms a step\n")
    for delay in options.delays:
        found = {}
        for readers in (1, batches.READERS):
            store.delay = 0.0
            plain = epoch(plan, store, readers)
            store.delay = delay / 1000
            found[readers] = epoch(plan, store, readers) / plain
        alone = (STEP + delay / 1000 * BATCH) / STEP
        sys.stdout.write(
            f"{delay:4.1f} ms an image: no reading ahead {alone:.2f} (computed), "
            + ", ".join(f"{readers} ahead {times:.2f}" for readers, times in found.items())
            + " times the epoch from memory\n"
        )


def epoch(plan: Plan, store: SlowStore, readers: int) -> float:
    """Seconds of an epoch whose batches are read by so many threads."""
    started = time.perf_counter()
    for batch in read_ahead(plan, store, partition(np.arange(len(plan)), BATCH), depth=readers):
        batch.render(torch.device("cpu"))
        time.sleep(STEP)
    return time.perf_counter() - started
