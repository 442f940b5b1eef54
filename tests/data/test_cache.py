"""The decode-once store: exact pixels, and what is decoded again."""

from __future__ import annotations

import os
import pickle
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import imbalkit.data.cache
from imbalkit.data.cache import Cache, default_cache_dir
from imbalkit.data.image_store import ArrayStore, ImageStore
from imbalkit.data.keeping import open_store
from imbalkit.errors import DataError
from imbalkit_lite.images import ImageRule
from tests.data.cached_images import RULE, direct, write_images


def test_pixels_are_those_of_a_direct_read(cache, paths):
    store = cache.fill(paths)
    assert isinstance(store, ImageStore)
    assert (store.shape, store.dtype, len(store), store.decoded) == ((24, 16, 3), np.uint8, 12, 12)
    order = np.array([3, 0, 11, 3, 7])
    taken = store.take(order)
    np.testing.assert_array_equal(taken, direct(paths)[order])
    assert taken.flags.c_contiguous
    assert taken.flags.writeable
    taken[:] = 0
    np.testing.assert_array_equal(store.take(order), direct(paths)[order])
    with pytest.raises(IndexError):
        store.take([12])


def test_wide_image_is_pillows_result_bit_for_bit(cache, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 90, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        expected = np.asarray(
            image.resize((16, 40), Image.Resampling.BILINEAR).resize((16, 24), Image.Resampling.BILINEAR)
        )
        usual = np.asarray(image.resize((16, 24), Image.Resampling.BILINEAR))
    result = cache.fill([str(tmp_path / "a.jpg")]).take([0])[0]
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(result, usual)


def test_second_time_decodes_nothing_and_new_ones_alone(cache, paths, tmp_path):
    cache.fill(paths)
    assert cache.fill(paths).decoded == 0
    more = write_images(tmp_path / "images", 5, start=100)
    store = cache.fill([*more, *paths])
    assert store.decoded == 5
    np.testing.assert_array_equal(store.take(range(17)), direct([*more, *paths]))


def test_repeated_paths_and_equal_content_are_stored_once(cache, paths, tmp_path):
    copy = tmp_path / "copy.png"
    copy.write_bytes(Path(paths[0]).read_bytes())
    store = cache.fill([paths[0], paths[0], str(copy)])
    assert store.decoded == 1
    assert len(set(store.slots.tolist())) == 1
    assert len(store) == 3


def test_changed_file_is_decoded_again(cache, paths):
    cache.fill(paths)
    Image.fromarray(np.full((20, 30, 3), 7, dtype=np.uint8)).save(paths[4])
    os.utime(paths[4], ns=(1, 1))
    store = cache.fill(paths)
    assert store.decoded == 1
    assert (store.take([4]) == 7).all()
    np.testing.assert_array_equal(store.take([3]), direct(paths[3:4]))


def test_changed_time_alone_is_enough_to_look_again(cache, paths):
    """Same path and size, other content: the modification time tells."""
    grey = np.full((20, 30), 50, dtype=np.uint8)
    Image.fromarray(grey).save(paths[0], format="BMP")
    cache.fill(paths)
    Image.fromarray(grey + 1).save(paths[0], format="BMP")
    os.utime(paths[0], ns=(5, 5))
    assert (cache.fill(paths).take([0]) == 51).all()


def test_other_bytes_of_the_same_size_and_time_are_decoded_anew(cache, paths):
    path = Path(paths[3])
    pixels = np.random.default_rng(3).integers(0, 128, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, compress_level=0)
    cache.fill(paths)
    before = path.stat()
    Image.fromarray(pixels + 100).save(path, compress_level=0)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    np.testing.assert_array_equal(cache.fill(paths).take([3]), direct([path]))


def test_an_index_of_before_is_taken_over(cache, paths):
    """Its files are read once more, as nobody knows when they last changed, but not decoded."""
    cache.fill(paths)
    with sqlite3.connect(cache.folder / "index.sqlite") as index:
        index.executescript(
            "CREATE TABLE old (path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, hash BLOB) WITHOUT ROWID;"
            "INSERT INTO old SELECT path, size, mtime_ns, hash FROM files; DROP TABLE files; ALTER TABLE old RENAME TO files"
        )
    index.close()
    store = cache.fill(paths)
    assert store.decoded == 0
    np.testing.assert_array_equal(store.take(np.arange(12)), direct(paths))
    assert len(cache._lookup({path: imbalkit.data.cache.stat_of(path) for path in paths})) == 12


def test_moved_files_are_not_decoded_again(cache, paths, tmp_path, monkeypatch):
    cache.fill(paths)
    monkeypatch.setattr(imbalkit.data.cache, "read_image", None)  # decoding would fail
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    moved = [path.replace("images", "elsewhere") for path in paths]
    store = cache.fill(moved)
    assert store.decoded == 0
    np.testing.assert_array_equal(store.take(range(12)), direct(moved))


def test_rules_do_not_meet(tmp_path, paths):
    one, two = Cache(tmp_path / "c", RULE).fill(paths), Cache(tmp_path / "c", ImageRule((8, 8), "pad")).fill(paths)
    assert two.shape == (8, 8, 3)
    np.testing.assert_array_equal(one.take(range(12)), direct(paths))


def test_progress_reaches_the_end(cache, paths, tmp_path):
    seen = []
    cache.fill(paths, progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (1, 12)
    assert seen[-1] == (12, 12)
    assert sorted(seen) == seen
    more = [*paths, *write_images(tmp_path / "images", 1, start=50)]
    seen.clear()
    cache.fill(more, progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (13, 13)


def test_survives_pickling_and_empty_lists(cache, paths):
    store = pickle.loads(pickle.dumps(cache.fill(paths)))
    np.testing.assert_array_equal(store.take([1]), direct(paths[1:2]))
    assert len(cache.fill([])) == 0


def test_names_that_are_not_utf8(cache, tmp_path):
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")
    try:
        Path(name).write_bytes(Path(write_images(tmp_path, 1)[0]).read_bytes())
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    cache.fill([name])
    assert cache.fill([name]).decoded == 0


def test_index_holds_one_row_a_file(cache, paths):
    cache.fill(paths)
    index = sqlite3.connect(cache.folder / "index.sqlite")
    assert index.execute("SELECT count(*), count(DISTINCT slot) FROM files JOIN pixels USING (hash)").fetchone() == (
        12,
        12,
    )
    index.close()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_reading_grows_no_anonymous_memory(cache, tmp_path):
    """40 MB of pixels are read; anonymous memory grows by what one batch takes, not by that."""
    rule = ImageRule((384, 384))
    paths = write_images(tmp_path / "images", 90)
    store = Cache(tmp_path / "cache", rule).fill(paths)

    def anonymous() -> int:
        status = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in status if line.startswith("RssAnon")).split()[1]) * 1024

    store.take([0, 1])
    before = anonymous()
    for index in range(90):
        store.take([index])
    assert anonymous() - before < 10e6


def test_default_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("IMBALKIT_CACHE", str(tmp_path / "a"))
    assert default_cache_dir() == tmp_path / "a"
    assert Cache(None, RULE).folder.parent == tmp_path / "a"
    monkeypatch.delenv("IMBALKIT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert default_cache_dir() == tmp_path / "b" / "imbalkit"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert default_cache_dir() == Path.home() / ".cache" / "imbalkit"


def test_arrays_share_the_interface(tmp_path, paths):
    array = np.random.default_rng(0).integers(0, 256, (5, 8, 8), dtype=np.uint8)
    store = open_store(None, array, ImageRule((8, 8)))
    assert isinstance(store, ArrayStore)
    assert (store.shape, len(store)) == ((8, 8, 1), 5)
    taken = store.take(np.array([4, 0]))
    np.testing.assert_array_equal(taken[..., 0], array[[4, 0]])
    taken[:] = 0
    assert array[4].any()
    assert isinstance(open_store(paths, None, RULE, tmp_path / "c"), ImageStore)


def test_arrays_are_resized_as_files_are(paths):
    array = np.stack([np.asarray(Image.open(path)) for path in paths])
    np.testing.assert_array_equal(ArrayStore(array, RULE).take(range(12)), direct(paths))
    with pytest.raises(DataError, match=r"uint8 \[n, H, W\] or \[n, H, W, C\], got float64"):
        ArrayStore(np.zeros((2, 4, 4)))
