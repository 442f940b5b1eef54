"""Paths as a user or a table spells them."""

from __future__ import annotations

import os

import pytest

from imbalkit_lite.errors import DataError
from imbalkit_lite.images import probe
from imbalkit_lite.inputs import find_inputs
from imbalkit_lite.paths import local_path, other_system

posix = pytest.mark.skipif(os.sep != "/", reason="paths of Windows on another system")


@posix
def test_backslashes_are_separators_where_no_file_has_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "im").mkdir()
    (tmp_path / "im" / "a.png").touch()
    (tmp_path / "b\\c.png").touch()
    assert local_path("im\\a.png") == "im/a.png"
    assert local_path(".\\im\\a.png", tmp_path) == f"{tmp_path}/./im/a.png"
    assert local_path("a.png", "im") == "im/a.png"
    assert local_path("b\\c.png") == "b\\c.png"
    assert local_path("no\\a.png") == "no/a.png"  # not there: the same file as no/a.png all the same
    for foreign in ("D:\\im\\a.png", "\\\\server\\share\\a.png", "d:/im\\a.png", "\\im\\a.png"):
        assert local_path(foreign, "im") == foreign
        assert other_system(foreign) == "Windows"
    assert other_system("im\\a.png") is None
    assert other_system("/im/a.png") is None


@posix
def test_the_home_of_a_user(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert local_path("~/a.png", "root") == f"{tmp_path}/a.png"
    assert local_path("~\\im\\a.png") == f"{tmp_path}/im/a.png"
    assert local_path("~root/a.png", "x") == os.path.expanduser("~root/a.png")
    assert local_path("~nobody-here/a.png", "x") == "x/~nobody-here/a.png"
    assert local_path("a~.png", "x") == "x/a~.png"


@posix
def test_a_table_of_paths_from_windows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("im/a.png", "home/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "t.csv").write_bytes("path;x\r\nim\\a.png; 1\r\n~\\b.png;2\r\nD:\\c.png;3\r\n;;;\r\n".encode("utf-16"))
    items = list(find_inputs([str(tmp_path / "t.csv")]))
    assert [item.path for item in items] == ["im\\a.png", "~\\b.png", "D:\\c.png"]
    assert [os.path.isfile(item.file) for item in items] == [True, True, False]
    assert [item.extra for item in items] == [{"x": "1"}, {"x": "2"}, {"x": "3"}]
    with pytest.raises(DataError, match=r"there is no such file: it is a path of another system \(Windows\)"):
        probe(items[2].file)
    assert os.path.isfile(next(iter(find_inputs(["im\\a.png"]))).file)
    assert len(find_inputs(["im\\*.png"])) == len(find_inputs([".\\im"])) == 1
