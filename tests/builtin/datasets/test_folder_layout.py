"""Which folders are splits, which are classes, and what a user reads of the others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from imbalkit.builtin.datasets import ImageFolder
from imbalkit.data.folder_layout import LayoutError, find_splits
from imbalkit.data.split_names import mentions_split, split_like
from imbalkit.errors import DataError
from imbalkit.inspection.recipe_draft import inspect


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def load(root: Path, **parameters):
    return ImageFolder.model_validate({"root": str(root), **parameters}).load()


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"), ("Train", "train"), ("TRAINING", "train"), ("train_images", "train"), ("training_set", "train"),
        ("trainset", "train"), ("images-train", "train"), ("train2017", "train"), ("x_train", "train"), ("1_train", "train"),
        ("validation_split", "validation"), ("val_data", "validation"), ("valid", "validation"), ("dev", "validation"),
        ("test set", "test"), ("testing", "test"), ("Test Images", "test"), ("test.data", "test"),
        ("brain", None), ("trains", None), ("invalid", None), ("valid_ticket", None), ("device", None), ("latest", None),
        ("", None), ("images", None), ("2" * 60 + "x", None),
    ],
)  # fmt: skip
def test_names_of_splits(name, split):
    assert split_like(name) == split
    assert mentions_split(name) in (split, "validation" if name == "valid_ticket" else split)


def test_names_that_mention_a_split():
    assert mentions_split("ISIC2018_Task3_Training_Input") == "train"
    assert mentions_split("HAM10000Test") == "test"
    assert mentions_split("train_test") is None  # both
    assert mentions_split("strain_a") is None


@pytest.mark.parametrize(
    "classes",
    [
        ["test", "cat"],  # a class of that name beside others
        ["dev", "ops"],
        ["train", "bus", "car"],  # vehicles
        ["test1", "test2", "test3"],
        ["train_station", "test_strip", "cat"],
        ["valid", "invalid"],
    ],
)
def test_classes_that_are_called_like_splits(tmp_path, classes):
    touch(tmp_path, *(f"{name}/{number}.png" for name in classes for number in range(2)))
    table = load(tmp_path)
    assert sorted(table.classes) == sorted(classes)
    assert "split" not in table.frame


def test_split_folders_beside_others_are_no_classes(tmp_path):
    touch(
        tmp_path,
        *(f"{split}/{name}/1.png" for split in ("train", "test") for name in ("a", "b")),
        "unlabelled/in/1.png",
    )
    with pytest.raises(
        LayoutError, match=r"train, test look like splits, .* is unlabelled: leave .*`ignore: \[unlabelled\]`"
    ) as error:
        load(tmp_path)
    assert error.value.proposal == {"ignore": ["unlabelled"]}
    table = load(tmp_path, **error.value.proposal)
    assert (table.classes, sorted(set(table.frame["split"]))) == (("a", "b"), ["test", "train"])
    assert table.notes == ("`ignore` leaves out 1 images (unlabelled)",)
    table = load(tmp_path, splits={"train": "train", "test": "test"})
    assert table.classes == ("a", "b")
    assert "1 images of folders that `splits` does not name are left out (unlabelled)" in table.notes
    assert load(tmp_path, splits={}).classes == ("test", "train", "unlabelled")


@pytest.mark.parametrize(
    "names",
    [
        {"train_images": "train", "test_images": "test"},
        {"Training Set": "train", "validation_split": "validation", "Test": "test"},
        {"ISIC2018_Task3_Training_Input": "train", "ISIC2018_Task3_Validation_Input": "validation"},
    ],
)
@pytest.mark.parametrize("beside", [(), ("other/a/1.png",)])
def test_other_names_of_splits_are_said_in_the_recipe(tmp_path, names, beside):
    touch(tmp_path, *(f"{folder}/{name}/1.png" for folder in names for name in ("a", "b")), *beside)
    with pytest.raises(LayoutError, match="say which folders are splits with `splits: ") as error:
        load(tmp_path)
    assert error.value.proposal == {"splits": names}
    table = load(tmp_path, **error.value.proposal)
    assert table.classes == ("a", "b")
    assert set(table.frame["split"]) == set(names.values())


def test_split_folders_without_class_folders(tmp_path):
    touch(tmp_path, "train/1.png", "test/2.png", "sample/3.png")
    with pytest.raises(LayoutError, match="no class folders in them: list the images and their labels in a table"):
        load(tmp_path)
    assert load(tmp_path, splits={}).classes == ("sample", "test", "train")
    touch(tmp_path, "train/cat/1.png", "train/dog/2.png")
    (tmp_path / "train/1.png").unlink()
    with pytest.raises(
        LayoutError, match=r"expected class folders in .*test, found images.*`ignore: \[test\]`"
    ) as error:
        load(tmp_path, ignore=["sample"])
    assert load(tmp_path, **error.value.proposal).classes == ("cat", "dog")


def test_find_splits_of_no_images():
    assert find_splits([]) == {}
    assert find_splits(["1.png", "2.png"]) == {}


def test_splits_are_checked(tmp_path):
    touch(tmp_path, "tr/a/1.png", "te/a/2.png", "te/b/3.png")
    assert set(load(tmp_path, splits={"tr": "training", "te": "Test"}).frame["split"]) == {"train", "test"}
    with pytest.raises(DataError, match=r"`splits` names 'tra', but there is no such folder .*did you mean 'tr'"):
        load(tmp_path, splits={"tra": "train"})
    with pytest.raises(ValidationError, match="expected one of train, .* got 'learn'"):
        load(tmp_path, splits={"tr": "learn"})


def test_folders_to_ignore_have_to_be_there(tmp_path):
    touch(tmp_path, "cat/1.png", "cat/masks/2.png", "dog/3.png", "dog/masks/4.png", "old/5.png")
    table = load(tmp_path, ignore=["masks", "old"])
    assert table.counts() == (1, 1)
    assert table.notes == ("`ignore` leaves out 3 images (cat/masks, dog/masks, old)",)
    assert load(tmp_path, ignore=["cat/masks", "old"]).counts() == (1, 2)
    with pytest.raises(DataError, match="`ignore` names 'mask', but there is no such folder .*did you mean 'masks'"):
        load(tmp_path, ignore=["mask"])


def test_a_class_folder_without_readable_pictures_is_named(tmp_path):
    touch(tmp_path, "a/1.png", "b/2.png", "mel/3.HEIC", "deep/er/notes.txt")
    (tmp_path / "empty").mkdir()
    table = load(tmp_path)
    assert table.classes == ("a", "b")
    assert table.cautions == (
        "left out: 1 picture of a kind that cannot be read (mel: 1 .HEIC); convert them, such as to .png",
        "no picture that can be read is in deep, empty, mel (1 .HEIC): no class is made of them; if that is right, say "
        "`ignore: [deep, empty, mel]`",
    )
    assert load(tmp_path, ignore=["deep", "empty", "mel"]).cautions == ()
    assert [said.split(" (")[0] for said in load(tmp_path, classes=["b", "a"]).cautions] == [
        "left out: 1 picture of a kind that cannot be read"  # nobody asked for the others
    ]
    with pytest.raises(DataError, match=r"there is no class folder 'mel' with images .*; left out: .*mel: 1 \.HEIC"):
        load(tmp_path, classes=["a", "mel"])
    with pytest.raises(
        DataError, match="makes the class 'bad' of the folder 'mel', but there is no such folder with images"
    ):
        load(tmp_path, labels={"a": "good", "b": "good", "mel": "bad"})


def test_a_class_that_is_empty_in_every_split_is_named(tmp_path):
    touch(tmp_path, "train/a/1.png", "train/b/2.png", "test/a/3.png", "test/b/4.png", "train/c/5.dcm")
    (tmp_path / "test" / "c").mkdir()
    (tmp_path / "val").mkdir()
    said = load(tmp_path).cautions[-1]
    assert said.startswith("no picture that can be read is in test/c, train/c (1 .dcm), val: ")


def test_labels_merge_class_folders(tmp_path):
    touch(tmp_path, "mel/1.png", "bcc/2.png", "nv/3.png", "nv/4.png", "scc/5.png")
    names = {"nv": "benign", "mel": "malignant", "bcc": "malignant", "scc": "malignant"}
    table = load(tmp_path, labels=names)
    assert table.classes == ("benign", "malignant")  # their order
    assert table.counts() == (2, 3)
    with pytest.raises(DataError, match="`labels` names no class for the folder 'scc'.*leave it out with `ignore`"):
        load(tmp_path, labels={"nv": "benign", "mel": "malignant", "bcc": "malignant"})
    table = load(tmp_path, labels={"nv": "benign", "mel": "malignant", "bcc": "malignant"}, ignore=["scc"])
    assert table.counts() == (2, 2)
    three = {"nv": "benign", "mel": "melanoma", "bcc": "carcinoma", "scc": "carcinoma"}
    table = load(tmp_path, labels=three, classes=["carcinoma", "benign"])
    assert (table.classes, table.counts()) == (("carcinoma", "benign"), (2, 2))
    assert "1 images of other classes are left out: melanoma" in table.notes
    with pytest.raises(DataError, match="there is no class 'mel' with images .*found: benign, carcinoma, melanoma"):
        load(tmp_path, labels=three, classes=["mel", "benign"])


def test_labels_merge_class_folders_of_splits_and_numbers(tmp_path):
    touch(tmp_path, *(f"{split}/{name}/1.png" for split in ("train", "test") for name in (0, 1, 2)))
    table = load(tmp_path, labels={0: "no", 1: "yes", 2: "yes"})
    assert table.classes == ("no", "yes")
    assert table.frame.groupby("split")["label"].value_counts().to_dict() == {
        ("test", "no"): 1, ("test", "yes"): 2, ("train", "no"): 1, ("train", "yes"): 2,
    }  # fmt: skip


def test_what_is_left_out_is_cautioned(tmp_path):
    touch(
        tmp_path,
        "a/1.png",
        "b/2.png",
        "a/3.heif",
        "a/@eaDir/1.png",
        "$RECYCLE.BIN/4.png",
        "a/x.pdf",
        "b/y.txt",
        "b/none",
    )
    table = load(tmp_path)
    assert table.counts() == (1, 1)
    assert [caution.split(" (")[0] for caution in table.cautions] == [
        "left out: 1 picture of a kind that cannot be read",
        "left out: 2 folders of file servers and systems, with 2 pictures",
    ]
    assert table.notes == ("3 other files are no pictures (1 .pdf, 1 .txt, 1 without ending)",)


def test_links_of_class_folders_and_below(tmp_path):
    touch(tmp_path, "store/cat/1.png", "usr/2.png", "d/dog/3.png", "s/train/b/4.png", "s/train/a/5.png")
    (tmp_path / "d/cat").symlink_to(tmp_path / "store/cat")
    (tmp_path / "d/dog/root").symlink_to(tmp_path / "usr")
    table = load(tmp_path / "d")
    assert (table.classes, table.counts()) == (("cat", "dog"), (1, 1))
    assert table.cautions[0].endswith("outside of this folder); to follow them set data.follow_links to true")
    assert "links to other places are followed: cat to" in table.cautions[1]
    assert load(tmp_path / "d", follow_links=True).counts() == (1, 2)
    (tmp_path / "s/train/c").symlink_to(tmp_path / "store/cat")  # a class folder of a split
    assert load(tmp_path / "s").classes == ("a", "b", "c")


def test_a_link_to_a_class_that_is_not_there(tmp_path):
    touch(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "c").symlink_to(tmp_path / "not mounted")
    assert load(tmp_path).cautions == (
        f"links that are not followed: c (leads to {tmp_path / 'not mounted'}, which is not there)",
    )


def test_names_that_are_no_text(tmp_path):
    touch(tmp_path, "a/1.png", os.fsdecode(b"b/\xff\xfe.png"))
    with pytest.raises(
        DataError, match=r"1 of 2 images in .* have names that are no UTF-8 text, such as b/\\xff\\xfe.png: "
    ):
        load(tmp_path)


def test_a_training_folder_beside_others(tmp_path):
    touch(tmp_path, "train/a/1.png", "train/b/2.png", "inbox/3.png")
    with pytest.raises(
        LayoutError, match=r"train looks like a split, beside which is inbox: leave out inbox with"
    ) as error:
        load(tmp_path)
    assert load(tmp_path, **error.value.proposal).classes == ("a", "b")
    touch(tmp_path, "inbox/c/4.png", "bus/d/5.png")  # as the folders of a class may look
    (tmp_path / "inbox/3.png").unlink()
    table = load(tmp_path)
    assert table.classes == ("bus", "inbox", "train")
    assert table.cautions == (
        "the folder 'train' is taken for a class, though it has the name of a split and holds the folders a, b; if it is one, "
        "say `splits: {train: train}`",
    )
    assert load(tmp_path, splits={}).cautions == ()


def test_splits_inside_class_folders_are_told(tmp_path):
    touch(tmp_path, *(f"{name}/{split}/1.png" for name in ("cat", "dog") for split in ("train", "test")))
    table = load(tmp_path)
    assert table.classes == ("cat", "dog")
    assert "folders with the names of splits (test, train), which are not used as such" in table.cautions[0]


def test_odd_names_are_quoted_in_the_recipe_keys(tmp_path):
    touch(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "c, d: e").mkdir()
    said = load(tmp_path).cautions[0]
    assert "say `ignore: ['c, d: e']`" in said
    assert load(tmp_path, ignore=["c, d: e"]).cautions == ()


def test_an_older_copy_beside_the_splits_is_another_folder(tmp_path):
    touch(tmp_path, *(f"{place}/{name}/1.png" for place in ("train", "test", "train_old") for name in "ab"))
    with pytest.raises(LayoutError, match="beside which is train_old") as error:
        load(tmp_path)
    assert error.value.proposal == {"ignore": ["train_old"]}
    assert load(tmp_path, ignore=["train_old/"]).counts() == (2, 2)


def test_a_folder_that_cannot_be_listed(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(DataError, match="cannot be listed: Permission denied"):
        load(tmp_path)
    with pytest.raises(DataError, match="cannot be listed: Permission denied"):
        inspect(tmp_path)


def test_a_class_folder_left_beside_the_splits(tmp_path):
    touch(tmp_path, *(f"{place}/{name}/1.png" for place in ("train", "test") for name in ("cat", "dog")), "cat/2.png")
    with pytest.raises(LayoutError, match=r"leave out cat with `ignore: \[/cat\]`") as error:
        load(tmp_path)
    assert load(tmp_path, **error.value.proposal).counts() == (2, 2)
    assert load(tmp_path, ignore=["cat"]).counts() == (2,)  # at any depth
    assert load(tmp_path, ignore=["/cat/", "/train/dog"]).counts() == (2, 1)


def test_notes_on_names_that_are_no_text_can_be_written(tmp_path):
    touch(tmp_path, "a/1.png", "b/2.png", os.fsdecode(b"m\xe9l/3.HEIC"))
    cautions = load(tmp_path).cautions
    assert len(cautions) == 2
    assert all("m\\udce9l" in caution and caution.encode() for caution in cautions)
