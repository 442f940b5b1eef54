"""`imbalkit init` on folders: every layout ends in a recipe that plans, or in a sentence that says what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from imbalkit.builtin.datasets import ImageFolder
from imbalkit.errors import RecipeError
from imbalkit.recipe.prepare import prepare
from tests.cli.commands.test_init import image, run

pytestmark = pytest.mark.usefixtures("no_charts")


def images(root: Path, **counts: int) -> None:
    """Pictures in folders: "train/a": 3."""
    for number, (place, count) in enumerate(counts.items()):
        for index in range(count):
            image(root / place / f"{index}.png", 8, 8, 100 * number + index)


def init(folder: Path, code: int = 0):
    """What `init` says and the recipe that it writes, which must plan."""
    out = folder.parent / "r.yaml"
    output = run(folder, "--out", out, "--force", code=code)
    if code:
        return output
    return output, yaml.safe_load(out.read_text())["data"], prepare(out)


def test_split_folders_beside_others(tmp_path):
    images(tmp_path / "d", **{"train/a": 6, "train/b": 6, "test/a": 3, "test/b": 3, "unlabelled/in": 2})
    output, data, prepared = init(tmp_path / "d")
    assert data == {"name": "image_folder", "root": str(tmp_path / "d"), "ignore": ["unlabelled"]}
    assert "train, test look like splits, beside which is unlabelled" in output
    assert "the recipe has ignore: [unlabelled]" in output
    assert prepared.classes == ("a", "b")
    assert len(prepared.split.test) == 6


def test_split_folders_of_other_names_and_one_without_classes(tmp_path):
    images(
        tmp_path / "d",
        **{"train_images/a": 6, "train_images/b": 6, "val_images/a": 3, "val_images/b": 3, "test_images": 2},
    )
    output, data, prepared = init(tmp_path / "d")
    assert data["splits"] == {"train_images": "train", "val_images": "validation"}
    assert "expected class folders in" in output
    assert prepared.classes == ("a", "b")


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_table_a_split(tmp_path, kind):
    for split, count in {"train": 12, "validation": 4, "test": 4}.items():
        images(tmp_path / "d", **{split: count})
        frame = pd.DataFrame({"file_name": [f"{n}.png" for n in range(count)], "label": ["a", "b"] * (count // 2)})
        file = tmp_path / "d" / split / f"metadata.{kind}"
        if kind == "csv":
            frame.to_csv(file, index=False)
        else:
            frame.to_parquet(file) if kind == "parquet" else frame.to_json(file, orient="records", lines=True)
    output, data, prepared = init(tmp_path / "d")
    assert data["file"] == {
        split: str(tmp_path / "d" / split / f"metadata.{kind}") for split in ("train", "validation", "test")
    }
    assert list(data["file"]) == ["train", "validation", "test"]
    assert "split: train 12" in output
    assert [len(side) for side in (prepared.split.train, prepared.split.validation, prepared.split.test)] == [12, 4, 4]


def labelled(file: Path, count: int, **columns) -> None:
    names = [f"{n}.png" for n in range(count)]
    pd.DataFrame({"image": names, **{k: v * (count // len(v)) for k, v in columns.items()}}).to_csv(file, index=False)


def test_tables_of_splits_beside_their_folders(tmp_path):
    images(tmp_path / "d", train_images=12, test_images=4)
    labelled(tmp_path / "d" / "train.csv", 12, label=["a", "b"])
    labelled(tmp_path / "d" / "test.csv", 4, label=["a", "b"])
    _, data, prepared = init(tmp_path / "d")
    assert data["file"] == {split: str(tmp_path / "d" / f"{split}.csv") for split in ("train", "test")}
    assert data["root"] == {split: str(tmp_path / "d" / f"{split}_images") for split in ("train", "test")}
    assert len(prepared.split.test) == 4


def test_a_test_table_without_labels_is_left_out(tmp_path):
    images(tmp_path / "d", train=12, test=4)
    labelled(tmp_path / "d" / "train.csv", 12, label=["a", "b"])
    labelled(tmp_path / "d" / "test.csv", 4)
    output, data, prepared = init(tmp_path / "d")
    assert data["file"] == str(tmp_path / "d" / "train.csv")
    assert f"{tmp_path / 'd' / 'test.csv'} is left out: " in output
    assert "has no column 'label'" in output
    assert len(prepared.table) == 12


def test_groups_in_two_splits_are_not_used(tmp_path):
    for split, count in {"train": 60, "test": 60}.items():
        images(tmp_path / "d", **{split: count})
        labelled(tmp_path / "d" / split / "metadata.csv", count, label=["a", "b"], patient=[f"p{n}" for n in range(20)])
    output, data, prepared = init(tmp_path / "d")
    assert "group_column" not in data
    assert "20 values of 'patient' are in two splits" in output
    assert prepared.table.groups is None


def test_class_folders_of_patients(tmp_path):
    images(tmp_path / "d", **{f"{name}/p{number}": 3 for name in ("a", "b") for number in range(6)})
    output, _, prepared = init(tmp_path / "d")
    assert "the class folders hold 12 folders: if each is of one patient" in output
    assert prepared.table.groups is None
    recipe = (tmp_path / "r.yaml").read_text()
    (tmp_path / "g.yaml").write_text(recipe.replace("# group_pattern", "group_pattern"))
    assert len(set(prepare(tmp_path / "g.yaml").table.groups.tolist())) == 6  # a patient may be in both classes


def test_a_folder_too_high(tmp_path):
    images(tmp_path / "d", **{"data/a": 5, "data/b": 5})
    assert f"run init on {tmp_path / 'd' / 'data'} if these are the classes" in init(tmp_path / "d", code=1)
    output, data, _ = init(tmp_path / "d" / "data")
    assert data["root"] == str(tmp_path / "d" / "data")
    assert "5" in output


def test_images_without_folders(tmp_path):
    images(tmp_path / "d", **{".": 3})
    assert "found 3 images in no folder" in init(tmp_path / "d", code=1)
    images(tmp_path / "d", a=5, b=5)
    output, _, _ = init(tmp_path / "d")
    assert "3 images directly in" in output


def test_only_pictures_that_cannot_be_read(tmp_path):
    (tmp_path / "d" / "a").mkdir(parents=True)
    (tmp_path / "d" / "a" / "1.HEIC").touch()
    assert "left out: 1 picture of a kind that cannot be read (a: 1 .HEIC)" in init(tmp_path / "d", code=1)


def test_folders_of_systems_tables_and_hidden_files(tmp_path):
    images(tmp_path / "d", **{"a": 5, "b": 5, "a/@eaDir": 5, "$RECYCLE.BIN": 2})
    (tmp_path / "d" / ".hidden.csv").write_text("x")
    output, data, prepared = init(tmp_path / "d")
    assert "10 images, 2 classes" in output
    assert "left out: 2 folders of file servers and systems, with 7 pictures ($RECYCLE.BIN, a/@eaDir)" in output
    assert prepared.table.counts() == (5, 5)
    shutil.rmtree(tmp_path / "d")


def test_one_class_left_says_what_became_of_the_others(tmp_path):
    images(tmp_path / "d", a=5)
    (tmp_path / "d" / "mel").mkdir()
    (tmp_path / "d" / "mel" / "1.HEIC").touch()
    said = "no picture that can be read is in mel (1 .HEIC)"
    assert said in init(tmp_path / "d", code=1)
    (tmp_path / "r.yaml").write_text(f"data: {{name: image_folder, root: {tmp_path / 'd'}}}")
    with pytest.raises(
        RecipeError, match="expected two classes or more, got 1: 'a'; left out: 1 picture.*; no picture that"
    ):
        prepare(tmp_path / "r.yaml")


def test_folders_of_splits_that_a_table_does_not_name(tmp_path):
    images(tmp_path / "d", train=8, test=4)
    names = [f"{split}/{n}.png" for split, count in (("train", 8), ("test", 4)) for n in range(count)]
    pd.DataFrame({"file_name": names, "label": ["a", "b"] * 6}).to_csv(tmp_path / "d" / "metadata.csv", index=False)
    output, _, _ = init(tmp_path / "d")
    assert "folders that are named like splits (test, train), but the data do not say which image is where" in output


def test_an_archive_is_to_be_unpacked(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "data.7z").touch()
    assert "found no images (unpack data.7z first)" in init(tmp_path / "d", code=1)
    (tmp_path / "d" / "data.zip").touch()
    assert "found no images; run init on data.zip" in init(tmp_path / "d", code=1)


def test_a_training_folder_alone(tmp_path):
    images(tmp_path / "d", **{"train/a": 5, "train/b": 5})
    output, data, prepared = init(tmp_path / "d")
    assert prepared.classes == ("a", "b")
    assert "split.column" not in " ".join(prepared.notes)  # it has no test images


def test_a_recipe_that_does_not_plan_is_told(tmp_path, monkeypatch):
    images(tmp_path / "d", a=5, b=2)
    loads = []
    load = ImageFolder.load
    monkeypatch.setattr(ImageFolder, "load", lambda self: loads.append(1) or load(self))
    output = run(tmp_path / "d", "--out", tmp_path / "r.yaml")
    assert (
        "`imbalkit plan` refuses the recipe as it is: a split into train, validation and test needs 3 samples" in output
    )
    assert len(loads) == 1
    images(tmp_path / "e", **{"train/a": 5, "train/b": 5, "test/a": 2, "test/b": 2})
    output = run(tmp_path / "e", "--out", tmp_path / "e.yaml")
    assert "the column 'split' has no validation samples: 0.2 of its train samples became validation" in output
