"""What a user's words stand for: files, folders, patterns, tables."""

from __future__ import annotations

import os

import pytest

from imbalkit_lite.errors import DataError
from imbalkit_lite.inputs import TableOfPaths, find_inputs


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working directory, with folders of (empty) images and a table."""
    for name in ("in/b.png", "in/a.JPG", "in/sub/c.webp", "in/.hidden/d.png", "in/.e.png", "in/notes.txt", "one.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "in" / "table.csv").write_text("id,path,age\n1,b.png,40\n2,one.png,\n3,,50\n4,gone.png,60\n")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paths(inputs) -> list[str]:
    return [item.path for item in inputs]


def test_a_folder_is_every_image_below_it(here):
    inputs = find_inputs(["in"])
    assert paths(inputs) == ["in/a.JPG", "in/b.png", "in/sub/c.webp"]
    assert len(inputs) == 3
    assert inputs.columns == ()
    assert all(os.path.exists(item.file) and not item.extra for item in inputs)


def test_words_keep_their_order_and_repeat(here):
    inputs = find_inputs(["one.png", "in/sub", "one.png", "gone.png", "in/b.png"])
    assert paths(inputs) == ["one.png", "in/sub/c.webp", "one.png", "gone.png", "in/b.png"]
    assert len(inputs) == 5


def test_patterns(here):
    assert paths(find_inputs(["in/*.png"])) == ["in/b.png"]
    assert paths(find_inputs(["**/*.webp"])) == ["in/sub/c.webp"]
    assert paths(find_inputs(["x*.png"])) == ["x*.png"]  # a row that says that it is not there
    (here / "a[1].png").touch()
    (here / "a1.png").touch()
    assert paths(find_inputs(["a[1].png"])) == ["a[1].png"]


def test_a_home_folder(here, monkeypatch):
    monkeypatch.setenv("HOME", str(here))
    assert [item.file for item in find_inputs(["~/one.png"])] == [str(here / "one.png")]
    assert len(find_inputs(["~/in"])) == 3


def test_rows_of_a_table(here):
    inputs = find_inputs(["one.png", "in/table.csv", "one.png"])
    assert inputs.columns == ("id", "age")
    assert len(inputs) == 6
    first, beside, elsewhere, without, gone, last = inputs
    assert (first.path, first.extra, last.path) == ("one.png", {}, "one.png")
    assert (beside.path, beside.file, beside.extra) == ("b.png", "in/b.png", {"id": "1", "age": "40"})
    assert (elsewhere.file, elsewhere.extra) == ("one.png", {"id": "2", "age": None})
    assert (without.path, without.file, without.extra["id"]) == ("", None, "3")
    assert (gone.file, gone.extra["age"]) == ("in/gone.png", "60")


def test_another_column_holds_the_paths(here):
    (here / "other.tsv").write_text("image\tpath\none.png\tx\n")
    inputs = find_inputs(["other.tsv"], "image")
    assert [(item.path, item.extra) for item in inputs] == [("one.png", {"path": "x"})]
    with pytest.raises(
        DataError, match=r"other\.tsv has no column 'imag'; did you mean 'image'\? .*image, path.*--column"
    ):
        find_inputs(["other.tsv"], "imag")


def test_a_table_in_memory(here):
    table = TableOfPaths(("path", "n"), [("one.png", 1), (None, 2)])
    assert [(item.file, item.extra["n"]) for item in table] == [("one.png", 1), (None, 2)]
    with pytest.raises(DataError, match="^the table has no column 'file'"):
        TableOfPaths(("path",), [], "file")


def test_nothing_to_look_at(here):
    (here / "bare.csv").write_text("path\n")
    with pytest.raises(DataError, match=r"nothing to predict: .*empty holds no images; .*bare\.csv has no rows$"):
        find_inputs(["empty", "bare.csv"])
    with pytest.raises(DataError, match="nothing to predict: no files were named"):
        find_inputs([])
    assert len(find_inputs(["empty", "one.png"])) == 1


def test_what_is_left_out_of_folders_is_reported(here):
    for name in ("in/1.HEIC", "in/sub/2.dcm", "in/@eaDir/b.png", "more/3.heif"):
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).touch()
    inputs = find_inputs(["in", "one.png"])
    assert paths(inputs) == ["in/a.JPG", "in/b.png", "in/sub/c.webp", "one.png"]
    assert [note.split(" (")[0] for note in inputs.notes] == [
        "in: left out: 2 pictures of a kind that cannot be read",
        "in: left out: 1 folder of file servers and systems, with 1 picture",
    ]
    assert "(directly in it: 1 .HEIC; sub: 1 .dcm)" in inputs.notes[0]
    with pytest.raises(DataError, match=r"more holds no images; more: left out: 1 picture .*: 1 \.heif\)"):
        find_inputs(["more"])
