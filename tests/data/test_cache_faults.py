"""The decode-once store: bad files, full disks, closed folders, damage."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import imbalkit.data.cache
from imbalkit.data.cache import Cache
from imbalkit.errors import DataError
from tests.data.cached_images import RULE, direct


def test_every_bad_file_is_listed_in_one_scan(cache, paths):
    whole = Path(paths[2]).read_bytes()
    Path(paths[2]).write_bytes(whole[: len(whole) // 2])
    Path(paths[5]).write_text("hello")
    Path(paths[9]).unlink()
    with pytest.raises(DataError, match="3 of 12 images cannot be read") as caught:
        cache.fill(paths)
    message = str(caught.value)
    for index, reason in ((2, "truncated"), (5, "not an image"), (9, "no such file")):
        line = next(line for line in message.splitlines() if f"sample {index}:" in line)
        assert paths[index] in line
        assert reason in line

    store = cache.fill(paths, on_bad_image="skip")
    assert store.decoded == 0  # the failed scan kept the good ones
    assert [image.index for image in store.bad] == [2, 5, 9]
    good = [index for index in range(12) if index not in (2, 5, 9)]
    np.testing.assert_array_equal(store.take(good), direct([paths[index] for index in good]))
    with pytest.raises(DataError, match="could not be read, such as sample 2"):
        store.take([1, 2])


def test_long_lists_of_bad_files_are_cut(cache, tmp_path):
    with pytest.raises(DataError, match=r"25 of 25 images[\s\S]*sample 19:[\s\S]*and 5 more") as caught:
        cache.fill([str(tmp_path / f"{index}.png") for index in range(25)])
    assert "sample 20" not in str(caught.value)


def test_disk_that_fills_up_half_way(tmp_path, paths, monkeypatch):
    """A clear error, what was committed stays, and the next fill completes."""
    cache = Cache(tmp_path / "cache", RULE, workers=1)
    monkeypatch.setattr(imbalkit.data.cache, "_COMMIT_EVERY", 3)
    write, calls = imbalkit.data.cache.write_all, []

    def full(file, pixels):
        calls.extend(pixels)
        if len(calls) > 7:
            raise OSError(28, "No space left on device")
        write(file, pixels)

    monkeypatch.setattr(imbalkit.data.cache, "write_all", full)
    with pytest.raises(DataError, match="No space left on device.*make room"):
        cache.fill(paths)
    monkeypatch.setattr(imbalkit.data.cache, "write_all", write)
    store = cache.fill(paths)
    assert store.decoded == 6
    np.testing.assert_array_equal(store.take(range(12)), direct(paths))


def test_too_little_space_is_said_before_anything_is_decoded(cache, paths, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(imbalkit.data.cache.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(DataError, match="needs .* more, and .* are free there: make room"):
        cache.fill(paths)
    assert (cache.folder / "pixels.bin").stat().st_size == 0


def test_folder_that_is_a_file(tmp_path, paths):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be used .*IMBALKIT_CACHE"):
        Cache(tmp_path / "file", RULE).fill(paths)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_folder(tmp_path, paths):
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(DataError, match="Permission denied.*IMBALKIT_CACHE"):
        Cache(tmp_path / "closed", RULE).fill(paths)


def test_damage_is_named(cache, paths):
    cache.fill(paths)
    os.truncate(cache.folder / "pixels.bin", 1000)
    with pytest.raises(DataError, match="damaged: pixels.bin is shorter.*delete it"):
        cache.fill(paths)
    (cache.folder / "index.sqlite").write_bytes(b"x" * 5000)
    with pytest.raises(DataError, match="not a database.*delete it"):
        cache.fill(paths)


def test_file_that_changes_while_it_is_read(cache, paths, monkeypatch):
    real = imbalkit.data.cache.stat_of
    monkeypatch.setattr(
        imbalkit.data.cache, "stat_of", lambda name: (real(name)[0] + (name == paths[3]), *real(name)[1:])
    )
    with pytest.raises(DataError, match=r"3\.png changed while it was read"):
        cache.fill(paths)
