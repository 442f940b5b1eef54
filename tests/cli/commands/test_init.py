"""`imbalkit init`: what it finds, and that the recipe it writes names a dataset that loads to just that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from PIL import Image

from imbalkit.builtin.datasets import DATASETS
from imbalkit.cli.commands.init import command
from imbalkit.errors import DataError, ImbalkitError
from imbalkit.inspection.group_columns import group_candidates
from imbalkit.inspection.label_columns import label_candidates
from imbalkit.inspection.recipe_draft import inspect, recipe_text
from imbalkit.inspection.starting_point import starting_point

SHARED = Path(__file__).parents[4] / "shared" / "data"


def image(path: Path, height: int = 40, width: int = 60, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path):
    for index in range(30):
        image(tmp_path / "data" / ("cat" if index < 6 else "dog") / f"{index}.png", width=60 + index % 2, seed=index)
    return tmp_path / "data"


@pytest.fixture
def csv(tmp_path):
    """60 rows: 12 patients with 5 images each, 0/1 labels, a few distracting columns."""
    for index in range(60):
        image(tmp_path / "csv" / "pictures" / f"im{index}.jpg", 50, 50, index)
    pd.DataFrame(
        {
            "image_name": [f"im{index}" for index in range(60)],
            "patient_id": [f"P{index % 12:03}" for index in range(60)],
            "age": [30 + index % 25 for index in range(60)],
            "sex": ["male", "female"] * 30,
            "melanoma": [int(index % 12 in (0, 5, 7)) for index in range(60)],
            "score": [index / 7 for index in range(60)],
        }
    ).to_csv(tmp_path / "csv" / "t.csv", index=False)
    return tmp_path / "csv" / "t.csv"


def run(*arguments, code: int = 0) -> str:
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    if isinstance(result.exception, ImbalkitError):  # which the command line shows
        return f"{result.output}error: {result.exception}"
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.output


def dataset(recipe: dict):
    parameters = {key: value for key, value in recipe["data"].items() if key != "name"}
    return next(part for part in DATASETS if part.name == recipe["data"]["name"]).model_validate(parameters)


def test_folder(folder, tmp_path):
    out = tmp_path / "r.yaml"
    output = run(folder, "--out", out)
    for text in ("cat", "6", "20.0%", "30 images, 2 classes, balance ratio 0.250", "40 x 60-61 px", "RGB 30"):
        assert text in output
    assert "every image can be read" in output
    recipe = yaml.safe_load(out.read_text())
    assert recipe["data"] == {"name": "image_folder", "root": str(folder)}
    assert recipe["positive"] == "cat"
    assert recipe["images"] == {"size": 32, "resize": "stretch", "on_bad_image": "error"}
    assert recipe["split"] == {"seed": 0, "validation": 0.2, "test": 0.2}
    assert recipe["loss"] == {"name": "inverse_ce"}
    assert dataset(recipe).load().counts() == (6, 24)
    assert out.read_text().count("#") > 8


def test_unreadable_images_are_all_listed_and_skipped(folder, tmp_path):
    (folder / "cat" / "0.png").write_bytes((folder / "cat" / "0.png").read_bytes()[:300])
    (folder / "dog" / "empty.jpg").touch()
    output = run(folder, "--out", tmp_path / "r.yaml")
    assert "2 images cannot be read" in output
    assert f"{folder / 'cat' / '0.png'}: the image cannot be read" in output
    assert f"{folder / 'dog' / 'empty.jpg'}: not an image" in output
    assert yaml.safe_load((tmp_path / "r.yaml").read_text())["images"]["on_bad_image"] == "skip"


def test_an_existing_recipe_is_never_overwritten(folder, tmp_path):
    out = tmp_path / "r.yaml"
    out.write_text("mine")
    assert "r.yaml exists: choose another file with --out, or overwrite it with --force" in run(
        folder, "--out", out, code=1
    )
    assert out.read_text() == "mine"
    run(folder, "--out", out, "--force")
    assert "image_folder" in out.read_text()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_csv(csv, tmp_path):
    out = tmp_path / "r.yaml"
    output = run(csv, "--out", out)
    for text in ("column melanoma", "{image_name}.jpg", "groups: column patient_id (12 groups", "all 50x50 px"):
        assert text in output
    recipe = yaml.safe_load(out.read_text())
    assert recipe["data"] == {
        "name": "table",
        "file": str(csv),
        "root": str(csv.parent / "pictures"),
        "path_template": "{image_name}.jpg",
        "label_column": "melanoma",
        "group_column": "patient_id",
        "labels": {"0": "other", "1": "melanoma"},
    }
    assert recipe["positive"] == "melanoma"
    table = dataset(recipe).load()
    assert table.counts() == (45, 15)
    assert len(set(table.groups.tolist())) == 12


@pytest.mark.parametrize("way", ["relative", "below", "elsewhere", "absolute"])
def test_paths_are_found(csv, tmp_path, way):
    frame = pd.read_csv(csv)
    names = frame.pop("image_name") + ".jpg"
    options = []
    if way == "elsewhere":
        (csv.parent / "pictures").rename(tmp_path / "away")
        options = ["--root", tmp_path / "away"]
    prefix = {"relative": "pictures/", "absolute": f"{csv.parent}/pictures/"}.get(way, "")
    frame.insert(2, "picture", prefix + names)
    frame.to_csv(csv, index=False)
    run(csv, "--out", tmp_path / "r.yaml", *options)
    recipe = yaml.safe_load((tmp_path / "r.yaml").read_text())
    assert recipe["data"]["path_column"] == "picture"
    assert ("root" in recipe["data"]) == (way in ("below", "elsewhere"))
    assert len(dataset(recipe).load()) == 60


def test_folder_with_one_table(csv, tmp_path):
    run(csv.parent, "--out", tmp_path / "r.yaml")
    assert yaml.safe_load((tmp_path / "r.yaml").read_text())["data"]["file"] == str(csv)
    (csv.parent / "u.csv").write_text("a\n1\n")
    assert "has several tables: run init on one of t.csv, u.csv" in run(
        csv.parent, "--out", tmp_path / "s.yaml", code=1
    )


def test_label_can_be_said(csv, tmp_path):
    run(csv, "--out", tmp_path / "r.yaml", "--label", "sex")
    assert yaml.safe_load((tmp_path / "r.yaml").read_text())["data"]["label_column"] == "sex"
    assert "did you mean 'sex'" in run(csv, "--out", tmp_path / "s.yaml", "--label", "sexx", code=1)


def test_split_column_and_folders(csv, folder, tmp_path):
    frame = pd.read_csv(csv)
    frame["split"] = (["train"] * 3 + ["val", "test"]) * 12
    frame.to_csv(csv, index=False)
    output = run(csv, "--out", tmp_path / "r.yaml")
    recipe = yaml.safe_load((tmp_path / "r.yaml").read_text())
    assert recipe["data"]["split_column"] == "split"
    assert recipe["split"] == {"seed": 0, "column": "split"}
    assert "group_column" not in recipe["data"]  # every patient is in two splits here
    assert "12 values of 'patient_id' are in two splits of 'split'" in output
    for name in ("train", "test"):
        for label in ("a", "b"):
            image(tmp_path / "s" / name / label / "1.png", seed=len(label))
    run(tmp_path / "s", "--out", tmp_path / "s.yaml")
    assert yaml.safe_load((tmp_path / "s.yaml").read_text())["split"] == {"seed": 0, "column": "split"}


def test_arrays(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((20, 8, 8), dtype=np.uint8), y=np.arange(20) % 3)
    output = run(tmp_path / "a.npz", "--out", tmp_path / "r.yaml")
    assert "all 8x8 px" in output
    recipe = yaml.safe_load((tmp_path / "r.yaml").read_text())
    assert recipe["data"] == {"name": "arrays", "file": str(tmp_path / "a.npz")}
    assert recipe["images"]["size"] == 8
    assert "positive" not in recipe
    assert recipe["loss"] == {"name": "ce"}


@pytest.mark.parametrize(
    "names",
    [("yes", "no"), ("0", "1"), ("a: b", "#c"), ("été", "null"), ("[x]", "line\nbreak"), ("line\nbreak", "[x]")],
)
def test_odd_class_names_survive_yaml(tmp_path, names):
    for index, name in enumerate(names):
        for copy in range(3 + index):
            image(tmp_path / "d" / name / f"{copy}.png", 8, 8, copy + 10 * index)
    found = inspect(tmp_path / "d")
    recipe = yaml.safe_load(recipe_text(found, starting_point(found), Path("r.yaml")))
    assert recipe["positive"] == names[0]
    assert dataset(recipe).load().classes == found.table.classes


def test_mistakes_are_said(tmp_path, csv, folder):
    assert "there is nothing at" in run(tmp_path / "gone", "--out", tmp_path / "r.yaml", code=1)
    (tmp_path / "empty").mkdir()
    assert "found no images" in run(tmp_path / "empty", "--out", tmp_path / "r.yaml", code=1)
    image(tmp_path / "one" / "cat" / "a.png")
    assert "found 1 images in cat" in run(tmp_path / "one", "--out", tmp_path / "r.yaml", code=1)
    assert "there is no folder" in run(folder, "--out", tmp_path / "no" / "r.yaml", code=1)
    frame = pd.read_csv(csv)
    frame.drop(columns="image_name").to_csv(csv, index=False)
    output = run(csv, "--out", tmp_path / "r.yaml", code=1)
    assert "holds the paths or names of images; 60 images were found below" in output
    csv.write_text("image_name,melanoma\n")
    assert "no rows below its header" in run(csv, "--out", tmp_path / "r.yaml", code=1)
    assert not (tmp_path / "r.yaml").exists()


def test_all_unreadable(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "d" / name).mkdir(parents=True)
        (tmp_path / "d" / name / "1.png").touch()
    with pytest.raises(DataError, match="none of the 2 images can be read"):
        inspect(tmp_path / "d")


@pytest.mark.parametrize("form", ["{}", "{}.0", "bool"])
def test_one_hot_labels_are_read(csv, tmp_path, form):
    frame = pd.read_csv(csv).drop(columns=["melanoma", "sex", "age", "score"])
    names = ["MEL", "NV", "UNK", "BCC"]  # UNK as in ISIC-2019: of no row
    codes = np.arange(60) % 12 % 3
    for name in names:
        one = codes == {"MEL": 0, "NV": 1, "BCC": 2}.get(name, 9)
        frame[name] = one if form == "bool" else [form.format(int(value)) for value in one]
    frame.to_csv(csv, index=False)
    output = run(csv, "--out", tmp_path / "r.yaml")
    assert "labels: columns MEL, NV, UNK, BCC" in output
    data = yaml.safe_load((tmp_path / "r.yaml").read_text())["data"]
    assert data["label_columns"] == names
    assert data["group_column"] == "patient_id"
    table = dataset({"data": data}).load()
    assert table.classes == ("MEL", "NV", "BCC")
    assert table.counts() == (20, 20, 20)
    frame.loc[3, names] = frame.loc[4, names]  # row 5 has its 1 elsewhere
    frame.loc[3, "MEL"] = frame.loc[0, "MEL"]
    frame.to_csv(csv, index=False)
    output = run(csv, "--out", tmp_path / "s.yaml", code=1)
    assert "1 of 60 rows of" in output
    assert "have several in `label_columns` (rows 4; row 4: MEL, NV)" in output


def test_columns_of_several_findings_are_told(csv, tmp_path):
    frame = pd.read_csv(csv).drop(columns=["melanoma", "sex", "age", "score"])
    for index, name in enumerate(("Effusion", "Mass", "Nodule")):
        frame[name] = (np.arange(60) % 12 % (index + 2) == 0).astype(int)
    frame.to_csv(csv, index=False)
    output = run(csv, "--out", tmp_path / "r.yaml")
    assert "Effusion, Mass, Nodule hold 0 and 1, and 20 rows have several 1s" in output
    assert "the recipe tells 'Effusion' from the rest" in output


@pytest.mark.parametrize("form", ["{}|{}", "['{}', '{}']"])
def test_one_of_several_findings_is_chosen(csv, tmp_path, form):
    frame = pd.read_csv(csv).drop(columns=["melanoma", "sex", "age", "score"])
    findings = [
        "No Finding",
        "Mass",
        "Effusion",
        form.format("Effusion", "Mass"),
        form.format("Mass", "Nodule"),
        "Nodule",
    ]
    if form.startswith("["):
        findings = [text if "[" in text else f"['{text}']" for text in findings]
    frame["Finding Labels"] = [findings[index % 12 % 6] for index in range(60)]
    frame.to_csv(csv, index=False)
    output = run(csv, "--out", tmp_path / "r.yaml")
    assert "the labels hold several findings (Mass 30, Effusion 20, Nodule 20, No Finding 10)" in output
    recipe = yaml.safe_load((tmp_path / "r.yaml").read_text())
    assert recipe["positive"] == recipe["data"]["finding"] == "Mass"
    table = dataset(recipe).load()
    assert table.classes == ("other", "Mass")
    assert table.counts() == (30, 30)
    assert table.groups is not None


def test_paths_of_windows(csv, tmp_path):
    frame = pd.read_csv(csv)
    plain = frame.assign(image_name="pictures/" + frame["image_name"] + ".jpg")
    plain.assign(image_name=plain["image_name"].str.replace("/", "\\")).to_csv(csv, index=False)
    run(csv, "--out", tmp_path / "r.yaml")
    data = yaml.safe_load((tmp_path / "r.yaml").read_text())["data"]
    assert "root" not in data
    assert dataset({"data": data}).load().frame["path"][0] == str(csv.parent / "pictures" / "im0.jpg")
    plain.assign(image_name="D:\\data\\" + frame["image_name"] + ".jpg").to_csv(csv, index=False)
    output = run(csv, "--out", tmp_path / "s.yaml", code=1)
    assert "holds paths of another system (Windows), such as D:\\data\\im0.jpg" in output


def text(**columns) -> pd.DataFrame:
    return pd.DataFrame({name: [str(value) for value in values] for name, values in columns.items()})


def test_label_candidates():
    frame = text(
        dx=[0, 1, 2] * 20, flag=[0, 1, 1] * 20, age=range(60), label=["a", "b", "c"] * 20, gap=["", "x", "y"] * 20,
        weight=[1.5, 2.5, 3.5] * 20,
    )  # fmt: skip
    assert label_candidates(frame) == ["label", "flag", "dx"]


def test_group_candidates():
    labels = pd.Series(["a", "b"] * 100)
    frame = text(
        lesion=[index // 2 for index in range(200)],  # 100 lesions, each with both classes
        patient=[index % 15 for index in range(200)],
        row=range(200),
        city=[index % 4 for index in range(200)],
        code=[f"c{index % 50}" for index in range(200)],
        length=[index % 60 / 7 for index in range(200)],
        age=[index % 40 for index in range(200)],
    )
    assert group_candidates(frame, labels) == ["patient", "lesion", "code"]
    # With one class in two groups alone, no split could hold it on every side.
    rare = pd.Series(["b" if index % 15 in (0, 1) else "a" for index in range(200)])
    assert "patient" not in group_candidates(frame, rare)


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/data")
def test_ham10000():
    found = inspect(SHARED / "ham10000" / "labels.csv")
    assert found.labels[:2] == ["dx", "melanoma"]
    assert found.positive == "mel"
    assert found.part.path_column == "path"
    assert found.table.counts() == (183, 264, 583, 60, 491, 4323, 80)
    assert dict(found.sizes) == {(224, 224): 5984}
    assert found.bad == []
    assert found.groups == []
    assert "lesion_id" in found.hints[0]
