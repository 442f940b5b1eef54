"""An app's folder: whole or not there, replaced whole, and no other folder is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from imbalkit_app.contents import app_contents, read_model, version_of
from imbalkit_app.folder import FolderError, write_app


@pytest.fixture
def contents(stub, model):
    return app_contents(stub, *read_model(model, "1"))


def found(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def alone(folder: Path) -> bool:
    """Nothing temporary was left beside it."""
    return [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []


def test_it_is_written(contents, tmp_path):
    folder = tmp_path / "new" / "app"
    write_app(contents, folder)
    assert found(folder) == contents
    assert alone(folder)


def test_an_empty_folder_is_taken(contents, tmp_path):
    (tmp_path / "app").mkdir()
    write_app(contents, tmp_path / "app")
    assert found(tmp_path / "app") == contents


def test_an_earlier_app_is_replaced_whole(contents, tmp_path):
    folder = tmp_path / "app"
    write_app(contents, folder)
    other = {name: content for name, content in contents.items() if not name.startswith("litert")}
    other["index.html"] = b"other"
    other["files.js"] = contents["files.js"].replace(version_of(contents).encode(), version_of(other).encode())
    write_app(other, folder)
    assert found(folder) == other
    assert alone(folder)


def test_a_link_to_an_app_stays_a_link(contents, tmp_path):
    write_app(contents, tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_app(contents | {"index.html": b"new"}, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "index.html").read_bytes() == b"new"


@pytest.mark.parametrize("name", ["thesis.txt", "files.js", "model/facts.json"])
def test_another_folder_is_left_alone(contents, tmp_path, name):
    folder = tmp_path / "mine"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text("years of work")
    with pytest.raises(FolderError, match=r"mine is there and is not an earlier app: choose another folder with --out"):
        write_app(contents, folder)
    assert found(folder) == {name: b"years of work"}
    assert alone(folder)


def test_an_app_with_something_added_is_left_alone(contents, tmp_path):
    folder = tmp_path / "app"
    write_app(contents, folder)
    (folder / "model" / "notes.txt").write_text("mine")
    with pytest.raises(FolderError, match=r"did not write \(model/notes\.txt\) and would be replaced whole"):
        write_app(contents, folder)
    assert found(folder) == contents | {"model/notes.txt": b"mine"}


def test_a_file_of_that_name(contents, tmp_path):
    (tmp_path / "app").write_text("x")
    with pytest.raises(FolderError, match=r"expected a folder to write the app into, .*app is a file"):
        write_app(contents, tmp_path / "app")


def test_a_disk_that_fails_keeps_the_earlier_app(contents, tmp_path, monkeypatch):
    folder = tmp_path / "app"
    write_app(contents, folder)
    rename = Path.rename

    def failing(self, target):
        if self.name.endswith(".tmp"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(FolderError, match="app cannot be written: No space left on device"):
        write_app(contents | {"index.html": b"new"}, folder)
    assert found(folder) == contents
    assert alone(folder)


def test_a_place_where_nothing_can_be_written(contents, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(FolderError, match="cannot be written: Not a directory"):
        write_app(contents, tmp_path / "file" / "app")
