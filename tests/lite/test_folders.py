"""What lies below a folder: the pictures, and what is left out and why."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from imbalkit_lite.folders import ending, is_system, list_folder, list_images
from imbalkit_lite.left_out import left_out


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_pictures_at_any_depth_sorted_and_hidden_ones_not(tmp_path):
    touch(tmp_path, "b.png", "A.JPG", "sub/c.webp", "sub/.d.png", ".git/e.png", "n.txt", "sub/m.txt", "sub.png/g.gif")
    found = list_folder(tmp_path)
    assert found.images == list_images(tmp_path) == ["A.JPG", "b.png", "sub.png/g.gif", "sub/c.webp"]
    assert found.folders == ["sub", "sub.png"]
    assert left_out(found) == []
    assert found.others == {".txt": 1}


def test_pictures_that_cannot_be_read_are_named_by_ending_and_folder(tmp_path):
    touch(tmp_path, "mel/1.HEIC", "mel/2.HEIC", "mel/deep/3.dcm", "nv/4.svg", "5.cr2", "nv/a.png", "nv/6.nii.gz")
    found = list_folder(tmp_path)
    assert found.images == ["nv/a.png"]
    assert found.unreadable == ["5.cr2", "mel/1.HEIC", "mel/2.HEIC", "mel/deep/3.dcm", "nv/4.svg", "nv/6.nii.gz"]
    (note,) = left_out(found)
    assert note.startswith("left out: 6 pictures of a kind that cannot be read (")
    for part in ("mel: 2 .HEIC, 1 .dcm; nv: 1 .nii.gz, 1 .svg", "directly in it: 1 .cr2"):
        assert part in note
    (note,) = left_out(found, depth=2)
    assert "mel/deep: 1 .dcm" in note


@pytest.mark.parametrize(
    "name",
    ["@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found", ".thumbnails", "__MACOSX", ".Trash-1000"]
    + [
        "#recycle",
        "@Recycle",
        ".AppleDouble",
        ".ipynb_checkpoints",
        "found.000",
        "FOUND.001",
        "$Recycle.Bin",
        ".Trashes",
    ],
)
def test_folders_of_systems_are_left_out_and_counted(tmp_path, name):
    touch(tmp_path, "cat/1.png", f"cat/{name}/1.png", f"cat/{name}/deep/2.jpg", f"cat/{name}/x.txt", f"{name}/3.png")
    found = list_folder(tmp_path)
    assert found.images == ["cat/1.png"]
    assert found.system == {f"cat/{name}": 2, name: 1}
    assert found.folders == ["cat"]
    (note,) = left_out(found)
    assert note.startswith("left out: 2 folders of file servers and systems, with 3 pictures (")
    assert is_system(f"a/{name}/b.png")
    assert is_system(f"a\\{name}\\b.png")


@pytest.mark.parametrize("name", ["recycler", "found", "thumbs", "lost", "recycle bin", "system", "@home", "$5"])
def test_like_names_are_folders_of_the_user(tmp_path, name):
    touch(tmp_path, f"{name}/1.png")
    assert list_images(tmp_path) == [f"{name}/1.png"]
    assert not is_system(f"{name}/1.png")


def test_folders_to_ignore(tmp_path):
    touch(tmp_path, "cat/1.png", "cat/masks/2.png", "masks/3.png", "dog/bad/4.png", "cat/bad/5.png")
    found = list_folder(tmp_path, ignore=["masks", "dog/bad"])
    assert found.images == ["cat/1.png", "cat/bad/5.png"]
    assert found.ignored == {"cat/masks": 1, "dog/bad": 1, "masks": 1}
    assert left_out(found) == []  # on the user's request


def link(place: Path, target: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


def test_links_that_go_round_or_lead_to_what_is_there_already(tmp_path):
    touch(tmp_path, "d/cat/1.png", "d/dog/2.png")
    link(tmp_path / "d/cat/again", tmp_path / "d")
    link(tmp_path / "d/best", tmp_path / "d/cat")  # by name before the folder itself, which stays a class
    link(tmp_path / "d/dog/self", tmp_path / "d/dog/self")
    link(tmp_path / "d/dog/up", tmp_path)
    found = list_folder(tmp_path / "d")
    assert found.images == ["cat/1.png", "dog/2.png"]
    assert list(found.links) == ["best", "cat/again", "dog/self", "dog/up"]
    (note,) = left_out(found)
    assert f"best (leads to {os.path.realpath(tmp_path / 'd/cat')}, which is looked into already)" in note
    assert "dog/up" in note
    assert "which holds this folder" in note


def test_a_link_out_of_the_folder_is_followed_at_the_top_alone(tmp_path):
    touch(tmp_path, "far/cat/1.png", "far/cat/deep/2.png", "usr/3.png", "d/dog/4.png")
    link(tmp_path / "d/cat", tmp_path / "far/cat")
    link(tmp_path / "d/dog/root", tmp_path / "usr")
    link(tmp_path / "way", tmp_path / "d")  # the folder itself may be a link
    for root in (tmp_path / "d", tmp_path / "way"):
        found = list_folder(root)
        assert found.images == ["cat/1.png", "cat/deep/2.png", "dog/4.png"]
        assert found.linked == {"cat": str(tmp_path / "far/cat")}
        assert found.links == {"dog/root": f"leads to {tmp_path / 'usr'}, outside of this folder"}
        notes = left_out(found, link_advice="; to follow them ask")
        assert notes == [
            f"links that are not followed: dog/root (leads to {tmp_path / 'usr'}, outside of this folder); "
            "to follow them ask",
            f"links to other places are followed: cat to {tmp_path / 'far/cat'} (2 pictures)",
        ]
    found = list_folder(tmp_path / "d", follow=None)
    assert found.images[-1] == "dog/root/3.png"
    assert found.links == {}
    assert list_folder(tmp_path / "d", follow=("", "dog")).images[-1] == "dog/root/3.png"


def test_links_inside_a_folder_that_is_a_link(tmp_path):
    touch(tmp_path, "store/cat/1.png", "store/pool/2.png", "store/cat/sub/3.png", "other/4.png", "d/dog/5.png")
    link(tmp_path / "store/cat/pool", tmp_path / "other")
    link(tmp_path / "d/cat", tmp_path / "store/cat")
    link(tmp_path / "d/dog/hidden", tmp_path / "d/.hidden")
    touch(tmp_path, "d/.hidden/6.png")
    found = list_folder(tmp_path / "d")
    assert found.images == ["cat/1.png", "cat/sub/3.png", "dog/5.png", "dog/hidden/6.png"]
    assert list(found.links) == ["cat/pool"]


def test_a_link_to_a_file_is_that_file_and_one_to_nothing_is_reported(tmp_path):
    touch(tmp_path, "pool/1.png", "pool/note.txt")
    link(tmp_path / "d/cat/1.png", tmp_path / "pool/1.png")
    link(tmp_path / "d/cat/gone.png", tmp_path / "pool/gone.png")
    link(tmp_path / "d/dog", tmp_path / "not mounted")
    found = list_folder(tmp_path / "d")
    assert found.images == ["cat/1.png", "cat/gone.png"]
    assert found.broken == ["cat/gone.png"]
    assert left_out(found) == [
        "1 picture cannot be read: links to files that are not there (cat: 1)",
        f"links that are not followed: dog (leads to {tmp_path / 'not mounted'}, which is not there)",
    ]


def test_pipes_and_devices_are_no_pictures(tmp_path):
    touch(tmp_path, "cat/1.png")
    os.mkfifo(tmp_path / "cat" / "pipe.jpg")
    link(tmp_path / "cat/zero.jpg", Path("/dev/zero"))
    (tmp_path / "cat" / "folder.jpg").mkdir()
    found = list_folder(tmp_path)
    assert found.images == ["cat/1.png"]
    assert found.special == ["cat/pipe.jpg", "cat/zero.jpg"]
    (note,) = left_out(found)
    assert note.startswith("left out: cat/pipe.jpg, cat/zero.jpg, with a picture's ending but no file")


def test_a_folder_that_cannot_be_listed_is_reported(tmp_path, monkeypatch):
    touch(tmp_path, "cat/1.png", "cat/closed/2.png")
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = list_folder(tmp_path)
    assert found.images == ["cat/1.png"]
    assert left_out(found) == [
        "folders that cannot be listed: cat/closed (Permission denied); their content is left out"
    ]


def test_names_that_are_no_text(tmp_path):
    name = os.fsdecode(b"\xff\xfe.png")
    touch(tmp_path, f"cat/{name}")
    assert list_images(tmp_path) == [f"cat/{name}"]


def test_endings():
    names = {"a.HEIC": ".HEIC", "b.nii.gz": ".nii.gz", "c": "", "d.tar.GZ": ".tar.GZ", "e.b.png": ".png"}
    assert {name: ending(name) for name in names} == names


def test_pictures_without_an_ending_are_reported(tmp_path):
    touch(tmp_path, "cat/1.png", "cat/README", "LICENSE")
    heads = {"a": b"\xff\xd8\xff\xe0", "b": b"\x89PNG\r\n\x1a\n", "c": bytes(128) + b"DICM", "d": b"RIFF1234WEBPVP8 "}
    for name, head in heads.items():
        (tmp_path / "cat" / name).write_bytes(head)
    os.mkfifo(tmp_path / "cat" / "pipe")
    found = list_folder(tmp_path)
    assert found.images == ["cat/1.png"]
    assert found.unnamed == ["cat/a", "cat/b", "cat/c", "cat/d"]
    assert found.others == {"": 2}
    assert left_out(found) == [
        "left out: 4 pictures without an ending in the name (cat: 4): give them theirs, such as .jpg"
    ]
