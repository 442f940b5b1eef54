"""Memory that a training frees stays with the process until its end: the next step takes the same again."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# What glibc's malloc.h calls them.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_UNLIMITED = -1


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Within it, large blocks that are freed are kept for the next that is taken, and are given back at its end.

    By default glibc gives them back at once. A training step takes and frees hundreds of MiB, which the kernel then
    clears anew for each step, page by page. Nothing happens without glibc, or where the environment already tunes its
    allocator (`MALLOC_...`, `GLIBC_TUNABLES`, `LD_PRELOAD`).
    """
    libc = _libc()
    if libc is None:
        yield
        return
    libc.mallopt(_MMAP_MAX, 0)
    libc.mallopt(_TRIM_THRESHOLD, _UNLIMITED)
    try:
        yield
    finally:
        # glibc no longer adapts these by itself once they are set; here is what it would have come to.
        libc.mallopt(_MMAP_MAX, 65_536)
        libc.mallopt(_MMAP_THRESHOLD, 32 * 2**20)
        libc.mallopt(_TRIM_THRESHOLD, 64 * 2**20)
        libc.malloc_trim(0)


def _libc() -> ctypes.CDLL | None:
    tuned = any(name.startswith("MALLOC_") or name in ("GLIBC_TUNABLES", "LD_PRELOAD") for name in os.environ)
    if sys.platform != "linux" or tuned:
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
