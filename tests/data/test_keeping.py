"""`images.keep`: pixels or the files themselves give the same pixels, bad images and runs."""

from __future__ import annotations

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from PIL import Image

from imbalkit import run
from imbalkit.data import keeping
from imbalkit.data.cache import Cache
from imbalkit.data.image_store import CachedImages
from imbalkit.data.keeping import FileCache, chosen, open_store
from imbalkit.data.kept_files import KeptFiles
from imbalkit.errors import DataError
from imbalkit.recipe.recipe import ImageSettings
from imbalkit_lite.images import ImageRule

RULE = ImageRule((16, 12), resize="crop")


@pytest.fixture
def paths(tmp_path):
    """70 photographs of noise, JPEG and PNG, in two class folders; one has a copy."""
    found = []
    for number in range(70):
        folder = tmp_path / "photos" / ("rare" if number % 4 == 0 else "common")
        folder.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(number if number != 69 else 68)
        pixels = random.integers(0, 256 - 100 * (number % 4 == 0), (40, 30 + number % 5, 3), dtype=np.uint8)
        found.append(str(folder / f"{number}.{'png' if number % 2 else 'jpg'}"))
        Image.fromarray(pixels).save(found[-1])
    return found


def stores(paths, tmp_path, **more):
    return [open_store(paths, None, RULE, tmp_path / "cache", keep=keep, **more) for keep in ("pixels", "files")]


def test_the_pixels_are_the_same(paths, tmp_path):
    pixels, files = stores(paths, tmp_path)
    assert isinstance(pixels, CachedImages)
    assert isinstance(files, KeptFiles)
    order = np.random.default_rng(0).integers(0, len(paths), 200)
    assert np.array_equal(pixels.take(order), files.take(order))
    assert (pixels.shape, pixels.dtype, len(pixels)) == (files.shape, files.dtype, len(files))
    assert np.array_equal(pixels.content, files.content)
    assert np.array_equal(pickle.loads(pickle.dumps(files)).take([3, 1]), pixels.take([3, 1]))
    assert files.take([]).shape == (0, 16, 12, 3)
    with ThreadPoolExecutor(4) as pool:  # as batches are read ahead
        for rows, found in pool.map(lambda rows: (rows, files.take(rows)), order.reshape(10, 20)):
            assert np.array_equal(found, pixels.take(rows))
    kept = (tmp_path / "cache" / f"{RULE.key}-files" / "files.bin").read_bytes()
    assert len(kept) == sum(len(content) for content in {Path(path).read_bytes() for path in paths})


def test_nothing_is_read_twice_and_more_is_added(paths, tmp_path):
    first = FileCache(tmp_path / "cache", RULE).fill(paths[:40])
    again = FileCache(tmp_path / "cache", RULE).fill(paths)
    assert (first.decoded, again.decoded) == (40, 30)
    assert FileCache(tmp_path / "cache", RULE).fill(paths[::-1]).decoded == 0
    assert np.array_equal(again.take(range(70)), Cache(tmp_path / "cache", RULE).fill(paths).take(range(70)))


def test_bad_images_are_the_same(paths, tmp_path):
    Path(paths[5]).write_bytes(Path(paths[5]).read_bytes()[:500])
    Path(paths[9]).write_bytes(b"")
    messages = []
    for keep in ("pixels", "files"):
        with pytest.raises(DataError) as error:
            open_store(paths, None, RULE, tmp_path / "cache", keep=keep)
        messages.append(str(error.value))
    assert messages[0] == messages[1]
    pixels, files = stores(paths, tmp_path, on_bad_image="skip")
    assert pixels.bad == files.bad
    assert [image.index for image in files.bad] == [5, 9]
    with pytest.raises(DataError, match="requested an image that could not be read, such as sample 5"):
        files.take(range(10))


def test_a_damaged_store(paths, tmp_path):
    files = FileCache(tmp_path / "cache", RULE).fill(paths)
    (files.folder / "files.bin").write_bytes(b"short")
    with pytest.raises(DataError, match="is damaged: files.bin is shorter than its index says; delete it"):
        FileCache(tmp_path / "cache", RULE).fill(paths)


def test_auto_takes_pixels_where_they_fit_half_of_the_free_disk(paths, tmp_path, monkeypatch):
    notes, need, size = [], 70 * 16 * 12 * 3, sum(len(Path(path).read_bytes()) for path in paths)

    def auto(free):
        monkeypatch.setattr(keeping.shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
        return chosen(paths, RULE, tmp_path / "cache")

    assert auto(2 * need) == ("pixels", "")
    monkeypatch.setattr(keeping, "_WORTH_A_WORD", 0)
    keep, why = auto(2 * need)
    assert keep == "pixels"
    assert "images.keep: pixels, as the pixels (40.3 kB) fit half of the 80.6 kB that are free at" in why
    keep, why = auto(2 * need - 2)
    assert keep == "files"
    assert (
        f"do not fit half of the 80.6 kB that are free at {tmp_path}/cache; the files themselves are {size / 1000:.1f} kB"
        in why
    )
    monkeypatch.undo()
    FileCache(tmp_path / "cache", RULE).fill(paths)
    monkeypatch.setattr(keeping, "_WORTH_A_WORD", 0)
    assert auto(100 * need) == ("files", "")  # they are there
    monkeypatch.undo()
    Cache(tmp_path / "cache", RULE).fill(paths)
    assert auto(10) == ("pixels", "")
    assert isinstance(open_store(paths, None, RULE, tmp_path / "cache", note=notes.append), CachedImages)
    assert notes == []


def test_a_full_disk_is_said(paths, tmp_path, monkeypatch):
    monkeypatch.setattr("imbalkit.data.cache.shutil.disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(DataError, match="needs .* kB more, .*: make room, or name another folder in IMBALKIT_CACHE"):
        FileCache(tmp_path / "cache", RULE).fill(paths)
    with pytest.raises(DataError, match="set images.keep to files, or name another folder"):
        Cache(tmp_path / "cache", RULE).fill(paths)


def test_recipes_of_before_keep_their_text():
    assert "keep" not in ImageSettings().model_dump()
    assert ImageSettings(keep="files").model_dump()["keep"] == "files"


def test_a_run_is_the_same_bit_for_bit(paths, tmp_path, no_charts):
    recipe = {
        "data": {"name": "image_folder", "root": str(tmp_path / "photos")},
        "images": {"size": 16, "cache": str(tmp_path / "cache")},
        "samplers": ["random_over"],
        "training": {"epochs": 2, "batch_size": 8, "threads": 1, "accelerator": "cpu"},
    }
    folders = []
    for keep in ("pixels", "files"):
        recipe["images"]["keep"] = keep
        (tmp_path / f"{keep}.yaml").write_text(yaml.safe_dump(recipe))
        folders.append(run(tmp_path / f"{keep}.yaml", folder=tmp_path / keep).folder)
    assert (tmp_path / "cache" / "16x16-stretch-bilinear-upright-v1-files" / "files.bin").exists()
    for name in ("model.safetensors", "plan.parquet", "predictions.parquet"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name
    tests = [json.loads((folder / "metrics.json").read_text())["test"] for folder in folders]
    assert tests[0] == tests[1]
