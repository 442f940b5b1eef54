"""Images at remote places: fsspec's memory, and a web server here."""

from __future__ import annotations

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from imbalkit.builtin.datasets import ImageFolder, TableDataset
from imbalkit.data.cache import Cache
from imbalkit.errors import DataError, MissingExtraError
from imbalkit_lite import containers
from imbalkit_lite.containers import Address, absolute, split_address
from imbalkit_lite.images import ImageRule, read_image
from imbalkit_lite.inputs import find_inputs
from imbalkit_lite.opening import read_file

fsspec = pytest.importorskip("fsspec")
RULE = ImageRule((4, 4))


class Quiet(SimpleHTTPRequestHandler):
    """Files, with an ETag."""

    def log_message(self, *words):
        pass


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(40):
        pixels = np.random.default_rng(number).integers(0, 256, (6, 5, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def memory(pictures):
    """A folder of fsspec's memory, as a bucket."""
    place = f"memory:/{pictures}"
    system = fsspec.filesystem("memory")
    system.pipe({f"{place}/{path.name}": path.read_bytes() for path in pictures.iterdir()})
    yield place
    system.rm(place, recursive=True)


@pytest.fixture
def web(pictures):
    pytest.importorskip("aiohttp")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(pictures)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_addresses():
    assert split_address("s3://bucket/set/a.jpg") == Address("s3://bucket/set", "a.jpg")
    assert split_address("memory://a.jpg") == Address("memory://", "a.jpg")
    assert absolute("s3://bucket/set/a.jpg") == "s3://bucket/set/a.jpg"


@pytest.mark.parametrize("where", ["memory", "web"])
def test_the_cache_has_the_pixels_of_the_files(where, pictures, tmp_path, request):
    place = request.getfixturevalue(where)
    names = [f"{number}.png" for number in range(40)]
    expected = np.stack([read_image(pictures / name, RULE) for name in names])
    for decoded in (40, 0):
        images = Cache(tmp_path / "cache", RULE).fill([f"{place}/{name}" for name in names])
        assert images.decoded == decoded
        assert np.array_equal(images.take(range(40)), expected)


def test_a_folder_is_listed_where_many_are_asked_for(memory, monkeypatch):
    asked = []
    kind = type(fsspec.filesystem("memory"))
    real = kind.info
    monkeypatch.setattr(kind, "info", lambda self, path, **more: asked.append(path) or real(self, path, **more))
    containers._CONTAINERS.clear()
    for number in range(40):
        assert containers.member_facts(Address(memory, f"{number}.png")).size > 0
    assert len(asked) < 20


@pytest.mark.parametrize("where", ["memory", "web"])
def test_what_is_not_there(where, tmp_path, request):
    place = request.getfixturevalue(where)
    with pytest.raises(DataError, match=f"there is nothing at {place}/gone.png"):
        read_file(f"{place}/gone.png")
    with pytest.raises(DataError, match="sample 0: .*gone.png: there is nothing at") as error:
        Cache(tmp_path / "cache", RULE).fill([f"{place}/gone.png", f"{place}/1.png"])
    assert "1 of 2 images" in str(error.value)


def test_a_server_that_does_not_answer(web):
    with pytest.raises(DataError, match="cannot be read"):
        read_file("http://127.0.0.1:1/a.png")


def test_a_table_whose_root_is_remote(memory, tmp_path):
    pd.DataFrame({"id": range(40), "label": [n % 2 for n in range(40)]}).to_csv(tmp_path / "t.csv")
    table = TableDataset(file=str(tmp_path / "t.csv"), root=memory, path_template="{id}.png").load()
    assert table.frame["path"][3] == f"{memory}/3.png"
    assert len(read_file(table.frame["path"][3])[0])
    assert [item.file for item in find_inputs([f"{memory}/3.png"])] == [f"{memory}/3.png"]


def test_class_folders_there_are_refused(memory):
    with pytest.raises(DataError, match="class folders at a remote place are not looked through"):
        ImageFolder(root=memory).load()


def test_a_container_there_is_refused(memory):
    with pytest.raises(DataError, match="is a container at a remote place, of which members are not read"):
        read_file(f"{memory}/a.zip!x.png")


def test_a_scheme_whose_package_is_not_installed(monkeypatch):
    def missing(place, **options):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(MissingExtraError, match="Install s3fs"):
        read_file("s3://no-such-bucket/a.png")
