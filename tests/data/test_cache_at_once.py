"""The decode-once store: several processes at once, one that is killed, one that stops while it begins."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from imbalkit.data.cache import Cache
from tests.data.cached_images import RULE, direct, write_images

FILL = """
import sys, time
import imbalkit.data.cache as module
from imbalkit_lite.images import ImageRule
folder, count, delay, *paths = sys.argv[1:]
module._COMMIT_EVERY = 4
read = module.read_image
def slow(content, rule):
    time.sleep(float(delay))
    return read(content, rule)
module.read_image = slow
def progress(done, total):
    if done >= int(count):
        print("there", flush=True)
store = module.Cache(folder, ImageRule((24, 16)), workers=2).fill(paths, progress)
print("decoded", store.decoded, flush=True)
"""


def start(folder: Path, count: int, delay: float, paths: list[str]) -> subprocess.Popen:
    command = [sys.executable, "-c", textwrap.dedent(FILL), str(folder), str(count), str(delay), *paths]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_kill_half_way_then_complete(tmp_path):
    paths = write_images(tmp_path / "images", 40)
    process = start(tmp_path / "cache", 14, 0.02, paths)
    assert process.stdout.readline() == "there\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    store = Cache(tmp_path / "cache", RULE).fill(paths)
    # What was committed (batches of 4) is kept; what was not is decoded again.
    assert 0 < store.decoded <= 40 - 12
    np.testing.assert_array_equal(store.take(range(40)), direct(paths))


@pytest.mark.parametrize("left", ["pixels.bin", "index.sqlite"])
def test_crash_while_the_store_is_laid_out(cache, paths, left):
    cache.folder.mkdir(parents=True)
    (cache.folder / left).write_bytes(b"half")
    np.testing.assert_array_equal(cache.fill(paths).take(range(12)), direct(paths))


def test_two_processes_at_once_decode_each_image_once(tmp_path):
    paths = write_images(tmp_path / "images", 30)
    runs = [start(tmp_path / "cache", 1000, 0.02, paths), start(tmp_path / "cache", 1000, 0.02, paths[::-1])]
    outputs = [run.communicate(timeout=60)[0].split() for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert sorted(int(output[-1]) for output in outputs) == [0, 30]
    store = Cache(tmp_path / "cache", RULE).fill(paths)
    assert store.decoded == 0
    np.testing.assert_array_equal(store.take(range(30)), direct(paths))


def test_a_reader_goes_on_while_another_fills(tmp_path, paths):
    store = Cache(tmp_path / "cache", RULE).fill(paths)
    expected = direct(paths)
    more = write_images(tmp_path / "images", 40, start=500)
    filling = threading.Thread(target=lambda: Cache(tmp_path / "cache", RULE).fill([*paths, *more]))
    filling.start()
    while filling.is_alive():
        np.testing.assert_array_equal(store.take(range(12)), expected)
        assert Cache(tmp_path / "cache", RULE).fill(paths).decoded == 0  # nothing missing: no waiting
        time.sleep(0.001)
    filling.join()
