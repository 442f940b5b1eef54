"""Work for several threads, each with a client of its own; results return to the calling thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from imbalkit_melanoma.fetching.client import Client

Item = TypeVar("Item")
Result = TypeVar("Result")


def for_each(
    items: Iterable[Item],
    action: Callable[[Client, Item], Result],
    done: Callable[[Item, Result], None],
    threads: int,
    make_client: Callable[[threading.Event], Client],
) -> None:
    """Call `action` on every item, `threads` at a time, and `done`, in this thread, with each result.

    The first error, of either or of the keyboard, ends all: running downloads and pauses stop, the rest does not start.
    """
    stop, of_thread = threading.Event(), threading.local()

    def work(item: Item) -> Result:
        if not hasattr(of_thread, "client"):
            of_thread.client = make_client(stop)
        return action(of_thread.client, item)

    finished: SimpleQueue[Future[Result]] = SimpleQueue()
    pool = ThreadPoolExecutor(threads)
    try:
        waiting = {pool.submit(work, item): item for item in items}
        for future in waiting:
            future.add_done_callback(finished.put)
        while waiting:
            future = finished.get()
            done(waiting.pop(future), future.result())
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
