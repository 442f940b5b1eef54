"""Images in containers through the cache, a table and a folder a class: the same pixels as of files."""

from __future__ import annotations

import io
import os
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from imbalkit.builtin.containers import CONTAINERS
from imbalkit.builtin.datasets import ImageFolder, TableDataset
from imbalkit.data.cache import Cache
from imbalkit.data.image_store import FileStore
from imbalkit.errors import DataError, MissingExtraError
from imbalkit.inspection.leaks import find_leaks
from imbalkit_lite.images import ImageRule, read_image

RULE = ImageRule((8, 8))


def picture(number):
    stream = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (12, 10, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


FILES = {f"{'cat' if number % 3 else 'dog'}/{number}.png": picture(number) for number in range(40)}


@pytest.fixture(params=[part.name for part in CONTAINERS])
def packed(request, tmp_path, monkeypatch):
    """(place, names) of FILES in a container of each kind, and here."""
    monkeypatch.chdir(tmp_path)
    part = next(part for part in CONTAINERS if part.name == request.param)()
    try:
        part.check_requirements()
    except MissingExtraError as error:
        pytest.skip(str(error))
    return part.example(tmp_path, FILES)


def paths_of(place, names):
    return [f"{place}{'/' if '://' in place else '!'}{name}" for name in names]


def test_the_cache_has_the_pixels_of_the_files(packed, tmp_path):
    place, names = packed
    order = np.random.default_rng(0).permutation(len(names))
    paths = [paths_of(place, names)[row] for row in order]
    expected = np.stack([read_image(list(FILES.values())[row], RULE) for row in order])
    images = Cache(tmp_path / "cache", RULE).fill(paths)
    assert images.decoded == len(names)
    assert np.array_equal(images.take(np.arange(len(names))), expected)
    again = Cache(tmp_path / "cache", RULE).fill(paths)
    assert again.decoded == 0
    assert np.array_equal(again.content, images.content)
    assert np.array_equal(FileStore(paths, RULE).take([3, 0]), expected[[3, 0]])


def test_a_container_that_changes_is_read_again(tmp_path):
    def pack(first):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            for name, content in (FILES | {"cat/1.png": first}).items():
                archive.writestr(name, content)

    pack(picture(1))
    paths = [f"{tmp_path}/a.zip!cat/1.png", f"{tmp_path}/a.zip!cat/2.png"]
    before = Cache(tmp_path / "cache", RULE).fill(paths)
    pack(picture(100))
    after = Cache(tmp_path / "cache", RULE).fill(paths)
    assert after.decoded == 1  # the other has the same content
    assert (after.take([0]) == read_image(picture(100), RULE)).all()
    assert (after.take([1]) == before.take([1])).all()


def test_bad_members_are_listed_or_skipped(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("good.png", picture(0))
        archive.writestr("bad.png", "no picture")
    paths = [f"{tmp_path}/a.zip!{name}.png" for name in ("good", "bad", "gone")]
    with pytest.raises(DataError, match="2 of 3 images cannot be read") as error:
        Cache(tmp_path / "cache", RULE).fill(paths)
    assert f"sample 1: {paths[1]}: not an image that Pillow can read" in str(error.value)
    assert f"sample 2: {paths[2]}: {tmp_path}/a.zip holds no 'gone.png'" in str(error.value)
    found = Cache(tmp_path / "cache", RULE).fill(paths, on_bad_image="skip")
    assert [image.index for image in found.bad] == [1, 2]


def test_a_table_of_members(packed):
    place, names = packed
    place = place if "://" in place else os.path.basename(place)
    pd.DataFrame({"path": paths_of(place, names), "label": [n[:3] for n in FILES]}).to_csv("t.csv")
    table = TableDataset(file="t.csv").load()
    assert [path.removeprefix("./") for path in table.frame["path"]] == paths_of(place, names)
    assert table.groups is None
    assert table.counts() == (26, 14)


def test_a_table_with_a_container_as_its_root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("a.zip", "w") as archive:
        for name, content in FILES.items():
            archive.writestr(f"set/{name}", content)
    pd.DataFrame({"id": [name[:-4] for name in FILES], "label": [n[:3] for n in FILES]}).to_csv("t.csv")
    part = TableDataset(file="t.csv", root="a.zip!set", path_template="{id}.png")
    assert part.load().frame["path"].tolist() == [f"a.zip!set/{name}" for name in FILES]
    with pytest.raises(DataError, match="40 of 40 images in containers are not there") as error:
        TableDataset(file="t.csv", root="a.zip", path_template="{id}.png").load()
    assert "row 1: a.zip holds no 'dog/0.png'" in str(error.value)
    with pytest.raises(DataError, match="row 1: expected a container at .*gone.zip, found nothing"):
        TableDataset(file="t.csv", root="gone.zip", path_template="{id}.png").load()


def test_class_folders_in_a_container(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("a.zip", "w") as archive:
        for name, content in FILES.items():
            archive.writestr(f"train/{name}", content)
            archive.writestr(f"test/{name}", content)
    table = ImageFolder(root="a.zip").load()
    assert table.classes == ("cat", "dog")
    assert set(table.frame["split"]) == {"train", "test"}
    assert table.frame["path"][0] == "a.zip!test/cat/1.png"
    inner = ImageFolder(root="a.zip!train", group_pattern="(.)\\.png").load()
    assert inner.frame["path"][0] == "a.zip!train/cat/1.png"
    assert len(inner) == 40
    with pytest.raises(DataError, match="there is no container at .*b.zip"):
        ImageFolder(root="b.zip").load()


def test_leaks_between_members_are_found(tmp_path, monkeypatch):
    from imbalkit.recipe.prepare import prepare

    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in FILES.items():
            archive.writestr(name, content if "39" not in name else FILES["cat/1.png"])
    rows = [
        {"path": f"a.zip!{n}", "label": n[:3], "split": "test" if "39" in n or "38" in n else "train"} for n in FILES
    ]
    pd.DataFrame(rows).to_csv("t.csv")
    recipe = {"data": {"name": "table", "file": "t.csv", "split_column": "split"}, "split": {"column": "split"}}
    prepared = prepare(recipe)
    content = next(check for check in find_leaks(prepared.table, prepared.split) if check.name == "content")
    assert content.leaks
