"""Freed memory is kept within, given back after, and left to the environment where that tunes its allocator."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

STEPS = """
import resource, sys
import numpy as np
from imbalkit.engine.allocator import freed_memory_kept

def pages_of_a_step(steps=5):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(steps):
        blocks = [np.full(size, 1, np.uint8) for size in (60_000_000, 5_000_000, 300_000, 40_000_000)]
        del blocks
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) // steps

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

pages_of_a_step(1)
print(pages_of_a_step())
with freed_memory_kept():
    pages_of_a_step(1)  # takes what is kept from here on
    print(pages_of_a_step(), resident())
print(resident(), pages_of_a_step())
"""


def numbers(**environment):
    names = [name for name in os.environ if name.startswith("MALLOC_") or name in ("GLIBC_TUNABLES", "LD_PRELOAD")]
    kept = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run(
        [sys.executable, "-c", STEPS],
        env={**kept, "NUMPY_MADVISE_HUGEPAGE": "0", **environment},  # pages of one size, to be counted
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(number) for number in done.stdout.split()]


glibc = pytest.mark.skipif(
    sys.platform != "linux" or not os.confstr("CS_GNU_LIBC_VERSION"), reason="needs glibc, whose allocator is tuned"
)


@glibc
def test_freed_blocks_are_taken_again_and_given_back_at_the_end():
    before, within, held, after, again = numbers()
    pages = 100e6 / resource.getpagesize()  # that a step takes
    assert before > pages / 2
    assert within < before / 100
    assert held - after > 80e6
    assert again > pages / 2


@glibc
@pytest.mark.slow
def test_an_environment_that_tunes_its_allocator_is_left_alone():
    before, within, *_ = numbers(MALLOC_TOP_PAD_="131072")
    assert within > before / 2


def test_nothing_happens_elsewhere(monkeypatch):
    from imbalkit.engine.allocator import freed_memory_kept

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr("imbalkit.engine.allocator.ctypes.CDLL", lambda name: pytest.fail("asked for a C library"))
    with freed_memory_kept():
        pass
