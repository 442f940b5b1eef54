from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from imbalkit.builtin.datasets import ImageFolder
from imbalkit.errors import DataError


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def test_one_folder_a_class_at_any_depth(tmp_path):
    touch(tmp_path, "10/a.png", "2/deep/er/b.JPG", "2/c.jpeg", "2/notes.txt", "2/.hidden.png", "__MACOSX/2/._c.jpeg")
    table = ImageFolder(root=str(tmp_path)).load()
    assert table.classes == ("2", "10")
    assert table.frame["path"].tolist() == [
        os.path.join(tmp_path, *n) for n in (("10", "a.png"), ("2", "c.jpeg"), ("2", "deep", "er", "b.JPG"))
    ]
    assert table.counts() == (2, 1)
    assert list(table.frame) == ["path", "label"]


def test_stray_images_are_noted(tmp_path):
    touch(tmp_path, "cat/a.png", "dog/b.png", "montage.png")
    table = ImageFolder(root=str(tmp_path)).load()
    assert len(table) == 2
    assert "1 images directly in" in table.cautions[0]


def test_chosen_classes_and_their_order(tmp_path):
    touch(tmp_path, "0/a.png", "1/b.png", "2/c.png")
    table = ImageFolder.model_validate({"root": str(tmp_path), "classes": [2, 0]}).load()
    assert table.classes == ("2", "0")
    assert table.counts() == (1, 1)
    assert "1 images of other classes are left out: 1" in table.notes[0]
    with pytest.raises(DataError, match=r"no class folder 'cats'.*found: 0, 1, 2"):
        ImageFolder(root=str(tmp_path), classes=["cats"]).load()


@pytest.mark.parametrize("val", ["val", "Valid", "validation"])
def test_split_folders(tmp_path, val):
    touch(tmp_path, "train/cat/a.png", "train/dog/b.png", f"{val}/cat/c.png", "test/dog/deep/d.png")
    table = ImageFolder(root=str(tmp_path)).load()
    found = {Path(p).name: (s, y) for p, s, y in table.frame[["path", "split", "label"]].itertuples(index=False)}
    assert found == {
        "a.png": ("train", "cat"),
        "b.png": ("train", "dog"),
        "c.png": ("validation", "cat"),
        "d.png": ("test", "dog"),
    }
    assert "the split 'test' has no images of cat" in table.notes


def test_split_folder_without_classes(tmp_path):
    touch(tmp_path, "train/cat/a.png", "train/dog/b.png", "test/1.png")
    with pytest.raises(DataError, match=r"expected class folders in .*test, found images"):
        ImageFolder(root=str(tmp_path)).load()


def test_a_class_named_like_a_split_is_a_class(tmp_path):
    touch(tmp_path, "valid/a.png", "invalid/b.png")
    table = ImageFolder(root=str(tmp_path)).load()
    assert table.classes == ("invalid", "valid")
    assert "split" not in table.frame


def test_groups_from_the_path(tmp_path):
    touch(tmp_path, "cat/p1_a.png", "cat/p1_b.png", "dog/p2_a.png", "dog/odd.png")
    table = ImageFolder(root=str(tmp_path), group_pattern=r"(p\d+)_").load()
    groups = dict(zip((Path(p).name for p in table.frame["path"]), table.groups.tolist(), strict=True))
    assert groups["p1_a.png"] == groups["p1_b.png"]
    assert len(set(groups.values())) == 3
    with pytest.raises(ValidationError, match="one \\(group\\), got 0"):
        ImageFolder(root="x", group_pattern="p")
    with pytest.raises(ValidationError, match="regular expression"):
        ImageFolder(root="x", group_pattern="(")


def test_links_that_go_round(tmp_path):
    touch(tmp_path, "data/cat/a.png", "data/dog/b.png")
    (tmp_path / "data" / "cat" / "again").symlink_to(tmp_path / "data", target_is_directory=True)
    assert len(ImageFolder(root=str(tmp_path / "data")).load()) == 2


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(DataError, match=f"no image folder at {tmp_path}/gone: ask Ann"):
        ImageFolder(root=str(tmp_path / "gone"), how_to_get="ask Ann").load()
    with pytest.raises(DataError, match="correct the path in the recipe"):
        ImageFolder(root=str(tmp_path / "gone")).load()
    with pytest.raises(DataError, match="one folder a class with images .* found no images"):
        ImageFolder(root=str(tmp_path)).load()
    touch(tmp_path, "a.png")
    with pytest.raises(DataError, match="found 1 images that are in no class folder"):
        ImageFolder(root=str(tmp_path)).load()
    with pytest.raises(DataError, match=r"to be a folder, but .*a\.png is a file"):
        ImageFolder(root=str(tmp_path / "a.png")).load()


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    touch(tmp_path, "d/cat/a.png", "d/dog/b.png")
    assert ImageFolder(root="~/d").load().frame["path"][0] == str(tmp_path / "d" / "cat" / "a.png")
