"""Suspect class names and groups: pointed out, with a recipe key that fixes them; ordinary ones are not."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from imbalkit.builtin.datasets import Arrays, ImageFolder, TableDataset
from imbalkit.data.group_checks import group_cautions
from imbalkit.data.label_checks import (
    findings_of,
    label_cautions,
    looks_missing,
    quoted,
    separator_of,
    split_label,
    variants,
)
from imbalkit.data.table import Table
from imbalkit.errors import DataError
from tests.command_line import imbalkit

ORDINARY = [
    ["melanoma", "nevus", "benign keratosis"],
    ["benign, other", "malignant, other", "benign, skin"],
    ["head/neck", "palms/soles", "torso"],
    ["0", "1", "2", "10", "-1"],
    ["1,5", "2,5", "1", "2", "5"],
    ["1/2", "2/3", "1", "2", "3"],
    ["ER+", "PR+", "HER2+"],
    ["n01440764", "n01443537"],
    ["grade 1 (low)", "grade 2 (high)"],
    ["A", "B", "C"],
    ["nevus", "névus"],  # another letter
    ["T-1", "T1"],
    ["no", "yes"],
    ["unknown", "known"],
]


@pytest.mark.parametrize("names", ORDINARY)
def test_ordinary_names_are_left_alone(names):
    assert label_cautions(dict.fromkeys(names, 10)) == []


@pytest.mark.parametrize(
    "name", ["nan", "NaN", "None", "null", "NULL", "NA", "N/A", "n/a ", "?", "-", "–", "<NA>", "#N/A", ""]
)
def test_missing_labels(name):
    assert looks_missing(name)
    (said,) = label_cautions({"a": 5, name: 3, "b": 2})
    assert f"class {quoted(name)} (3 samples) is likely a missing label" in said
    assert yaml.safe_load(said.split("`")[1]) == {"missing_labels": [name]}


@pytest.mark.parametrize(
    "other",
    ["Melanoma In-Situ", "melanoma in-situ ", " melanoma in-situ", "melanoma  in-situ", "melanoma\u00a0in-situ"]
    + [
        "melanoma in\u2010situ",
        "melanoma in\u2013situ",
        "melanoma in\u2212situ",
        "ｍelanoma in-situ",
        "melanoma\tin-situ",
    ]
    + ["melanoma in-situ\u200b", "melanoma_in-situ", "\ufeffmelanoma in-situ"],
)
def test_names_that_differ_in_spelling_only(other):
    counts = {"melanoma in-situ": 9, other: 2, "nevus": 5}
    (said,) = label_cautions(counts)
    assert said.startswith(f'classes that differ in spelling only: "melanoma in-situ" (9), {quoted(other)} (2).')
    mapping = yaml.safe_load(said[said.index("labels:") :])["labels"]
    assert mapping == {"melanoma in-situ": "melanoma in-situ", other: "melanoma in-situ", "nevus": "nevus"}


def test_composition_and_many_classes():
    assert variants(["né", "ne\u0301", "ne", "NE\u0301"]) == [["né", "ne\u0301", "NE\u0301"]]
    many = dict.fromkeys([*map(str, range(1000)), *(f"{number} " for number in range(1000))], 1)
    (said,) = label_cautions(many)
    assert len(said) < 2000
    assert "and so on for every label" in said


@pytest.mark.parametrize(
    ("labels", "separator"),
    [
        (["Effusion", "Mass", "Effusion|Mass", "No Finding"], "|"),
        (["A|B", "B|C", "A|C", "A|B|C"], "|"),
        (["A", "B", "A;B"], ";"),
        (["A", "B", "C", "A, B", "B, C", "A, B, C"], ","),
        (["A", "B", "C", "A/B", "C/A"], "/"),
        (["A", "B", "C", "A + B", "C + A"], "+"),
        (["['A']", "['B', 'A']", "[]"], ""),
        (['["A"]', '["B", "A"]'], ""),
    ],
)
def test_several_labels_in_one(labels, separator):
    assert separator_of(labels) == separator
    (said,) = label_cautions(dict.fromkeys(labels, 2))
    assert "hold several labels, and imbalkit has one class an image" in said
    assert "finding: " in said


def test_findings():
    assert split_label("A | B|A", "|") == ["A", "B"]
    assert split_label("['A', \"B c\"]", None) == ["A", "B c"]
    assert split_label("[]", None) == []
    assert findings_of({"A": 1, "A|B": 3, "B": 1}, "|") == {"A": 4, "B": 4}


# --- groups -------------------------------------------------------------------------------------------------------------


def groups(**sizes: int) -> pd.Series:
    return pd.Series([name for name, size in sizes.items() for _ in range(size)])


@pytest.mark.parametrize(
    "name", ["unknown", "Unknown", "none given", "n/a", "-", "0", "-1", "999", "-9", "0.0", "not available", "P7"]
)
def test_placeholder_groups(name):
    patients = {f"{number}": 2 for number in range(1, 21)}
    (said,) = group_cautions(groups(**patients, **{name: 80}))
    assert f'group "{name}" (80 of 120 samples, 67%) is likely a placeholder' in said
    assert yaml.safe_load(said.split("`")[1]) == {"missing_groups": [name]}


def test_few_rows_of_a_telling_name_and_ordinary_groups():
    patients = {f"P{number}": 1 + number % 7 for number in range(100)}
    assert group_cautions(groups(**patients)) == []
    assert "unknown" in group_cautions(groups(**patients, unknown=3))[0]
    assert group_cautions(groups(**patients, unknown=1)) == []  # one row alone is no worse than a group of its own
    assert group_cautions(groups(**{str(number): 2 + number % 3 for number in range(30)})) == []  # 0 is a patient
    assert group_cautions(pd.Series([None, None], dtype=object)) == []


# --- what fixes them ----------------------------------------------------------------------------------------------------


def write(path, rows) -> str:
    path.write_text("path,label,patient\n" + "\n".join(f"{number}.png,{row}" for number, row in enumerate(rows)) + "\n")
    return str(path)


def test_missing_labels_are_left_out_and_missing_groups_stand_alone(tmp_path):
    file = write(tmp_path / "t.csv", ["1,p", "nan,p", "2,unknown", "1,unknown", ",-1", "2,q"])
    options = {"file": file, "check_files": False, "group_column": "patient"}
    with pytest.raises(DataError, match=r'leave such rows out with missing_labels: \[""\]'):
        TableDataset(**options).load()
    part = TableDataset.model_validate(
        {**options, "missing_labels": ["nan", ""], "missing_groups": ["unknown", -1]} | {}
    )
    with pytest.raises(DataError, match=r"`missing_groups`: no row has the value '-1'"):  # its row is left out already
        part.load()
    table = part.model_copy(update={"missing_groups": ["unknown"]}).load()
    assert table.frame["path"].str[-5:].tolist() == ["0.png", "2.png", "3.png", "5.png"]
    assert table.classes == ("1", "2")
    assert table.frame["group"].isna().tolist() == [False, True, True, False]
    assert len(set(table.groups)) == 4
    assert table.removed_counts() == {"missing_label": {"1": 0, "2": 0, "": 1, "nan": 1}}
    assert table.cautions == ()
    with pytest.raises(DataError, match=r"`missing_labels`: no row has the value 'nans'; did you mean 'nan'\?"):
        TableDataset(**options, missing_labels=["nans", ""]).load()


def test_arrays_have_the_same_keys(tmp_path):
    images = np.arange(6, dtype=np.uint8).repeat(4).reshape(6, 2, 2)
    np.savez(tmp_path / "a.npz", x=images, y=np.array([1, 2, -1, 1, 2, 1]), p=np.array([0, 0, 0, 5, 6, 0]))
    part = Arrays.model_validate(
        {
            "file": str(tmp_path / "a.npz"),
            "groups": "p",
            "missing_labels": [-1],
            "missing_groups": [0],
            "labels": {1: "a", 2: "b"},
        }
    )
    table = part.load()
    assert table.arrays[:, 0, 0, 0].tolist() == [0, 1, 3, 4, 5]
    assert table.frame["label"].tolist() == ["a", "b", "a", "b", "a"]
    assert table.frame["group"].isna().tolist() == [True, True, False, False, True]
    assert table.removed_counts() == {"missing_label": {"a": 0, "b": 0, "-1": 1}}
    np.savez(tmp_path / "b.npz", x=images, y=np.array([1.0, 2, np.nan, 1, 2, 1]))
    with pytest.raises(DataError, match=r"1 of 6 images of .*b.npz have no label \(rows 2\): .*missing_labels"):
        Arrays(file=str(tmp_path / "b.npz")).load()
    table = Arrays(file=str(tmp_path / "b.npz"), missing_labels=[""]).load()
    assert table.arrays[:, 0, 0, 0].tolist() == [0, 1, 3, 4, 5]
    assert table.frame["label"].tolist() == ["1", "2", "1", "2", "1"]


def test_plan_says_them_also_where_it_refuses_the_split(tmp_path):
    rows = [f"{name},p{number % 9}" for number, name in enumerate(["Nevus", "nevus"] * 9 + ["nan"] * 9)]
    write(tmp_path / "t.csv", [*rows, "nevus ,p1"])
    (tmp_path / "r.yaml").write_text("data: {name: table, file: t.csv, check_files: false}\nimages: {size: 8}\n")
    refused = imbalkit("plan", "r.yaml", cwd=tmp_path, check=False)
    assert refused.returncode == 1
    assert "needs 3 samples or more of each class" in refused.stderr
    assert 'note: class "nan" (9 samples) is likely a missing label' in refused.stderr
    mapping = refused.stderr[refused.stderr.index("labels: {") :].split("}")[0] + "}"
    merged = ["--set", f"data.labels={mapping.removeprefix('labels: ')}", "--set", "data.missing_labels=[]"]
    said = imbalkit("plan", "r.yaml", *merged, cwd=tmp_path).stdout
    assert "differ in spelling" not in said
    groups = [
        "--set",
        "data.group_column=patient",
        "--set",
        'data.missing_labels=["nan"]',
        "--set",
        "data.missing_groups=[p1]",
    ]
    said = imbalkit(
        "plan", "r.yaml", *groups, "--set", "data.labels={Nevus: a, nevus: b, 'nevus ': b}", cwd=tmp_path
    ).stdout
    assert "left out by missing_label: 9 samples" in said


def test_placeholders_in_the_names_of_files(tmp_path):
    for number in range(40):
        place = tmp_path / "ab"[number % 2]
        place.mkdir(exist_ok=True)
        (place / f"{'unknown' if number > 11 else f'P{number}'}_{number}.png").touch()
    options = {"root": str(tmp_path), "group_pattern": r"(unknown|P\d+)_"}
    (said,) = ImageFolder(**options).load().cautions
    assert 'group "unknown" (28 of 40 samples, 70%)' in said
    table = ImageFolder(**options, missing_groups=["unknown"]).load()
    assert table.cautions == ()
    assert len(set(table.groups)) == 40
    with pytest.raises(DataError, match=r"`missing_groups`: no row has the value 'Unknown'; did you mean 'unknown'"):
        ImageFolder(**options, missing_groups=["Unknown"]).load()


def test_init_points_to_placeholders(tmp_path):
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(tmp_path / "0.png")
    rows = []
    for number in range(60):
        shutil.copy(tmp_path / "0.png", tmp_path / f"{number}.png") if number else None
        rows.append(f"{'ab'[number % 2]},{'unknown' if number % 3 else f'P{number // 6}'}")
    write(tmp_path / "t.csv", rows)
    said = imbalkit("init", "t.csv", "--out", "r.yaml", cwd=tmp_path).stdout
    assert 'group "unknown" (40 of 60 samples, 67%) is likely a placeholder' in said
    rows = ["b,unknown" if row.startswith("b") else row for row in rows]  # no groups: all of b is unknown
    write(tmp_path / "t.csv", rows)
    said = imbalkit("init", "t.csv", "--out", "s.yaml", cwd=tmp_path).stdout
    assert """column 'patient' as groups: group "unknown" (50 of 60 samples, 83%)""" in said


def test_folders_are_told_too(tmp_path):
    table = Table.build(pd.DataFrame({"path": ["a/1", "A/1", "b/1"], "label": ["a", "A", "b"]}))
    assert "differ in spelling only" in table.cautions[0]
