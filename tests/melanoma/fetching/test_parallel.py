"""Work in several threads: results come back here, and one error ends all."""

import threading
import time

import pytest
from imbalkit_melanoma.fetching.client import Client, Stopped
from imbalkit_melanoma.fetching.parallel import for_each


def client(stop):
    return Client(0, lambda text: None, stop)


def test_results_return_to_the_calling_thread():
    results, threads = {}, set()

    def add(item, result):
        results[item] = result
        assert threading.current_thread() is threading.main_thread()

    def square(client, item):
        threads.add((threading.current_thread(), client))
        time.sleep(0.01)
        return item * item

    for_each(range(20), square, add, 4, client)
    assert results == {item: item * item for item in range(20)}
    assert len(threads) == 4  # each thread has its own client


def test_an_error_ends_all():
    """What waits stops, and what did not begin does not."""
    begun, ended = [], []

    def work(client, item):
        begun.append(item)
        if item == 1:
            time.sleep(0.05)
            raise ValueError("no more")
        try:
            client.wait(60)
        except Stopped:
            ended.append(item)
            raise

    started = time.monotonic()
    with pytest.raises(ValueError, match="no more"):
        for_each(range(50), work, lambda item, result: None, 3, client)
    assert time.monotonic() - started < 5
    assert len(begun) < 20  # a few more may begin before the others hear of it
    assert {0, 2} <= set(ended)


def test_what_is_being_received_stops():
    class Slow:
        def iter_content(self, size):
            yield b"first"
            stop.set()
            yield b"second"

    stop = threading.Event()
    chunks = client(stop).chunks("http://somewhere", Slow())
    assert next(chunks) == b"first"
    with pytest.raises(Stopped):
        next(chunks)
