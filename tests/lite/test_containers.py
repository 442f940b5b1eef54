"""Paths that lead into zip and tar files: spelling, spans, order, and what is said of containers that cannot be read."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from imbalkit_lite import containers
from imbalkit_lite.containers import Address, absolute, in_reading_order, join_address, members_of, split_address
from imbalkit_lite.errors import DataError
from imbalkit_lite.folders import list_folder
from imbalkit_lite.images import ImageRule, decode, read_image
from imbalkit_lite.inputs import find_inputs
from imbalkit_lite.opening import read_file, read_files
from imbalkit_lite.paths import local_path


def picture(number, ending="PNG"):
    stream = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (12, 10, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, ending)
    return stream.getvalue()


FILES = {f"set/{name}.png": picture(number) for number, name in enumerate("cab")}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with stored.zip, packed.zip and plain.tar of the same files."""
    monkeypatch.chdir(tmp_path)
    for name, how in (("stored", zipfile.ZIP_STORED), ("packed", zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(f"{name}.zip", "w", how) as archive:
            archive.mkdir("set") if hasattr(archive, "mkdir") else None
            for member, content in FILES.items():
                archive.writestr(member, content)
    with tarfile.open("plain.tar", "w") as archive:
        for member, content in FILES.items():
            info = tarfile.TarInfo(f"./{member}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return tmp_path


@pytest.mark.parametrize("spelt, address", [
    ("a.zip!x.jpg", ("a.zip", "x.jpg")),
    ("in/A.ZIP!y/x.jpg", ("in/A.ZIP", "y/x.jpg")),
    ("we!rd/a.tar!x!y.jpg", ("we!rd/a.tar", "x!y.jpg")),
    ("a.zip", None),
    ("oh!.jpg", None),
    ("a.txt!x.jpg", None),
    ("C:\\a\\x.jpg", None),
    ("nosuchscheme://a/x.jpg", None),
])  # fmt: skip
def test_spelling_alone_decides(spelt, address):
    assert split_address(spelt) == (None if address is None else Address(*address))


def test_paths_of_members(here):
    assert absolute("a.zip!x/../y") == f"{here}/a.zip!x/../y"
    assert local_path("~/a.zip!~x") == f"{os.path.expanduser('~')}/a.zip!~x"
    assert local_path("a.zip!x\\y", "in") == "in/a.zip!x\\y"
    assert join_address("a.zip", "x.png") == "a.zip!x.png"
    assert join_address("a.zip!set/", "x.png") == "a.zip!set/x.png"


@pytest.mark.parametrize("name", ["stored.zip", "packed.zip", "plain.tar"])
def test_members_are_the_files_that_were_packed(here, name):
    members = members_of(name)
    assert sorted(members.names()) == sorted(FILES)
    for member, content in FILES.items():
        assert read_file(f"{name}!{member}")[0] == content
        span = members.span(member)
        assert (span is None) == (name == "packed.zip")
        if span is not None:
            assert (here / name).read_bytes()[span.offset : span.offset + span.length] == content
        rule = ImageRule((8, 8))
        assert np.array_equal(read_image(f"{name}!{member}", rule), read_image(content, rule))


def test_several_at_once_and_in_the_container_s_order(here):
    (here / "x.png").write_bytes(picture(9))
    paths = ["x.png", "plain.tar!set/b.png", "stored.zip!set/a.png", "plain.tar!set/c.png", "plain.tar!nothing"]
    found = list(read_files(paths))
    assert [one if isinstance(one, DataError) else one[0] for one in found[:4]] == [
        picture(9), FILES["set/b.png"], FILES["set/a.png"], FILES["set/c.png"],
    ]  # fmt: skip
    assert isinstance(found[4], DataError)
    assert in_reading_order(paths[:4]) == [paths[0], paths[3], paths[1], paths[2]]


def test_a_container_is_opened_once_as_long_as_it_stays_the_same(here, monkeypatch):
    opened = []
    real = containers.opened
    monkeypatch.setattr(containers, "opened", lambda *a: opened.append(a[1]) or real(*a))
    for _ in range(3):
        read_file("stored.zip!set/a.png")
    assert len(opened) == 1
    with zipfile.ZipFile("stored.zip", "a") as archive:
        archive.writestr("new.png", picture(7))
    assert read_file("stored.zip!new.png")[0] == picture(7)
    assert len(opened) == 2


def cut(name, size):
    with open(name, "r+b") as stream:
        stream.truncate(size)


@pytest.mark.parametrize("path, message", [
    ("gone.zip!a.png", "expected a container at .*gone.zip, found nothing"),
    ("stored.zip!set/d.png", "stored.zip holds no 'set/d.png'; did you mean"),
    ("text.zip!a.png", "text.zip is no zip file, or not all of it"),
    ("text.tar!a.png", "text.tar is no plain tar file, or not all of it"),
    ("cut.zip!a.png", "cut.zip is no zip file, or not all of it"),
    ("cut.tar!set/b.png", "cut.tar is no plain tar file, or not all of it .unexpected end of data"),
    ("folder.zip!a.png", "expected a container at .*folder.zip, found a folder"),
])  # fmt: skip
def test_what_cannot_be_read_is_one_sentence(here, path, message):
    for name in ("text.zip", "text.tar"):
        (here / name).write_text("no container")
    (here / "cut.zip").write_bytes((here / "stored.zip").read_bytes()[:300])
    spans = members_of("plain.tar")
    last = spans.span("set/b.png")
    (here / "cut.tar").write_bytes((here / "plain.tar").read_bytes()[: last.offset + 20])
    (here / "folder.zip").mkdir()
    with pytest.raises(DataError, match=message) as error:
        read_file(path)
    assert "\n" not in str(error.value)
    with pytest.raises(DataError, match=f"^{path}: "):
        decode(path)


@pytest.mark.parametrize("behind", [0, 100])
def test_a_tar_that_ends_between_two_files_is_not_all_of_it(here, behind):
    with tarfile.open("plain.tar") as archive:
        start = archive.getmembers()[1].offset
    (here / "less.tar").write_bytes((here / "plain.tar").read_bytes()[: start + behind])
    with pytest.raises(
        DataError, match="less.tar is no plain tar file, or not all of it .no end marker.: get it again"
    ):
        members_of("less.tar")


def test_an_encrypted_or_damaged_member(here):
    content = bytearray((here / "packed.zip").read_bytes())
    content[60:80] = bytes(20)
    (here / "bad.zip").write_bytes(bytes(content))
    with pytest.raises(DataError, match="cannot be unpacked from its zip file"):
        read_file("bad.zip!set/c.png")


def test_a_container_is_looked_through_as_a_folder_is(here):
    with zipfile.ZipFile("mixed.zip", "w") as archive:
        for name in ("train/cat/1.png", "train/dog/2.png", "__MACOSX/train/cat/1.png", ".hidden/x.png", "notes/a.txt",
                     "train/dog/scan.dcm", "top.png"):  # fmt: skip
            archive.writestr(name, b"")
    found = list_folder("mixed.zip")
    assert found.images == ["top.png", "train/cat/1.png", "train/dog/2.png"]
    assert found.unreadable == ["train/dog/scan.dcm"]
    assert found.system == {"__MACOSX": 1}
    assert found.others == {".txt": 1}
    assert list_folder("mixed.zip!train").images == ["cat/1.png", "dog/2.png"]
    assert list_folder("mixed.zip", ["dog"]).ignored == {"train/dog": 1}
    with pytest.raises(DataError, match="mixed.zip holds no folder 'nothing'"):
        list_folder("mixed.zip!nothing")


def test_predict_takes_containers_members_and_tables_of_them(here):
    assert [item.path for item in find_inputs(["stored.zip"])] == [f"stored.zip!{name}" for name in sorted(FILES)]
    (here / "in").mkdir()
    (here / "in" / "t.csv").write_text("path,id\n../plain.tar!set/a.png,1\nplain.tar!set/b.png,2\n")
    first, second, third = find_inputs(["packed.zip!set/a.png", "in/t.csv"])
    assert (first.file, second.file, third.file) == (
        "packed.zip!set/a.png", "in/../plain.tar!set/a.png", "plain.tar!set/b.png",
    )  # fmt: skip
    assert read_file(second.file)[0] == FILES["set/a.png"]
