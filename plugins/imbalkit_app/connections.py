"""How many connections a server has at once: a newcomer gets its place from the one that has been quiet for longest."""

from __future__ import annotations

import contextlib
import socket
import threading
import time


class Connections:
    """The open connections of a server that gives each a thread. Its methods may be called by any thread.

    Args:
        most: open at once
        quiet: seconds without progress (a whole request, a sent piece of an answer) after which one is ended
    """

    def __init__(self, most: int, quiet: float):
        self._free, self._lock, self._quiet = threading.Semaphore(most), threading.Lock(), quiet
        self._heard: dict[socket.socket, float] = {}  # when each made progress, the longest ago first

    def enter(self, connection: socket.socket) -> bool:
        """Give a connection a place; False where none gets free. Then, and only then, it has to `leave`."""
        if not self._free.acquire(blocking=False):
            with self._lock:
                self._end_first()
            if not self._free.acquire(timeout=1):  # its thread has only to wake up
                return False
        with self._lock:
            self._heard[connection] = time.monotonic()
        return True

    def progress(self, connection: socket.socket) -> None:
        """A connection is alive: others are ended before it."""
        with self._lock:
            if self._heard.pop(connection, None) is not None:
                self._heard[connection] = time.monotonic()

    def leave(self, connection: socket.socket) -> None:
        """Before the connection is closed."""
        with self._lock:
            self._heard.pop(connection, None)
        self._free.release()

    def end_quiet(self) -> None:
        """End those that have been quiet for too long: one that sends a byte now and then never runs into a timeout."""
        with self._lock:
            while self._heard and time.monotonic() - next(iter(self._heard.values())) > self._quiet:
                self._end_first()

    def _end_first(self) -> None:
        if not self._heard:
            return
        connection = next(iter(self._heard))
        del self._heard[connection]
        with contextlib.suppress(OSError):  # its thread wakes up and finds the end; without TLS's closing
            socket.socket.shutdown(connection, socket.SHUT_RDWR)
