"""Random numbers that depend on names and counters, never on what was drawn before.

A generator is derived from a path such as `(seed, "sampler", "random_over", 0)`, so that adding a stage moves no other
stage's draws. The continuous parameters of a row's operations are a pure function of (seed, row key, operation index).
"""

from __future__ import annotations

import hashlib
import json

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def derive_seed(seed: int, *path: str | int) -> int:
    """A 63-bit seed for the stage named by `path`."""
    text = json.dumps([int(seed), *path])  # unlike a joined text, it keeps ("a/b",) and ("a", "b") apart
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def generator(seed: int, *path: str | int) -> np.random.Generator:
    """A NumPy generator for the stage named by `path`."""
    return np.random.Generator(np.random.PCG64(derive_seed(seed, *path)))


def uniforms(seed: int, keys: np.ndarray, index: int, draws: int) -> np.ndarray:
    """Uniform numbers in [0, 1) that depend on (seed, key, index, draw) alone.

    Counter-based: SplitMix64's finaliser (Steele, Lea, Flood 2014) over the hashed counters.

    Args:
        seed: the plan's seed
        keys: row keys, uint64 [n]
        index: which operation of the row's view
        draws: how many numbers a row

    Returns:
        float64 [n, draws]
    """
    keys = np.asarray(keys, dtype=np.uint64)
    start = np.array([derive_seed(seed, "row", index)], dtype=np.uint64)
    state = _mix(_mix(keys + _GOLDEN) ^ start)  # [n]
    counters = np.arange(1, draws + 1, dtype=np.uint64) * _GOLDEN  # [draws]
    bits = _mix(state[:, None] + counters[None, :])  # [n, draws]
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mix(x: np.ndarray) -> np.ndarray:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
