"""Locks between processes: a process that waits reports for whom, and does not wait for ever."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from imbalkit.errors import RunError

Note = Callable[[str], object]
logger = logging.getLogger(__name__)

REPORT_AFTER, REPORT_AGAIN = 2.0, 600.0  # seconds
PATIENCE = 1800.0  # seconds without a sign of life


@contextmanager
def held(
    path: Path,
    what: str,
    note: Note | None = None,
    sign: Callable[[], object] | None = None,
    patience: float = PATIENCE,
) -> Iterator[None]:
    """Hold the lock file `path`; who holds it is written beside it (`path`.holder) for those who wait.

    Args:
        path: of the lock
        what: what another process does meanwhile, such as "fills the cache /a/b"
        note: called after two seconds, and then every ten minutes (default: this module's logger)
        sign: gives another value whenever the holder gets on, which starts the patience anew
        patience: seconds to wait in all, or without such a sign

    Raises:
        RunError: the other process does not get on; a file system without locks
        OSError: the file cannot be written or locked
    """
    lock, holder = FileLock(path), path.with_name(f"{path.name}.holder")
    _acquire(lock, holder, what, note or logger.warning, sign or (lambda: None), patience)
    try:
        with suppress(OSError):
            since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
            holder.write_text(f"process {os.getpid()} on {socket.gethostname()}, since {since}", encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            holder.unlink()
        lock.release()


def _acquire(lock: FileLock, holder: Path, what: str, note: Note, sign: Callable[[], object], patience: float) -> None:
    alive = time.monotonic()
    reported, seen = alive + REPORT_AFTER - REPORT_AGAIN, sign()
    while True:
        now = time.monotonic()
        try:
            lock.acquire(timeout=max(0.0, min(reported + REPORT_AGAIN - now, alive + patience - now, 60.0)))
            return
        except Timeout:
            now = time.monotonic()
        except NotImplementedError:
            raise RunError(
                f"{holder.parent} is on a file system that cannot lock files: name a folder on another one "
                "(the image cache: images.cache or IMBALKIT_CACHE)"
            ) from None
        if (latest := sign()) != seen:
            alive, seen = now, latest
        if now >= alive + patience:
            raise RunError(
                f"waited {patience / 60:,.0f} minutes for another process that {what} ({_who(holder)}) and does not get on: "
                "end it if it hangs, and run this again"
            )
        if now >= reported + REPORT_AGAIN:
            note(f"waiting for another process that {what} ({_who(holder)})")
            reported = now


def _who(holder: Path) -> str:
    try:
        return holder.read_text(encoding="utf-8", errors="replace")[:200].strip() or "not known which"
    except OSError:
        return "not known which"
