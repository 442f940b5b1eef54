"""What `imbalkit init` makes of a table's columns, where a guess would answer another question."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from imbalkit.errors import DataError
from imbalkit.inspection.group_columns import group_kind
from imbalkit.inspection.label_columns import label_candidates, passed_over
from imbalkit.inspection.recipe_draft import inspect, planned, recipe_text
from imbalkit.inspection.starting_point import starting_point

ROWS = 120


@pytest.fixture
def table(tmp_path):
    """Writes a table with a column of 120 pictures, or without, and says what is found in it."""

    def look(images=True, asked=None, **columns):
        if images:
            for row in range(ROWS):
                Image.new("RGB", (8, 8), (row, 0, 0)).save(tmp_path / f"{row}.png")
            columns = {"path": [f"{row}.png" for row in range(ROWS)], **columns}
        pd.DataFrame(columns).to_csv(tmp_path / "t.csv", index=False)
        found = inspect(tmp_path / "t.csv", label=asked)
        out = tmp_path / "recipe.yaml"
        out.write_text(recipe_text(found, starting_point(found), out))
        planned(found, out)
        return found

    return look


def each(*values):
    """A column with these values in turn."""
    return [values[row % len(values)] for row in range(ROWS)]


def test_labels_with_gaps_stay_the_labels(table):
    patients = [f"P{row // 2}" for row in range(ROWS)]
    found = table(label=["", *each("mel", "nv")[1:]], hospital=each("A", "B", "C"), patient=patients)
    assert found.part.label_column == "label"
    assert found.part.missing_labels == [""]
    assert found.table.counts() == (59, 60)
    assert found.part.group_column == "patient"
    assert any("1 rows have no 'label'" in hint for hint in found.hints)


def test_a_complete_column_comes_before_one_with_gaps(table):
    assert table(label=["", *each("a", "b")[1:]], target=each("x", "y")).labels == ["target", "label"]


def test_too_many_classes_are_no_reason_for_another_column(table):
    species = [f"s{row % 70}" for row in range(ROWS)]
    with pytest.raises(
        DataError, match="column 'label' has 70 different values in 120 rows: expected 2 to 100 classes"
    ):
        table(label=species, flash=each("m", "f"))
    assert len(table(kind=species, flash=each("m", "f")).table.classes) == 2


def test_whole_numbers_of_many_rows_each_are_classes():
    frame = pd.DataFrame({"label": [str(row % 150) for row in range(1500)], "flash": ["m", "f"] * 750})
    with pytest.raises(DataError, match="column 'label' has 150 different values in 1,500 rows"):
        passed_over(frame, label_candidates(frame))


def test_what_is_measured_is_no_label_and_is_said(table):
    found = table(target=[row / 7 for row in range(ROWS)], flash=each("on", "off"))
    assert found.part.label_column == "flash"
    assert any("column 'target' has 120 different values" in hint for hint in found.hints)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("patient_id", 0), ("PatientID", 0), ("PATIENT", 0), ("patients", 0), ("subject-no", 0), ("patientid", 0),
        ("lesion_id", 1), ("specimens", 1), ("study_instance_uid", 2), ("group", 3), ("group_id", 3), ("lesion_site", 4),
        ("age_group", 4), ("patient_group", 4), ("implant", None), ("patient_age", None), ("casein", None), ("id", None),
    ],
)  # fmt: skip
def test_what_a_name_says_of_groups(name, kind):
    assert group_kind(name) == kind


@pytest.mark.parametrize("other", ["age_group", "lesion_site", "implant_type", "blood_group"])
def test_patients_are_kept_together_and_not_what_they_have_in_common(table, other):
    common = [f"v{row * 7 % 12}" for row in range(ROWS)]
    found = table(label=each("mel", "nv", "nv"), patient_id=[f"P{row // 2}" for row in range(ROWS)], **{other: common})
    assert found.part.group_column == "patient_id"


def test_patients_that_cannot_be_kept_together_are_said(table):
    rare = ["c" if row < 4 else "ab"[row % 2] for row in range(ROWS)]
    found = table(label=rare, patient_id=[f"P{row // 2}" for row in range(ROWS)])
    assert found.part.group_column is None
    assert any("column 'patient_id' is not used as groups" in hint for hint in found.hints)


def test_a_split_without_a_test_is_said_in_the_recipe(table, tmp_path):
    found = table(label=each("a", "b", "b"), split=each("train", "train", "train", "val"))
    assert "# Drawn anew: the column has train, validation and no test." in (tmp_path / "recipe.yaml").read_text()
    assert starting_point(found).settings.rows == 300


# --- without images ----------------------------------------------------------------------------------------------------


def noise(seed=0):
    return np.random.default_rng(seed).normal(size=ROWS).round(3)


def test_a_column_that_names_images_that_are_elsewhere_asks_for_their_folder(table):
    with pytest.raises(DataError, match="column 'image_name' .* seems to name images .* with --root"):
        table(images=False, image_name=[f"ISIC_{row}" for row in range(ROWS)], target=each(0, 1), age=noise())


def test_classes_beside_the_label_are_no_inputs(table):
    codes = np.eye(3, dtype=int)[each(0, 1, 1, 2)]
    columns = {"size": noise(), **{name: codes[:, place] for place, name in enumerate(("MEL", "NV", "BCC"))}}
    with pytest.raises(DataError, match=r"classes in columns of 0 and 1 \(MEL, NV, BCC\), and no images.*--label"):
        table(images=False, **columns)
    found = table(images=False, asked="MEL", **columns)
    assert found.part.columns == ["size"]
    assert any(hint.startswith("NV, BCC: 'MEL' can be read off") for hint in found.hints)
    with pytest.raises(DataError, match="nothing is left to learn 'MEL' from"):
        table(images=False, asked="MEL", **{name: columns[name] for name in ("MEL", "NV", "BCC")})


@pytest.mark.parametrize("label", ["target", "diagnosis"])
def test_finer_and_coarser_labels_are_no_inputs(table, label):
    diagnosis = each("melanoma", "nevus", "nevus", "keratosis")
    target = [int(name == "melanoma") for name in diagnosis]
    found = table(images=False, asked=label, size=noise(), diagnosis=diagnosis, target=target, sex=each("m", "f", "f"))
    assert found.part.columns == ["size", "sex"]


def test_a_table_without_a_header_is_refused(tmp_path):
    rows = pd.DataFrame({"a": noise(), "b": noise(1), "c": each(1, 2)})
    for frame in (rows, rows.assign(a=each("x", "y", "z"), b=each("u", "v", "v", "w", "w"))):
        frame.to_csv(tmp_path / "t.csv", index=False, header=False)
        with pytest.raises(DataError, match=r"the first row of .*t\.csv looks like data, not like column names"):
            inspect(tmp_path / "t.csv")


def test_columns_that_are_numbered_have_a_header(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 16, (ROWS, 20))
    pd.DataFrame(pixels).assign(target=each("a", "b")).to_csv(tmp_path / "t.csv", index=False)
    assert inspect(tmp_path / "t.csv").part.label_column == "target"


# --- folders -----------------------------------------------------------------------------------------------------------


def test_options_about_a_table_are_refused_without_one_and_mean_it_where_it_is(tmp_path):
    for row in range(40):
        (tmp_path / "data" / "ab"[row % 2]).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (row, 0, 0)).save(tmp_path / "data" / "ab"[row % 2] / f"{row}.png")
    with pytest.raises(DataError, match="--label dx: it is about a table, and the data were read as `image_folder`"):
        inspect(tmp_path / "data", label="dx")
    with pytest.raises(DataError, match="--root elsewhere: it is about a table"):
        inspect(tmp_path / "data", root=tmp_path.__class__("elsewhere"))
    rows = [f"{'ab'[row % 2]}/{row}.png,{'xyz'[row % 3]}" for row in range(40)]
    (tmp_path / "data" / "t.csv").write_text("\n".join(["path,dx", *rows]))
    assert inspect(tmp_path / "data").part.name == "image_folder"
    found = inspect(tmp_path / "data", label="dx")
    assert (found.part.name, found.table.classes) == ("table", ("x", "y", "z"))
