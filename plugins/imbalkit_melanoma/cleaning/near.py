"""Near duplicates among the images on disk; found once, then stored in the cache of imbalkit."""

from __future__ import annotations

import hashlib
import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np

from imbalkit.data.cache import default_cache_dir, stat_of
from imbalkit_lite.containers import absolute
from imbalkit_lite.files import write_atomic


def near_pairs(paths: np.ndarray, there: np.ndarray, distance: int) -> np.ndarray:
    """Pairs of rows whose images are near duplicates, and the distance of their hashes in bits, int64 [k, 3].

    Finding them reads every image, so the pairs are stored in the cache folder until a file is changed, added or removed.

    Args:
        paths: image files [n]
        there: whether the file is there, bool [n]; others are in no pair
        distance: up to how many bits perceptual hashes may differ
    """
    rows = np.flatnonzero(there)
    if len(rows) < 2:
        return np.empty((0, 3), dtype=np.int64)
    files = [absolute(path) for path in paths[rows]]
    stored = default_cache_dir() / "near_duplicates" / f"{_key(files, distance)}.npy"
    pairs = _load(stored)
    if pairs is None:
        pairs = _find(files, distance)
        with suppress(OSError):  # a cache that cannot be written costs time alone
            write_atomic(stored, lambda temporary: _save(temporary, pairs))
    pairs[:, :2] = rows[pairs[:, :2]]
    return pairs


def _key(files: list[str], distance: int) -> str:
    """What the pairs depend on: every file's path, size and time, the distance, and the code."""
    digest = hashlib.sha256(f"{version('imbalkit')} {distance}".encode())
    for file in files:
        facts = stat_of(file)
        digest.update(f"\n{file}\0{facts.size} {facts.mtime_ns}".encode())
    return digest.hexdigest()[:32]


def _find(files: list[str], distance: int) -> np.ndarray:
    from rich.progress import Progress

    from imbalkit.base.console import console
    from imbalkit.inspection.near_duplicates import near_duplicate_pairs

    with Progress(console=console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("near duplicates: images read", total=len(files))
        pairs = near_duplicate_pairs(files, distance, lambda done, total: bar.update(task, completed=done, total=total))
    return np.array(pairs, dtype=np.int64).reshape(-1, 3)


def _load(path: Path) -> np.ndarray | None:
    try:
        return np.load(path)
    except (OSError, ValueError, EOFError):
        return None


def _save(path: Path, pairs: np.ndarray) -> None:
    with path.open("wb") as stream:  # np.save would add an ending to a name
        np.save(stream, pairs)
