"""Waiting for another process: shown, bounded, and ended by Ctrl-C at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from imbalkit.base import locks as waiting
from imbalkit.base.locks import held
from imbalkit.data.cache import Cache
from imbalkit.engine.round_cache import RoundCache
from imbalkit.errors import RunError
from imbalkit_lite.images import ImageRule
from tests.data.cached_images import write_images

HOLD = """
import sys, time
from imbalkit.base.locks import held
from pathlib import Path
with held(Path(sys.argv[1]), "waits"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds a lock until it is killed; called with the lock's path."""
    started = []

    def hold(path):
        process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in started:
        process.kill()
        process.communicate()


def test_who_is_waited_for_is_told(tmp_path, other, monkeypatch):
    monkeypatch.setattr(waiting, "REPORT_AFTER", 0.1)
    lock, notes = tmp_path / "a.lock", []
    process = other(lock)
    threading.Timer(0.6, process.kill).start()
    with held(lock, "decodes images", notes.append):
        assert (tmp_path / "a.lock.holder").read_text().startswith(f"process {os.getpid()} on ")
    (note,) = notes  # once, not twice a second
    assert note.startswith(f"waiting for another process that decodes images (process {process.pid} on ")
    assert not (tmp_path / "a.lock.holder").exists()


def test_nobody_waits_in_silence_or_for_ever(tmp_path, other):
    lock = tmp_path / "a.lock"
    process = other(lock)
    with (
        pytest.raises(
            RunError, match=rf"waited 0 minutes .*decodes \(process {process.pid} on .*does not get on: end it"
        ),
        held(lock, "decodes", patience=0.3),
    ):
        pass


def test_a_sign_of_life_starts_the_patience_anew(tmp_path, other):
    lock = tmp_path / "a.lock"
    process = other(lock)
    threading.Timer(0.9, process.kill).start()
    waiting_since = time.monotonic()
    with held(lock, "decodes", patience=0.3, sign=time.monotonic):
        assert time.monotonic() - waiting_since > 0.8


def test_no_waiting_no_word(tmp_path):
    notes = []
    for _ in range(2):
        with held(tmp_path / "a.lock", "decodes", notes.append):
            pass
    assert notes == []


def test_the_cache_and_rounds_tell(tmp_path, other, monkeypatch):
    monkeypatch.setattr(waiting, "REPORT_AFTER", 0.0)
    cache = Cache(tmp_path / "cache", ImageRule((8, 8)))
    cache.folder.mkdir(parents=True)
    notes = []
    first = other(cache.folder / "fill.lock")
    threading.Timer(0.5, first.kill).start()
    cache.fill(write_images(tmp_path, 1), note=notes.append)
    assert f"decodes images into the cache {cache.folder} (process {first.pid} on" in notes[0]
    rounds = RoundCache(tmp_path, note=notes.append)
    second = other(tmp_path / "k.lock")
    threading.Timer(0.5, second.kill).start()
    with rounds.claim("k"):
        pass
    assert f"does the same training for {tmp_path} (process {second.pid} on" in notes[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_ends_the_waiting_at_once(tmp_path, other):
    lock = tmp_path / "a.lock"
    other(lock)
    code = HOLD.replace('"waits")', '"waits", lambda note: print(note, flush=True))')
    code = code.replace("import sys", "from imbalkit.base import locks; locks.REPORT_AFTER = 0; import sys")
    second = subprocess.Popen(
        [sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert "waiting for another process" in second.stdout.readline()
    second.send_signal(signal.SIGINT)
    before = time.monotonic()
    assert "KeyboardInterrupt" in second.communicate(timeout=10)[1]
    assert time.monotonic() - before < 2


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def acquire(self, **options):
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr(waiting.FileLock, "acquire", acquire)
    with pytest.raises(RunError, match="cannot lock files: name a folder on another one .*IMBALKIT_CACHE"):
        Cache(tmp_path / "cache", ImageRule((8, 8))).fill(write_images(tmp_path, 1))
