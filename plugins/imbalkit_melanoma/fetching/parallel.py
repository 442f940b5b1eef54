"""Work for several threads, each with a client of its own; results come back to the thread that asked."""

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
    """Call `action` on every item, `threads` at a time, and `done` with what it returned, here, as it comes.

    The first error, of either or of the keyboard, ends all: what waits or receives stops, what did not begin does not.
    """
    stop, own = threading.Event(), threading.local()

    def work(item: Item) -> Result:
        if not hasattr(own, "client"):
            own.client = make_client(stop)
        return action(own.client, item)

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
