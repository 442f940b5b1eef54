"""Folders that are there whole or not at all."""

from __future__ import annotations

import glob
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from imbalkit_lite.files import writing

_LOCK = ".lock"


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield a hidden folder beside `folder` to write in; it takes that name at the end, and is deleted after an error.

    What a killed process left of the same folder is deleted first: it holds the lock in its hidden folder no longer.

    Args:
        folder: not there yet, or empty

    Raises:
        WriteError: it cannot be made or renamed
    """
    folder = folder.absolute()
    beside = folder.with_name(f".{folder.name[:100]}.{secrets.token_hex(8)}.tmp")
    with writing(folder):
        _delete_left_over(folder)
        beside.mkdir(parents=True)
    try:
        lock = FileLock(beside / _LOCK)
        with suppress(NotImplementedError):  # a file system without locks
            lock.acquire()
        yield beside
        lock.release()
        (beside / _LOCK).unlink(missing_ok=True)
        with writing(folder):
            os.replace(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _delete_left_over(folder: Path) -> None:
    for left in folder.parent.glob(f".{glob.escape(folder.name[:100])}.*.tmp"):
        if (left / _LOCK).is_file() and not left.is_symlink():
            # Left alone: what another process is writing, or a file system without locks cannot tell.
            with suppress(Timeout, NotImplementedError, OSError), FileLock(left / _LOCK, timeout=0):
                shutil.rmtree(left)
