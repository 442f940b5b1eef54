"""A fetch from the first request to the next command, and the disk."""

import errno
import io
import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from imbalkit_melanoma.fetching import client

from tests.melanoma.fetching.stand_in import COUNT, IMAGES, TRUTH, ZIP, ZIP_2020, collection, complete, leftovers


def test_fetches_the_merge_and_shows_the_next_command(fetch, data):
    result = fetch()
    assert result.code == 0, result.err
    assert complete(data, "isic_2019")
    assert complete(data, "isic_2020")
    assert (data / "tables" / Path(TRUTH).name).read_bytes() == collection()[TRUTH]
    assert {path.name for path in (data / "tables").iterdir()} == {Path(p).name for p in collection() if "csv" in p}
    assert (data / IMAGES / "LICENSE.txt").is_file()
    assert len(list((data / IMAGES).iterdir())) == COUNT + 1  # nothing of a Mac's
    assert list((data / "downloads").iterdir()) == []
    assert leftovers(data) == []
    assert "ISIC 2019: 12 rows, 12 of 12 images are there" in result.out
    assert result.out.rstrip().endswith("imbalkit plan melanoma/merge")
    assert "export" not in result.out
    licence = (data / "LICENCE.txt").read_text()
    for word in ("CC BY-NC 4.0", "BCN20000", "HAM10000", "MSK", "Rotemberg"):
        assert word in result.out.partition("to download")[0]
        assert word in licence


def test_data_sets_read_what_was_fetched(fetch, data):
    from imbalkit_melanoma.datasets import isic_2019

    fetch("isic_2019")
    table = isic_2019.Isic2019(tables=str(data / "tables"), images=str(data / "images")).load()
    assert len(table) == COUNT
    assert sorted(table.counts()) == [6, 6]
    assert all(Path(path).is_file() for path in table.frame["path"])


def test_what_is_there_is_not_fetched_again(fetch, server, data):
    fetch()
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*.jpg")}
    server.requests.clear()
    result = fetch(yes=False)  # nothing to accept either
    assert result.code == 0, result.err
    assert server.requests == []
    assert before == {path: path.stat().st_mtime_ns for path in data.rglob("*.jpg")}
    assert "imbalkit plan melanoma/merge" in result.out


def test_tables_only_then_images(fetch, server, data):
    result = fetch("merge", "--tables-only")
    assert result.code == 0, result.err
    assert not (data / "images").exists()
    assert "ISIC 2020: 12 rows\n" in result.out
    server.requests.clear()
    fetch("isic_2020")
    assert {path for path, _ in server.requests} == {ZIP_2020}
    assert complete(data, "isic_2020")


def test_missing_images_are_fetched_again(fetch, server, data):
    fetch("isic_2019")
    (data / IMAGES / "ISIC_0000003.jpg").unlink()
    server.requests.clear()
    assert fetch("isic_2019").code == 0
    assert {path for path, _ in server.requests} == {ZIP}
    assert complete(data)


def test_an_archive_put_there_by_hand_is_taken(fetch, server, data):
    (data / "downloads").mkdir(parents=True)
    (data / "downloads" / Path(ZIP).name).write_bytes(collection()[ZIP])
    result = fetch("isic_2019")
    assert result.code == 0, result.err
    assert ZIP not in {path for path, _ in server.requests}
    assert complete(data)


def test_something_else_under_that_name_is_left_alone(fetch, data):
    (data / "tables").mkdir(parents=True)
    mine = data / "tables" / Path(TRUTH).name
    mine.write_text("name,label\na,1\n")
    result = fetch("isic_2019", "--tables-only")
    assert result.code == 1
    assert "was there before, but is not ISIC_2019_Training_GroundTruth.csv as published" in result.err
    assert "'name,label'" in result.err
    assert mine.read_text() == "name,label\na,1\n"


def disk(monkeypatch, free):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(total=0, used=0, free=free))


@pytest.mark.parametrize("keep", [False, True])
def test_the_disk_is_looked_at_first(fetch, server, data, monkeypatch, keep):
    """Tables, the first archive unpacked, then the second one packed and unpacked; and the first one with --keep-zips."""
    server.files[ZIP] += bytes(5_000_000)  # behind the zip: only sizes matter here
    server.files[ZIP_2020] += bytes(9_000_000)
    sizes = {path: len(content) for path, content in server.files.items()}
    tables = sum(size for path, size in sizes.items() if path.endswith(".csv"))
    needed = tables + sizes[ZIP] + 2 * sizes[ZIP_2020] + (sizes[ZIP] if keep else 0)
    needed += needed // 100
    arguments = ["--keep-zips"] if keep else []
    disk(monkeypatch, needed - 1)
    result = fetch(*arguments)
    assert result.code == 1
    assert f"has {needed / 1e6:.1f} MB free, but {needed / 1e6:.1f} MB are needed" in result.err
    assert not data.exists()
    disk(monkeypatch, needed)
    assert "are needed" not in fetch(*arguments).err


def test_the_disk_is_looked_at_before_unpacking(fetch, server, data, monkeypatch):
    """A zip that is much larger unpacked than packed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("ISIC_0000000.jpg", bytes(30_000_000))
    server.files[ZIP] = stream.getvalue()
    disk(monkeypatch, 20_000_000)
    result = fetch("isic_2019")
    assert result.code == 1
    assert "ISIC_2019_Training_Input.zip needs 30.0 MB unpacked" in result.err
    assert "has 20.0 MB free" in result.err
    assert not list((data / IMAGES).iterdir())


def test_a_full_disk(fetch, server, data, monkeypatch):
    chunks = client.Client.chunks

    def fill(self, url, response):
        yield next(chunks(self, url, response))[:3000]
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(client.Client, "chunks", fill)
    result = fetch("isic_2020", "--tables-only")
    assert result.code == 1
    assert "is full" in result.err
    assert "command resumes there" in result.err
    monkeypatch.setattr(client.Client, "chunks", chunks)
    assert fetch("isic_2020").code == 0
    assert complete(data, "isic_2020")


def test_a_folder_that_cannot_be_written(fetch, tmp_path):
    (tmp_path / "file").write_text("")
    result = fetch("--to", "file/isic", "--tables-only")
    assert result.code == 1
    assert "file/isic" in result.err
    assert "Not a directory" in result.err


def test_two_at_a_time(fetch, data):
    from filelock import FileLock

    data.mkdir(parents=True)
    with FileLock(data / ".fetch.lock"):
        result = fetch("isic_2019")
    assert result.code == 1
    assert "another fetch is running" in result.err
    assert fetch("isic_2019").code == 0
