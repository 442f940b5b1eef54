"""The ISIC data sets: hand-written tables for every rule, and the official ones."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from imbalkit_melanoma.datasets import Ham10000, Isic2019, Isic2020, IsicMerge
from imbalkit_melanoma.datasets.table_files import find_images
from pydantic import ValidationError

from imbalkit.data.split import split_table
from imbalkit.data.split_settings import SplitSettings
from imbalkit.errors import DataError

OFFICIAL = Path(__file__).parents[3] / "shared" / "data" / "isic_tables"
needs_official = pytest.mark.skipif(not OFFICIAL.exists(), reason="needs ../shared/data/isic_tables")


def column(table, name):
    """isic_id -> value, None where it is missing."""
    frame = table.frame
    values = frame[name].astype(object).where(frame[name].notna(), None)
    return dict(zip(frame["isic_id"], values, strict=True))


# --- tables -----------------------------------------------------------------------------------------------------------


def test_isic_2020(archive):
    archive.isic_2020("ISIC_2,P1,0", "ISIC_1,P2,1", "ISIC_3,P1,0")
    table = Isic2020(tables=archive.tables).load()
    assert table.classes == ("benign", "melanoma")
    assert column(table, "label") == {"ISIC_1": "melanoma", "ISIC_2": "benign", "ISIC_3": "benign"}
    assert column(table, "group") == {"ISIC_1": "P2", "ISIC_2": "P1", "ISIC_3": "P1"}
    first = table.frame.iloc[0].to_dict()
    assert (first["isic_id"], first["year"], first["age"], first["sex"]) == ("ISIC_1", 2020, 45.0, "male")
    assert (first["site"], first["patient_id"], first["diagnosis"]) == ("torso", "P2", "melanoma")
    assert column(table, "diagnosis")["ISIC_2"] is None  # the table says unknown
    assert column(table, "lesion_id")["ISIC_2"] is None


def test_isic_2020_with_lesions_comes_before_the_others(archive):
    archive.isic_2020("ISIC_1,P1,0", "ISIC_2,P2,0", "ISIC_3,P3,1", name="train.csv")
    assert column(Isic2020(tables=archive.tables).load(), "group") == {"ISIC_1": "P1", "ISIC_2": "P2", "ISIC_3": "P3"}
    archive.isic_2020("ISIC_1,P1,0", "ISIC_2,P2,1")
    assert len(Isic2020(tables=archive.tables).load()) == 2
    archive.isic_2020(
        "ISIC_1,P1,0,L1", "ISIC_2,P2,1,L2", "ISIC_3,P3,0,L1", "ISIC_4,P4,0,L4",
        name="a/b/isic_2020_training_groundtruth_V2.CSV", lesions=True,
    )  # fmt: skip
    table = Isic2020(tables=archive.tables).load()
    assert column(table, "lesion_id") == {"ISIC_1": "L1", "ISIC_2": "L2", "ISIC_3": "L1", "ISIC_4": "L4"}
    # patients 1 and 3 share a lesion: one group, by the first of its names
    assert column(table, "group") == {"ISIC_1": "L1", "ISIC_2": "L2", "ISIC_3": "L1", "ISIC_4": "L4"}


def test_isic_2019(archive):
    archive.isic_2019("ISIC_1_downsampled,MEL,", "ISIC_2,BCC,L2", "ISIC_3,NV,L2")
    table = Isic2019(tables=archive.tables).load()
    assert table.classes == ("other", "melanoma")
    assert column(table, "label") == {"ISIC_1": "melanoma", "ISIC_2": "other", "ISIC_3": "other"}
    assert column(table, "group") == {"ISIC_1": None, "ISIC_2": "L2", "ISIC_3": "L2"}
    assert column(table, "diagnosis") == {"ISIC_1": "MEL", "ISIC_2": "BCC", "ISIC_3": "NV"}
    assert set(table.frame["year"]) == {2019}
    assert set(table.frame["site"]) == {"anterior torso"}
    assert set(table.frame["age"]) == {30.0}
    table = Isic2019(tables=archive.tables, target="diagnosis").load()
    assert table.classes == ("BCC", "MEL", "NV")
    assert column(table, "label") == {"ISIC_1": "MEL", "ISIC_2": "BCC", "ISIC_3": "NV"}


def test_isic_2019_metadata_with_and_without_the_suffix(archive):
    archive.isic_2019(
        "ISIC_1_downsampled,MEL,", "ISIC_2,NV,", "ISIC_3_downsampled,NV,", "ISIC_3,NV,",
        metadata=[
            "ISIC_9,1.0,,L9,", "ISIC_2_downsampled,2.0,,L2,", "ISIC_1,1.0,,L1,", "ISIC_3,3.0,,L3,",
            "ISIC_3_downsampled,4.0,,L4,",
        ],
    )  # fmt: skip
    table = Isic2019(tables=archive.tables).load()
    ages = table.frame[["isic_id", "age", "lesion_id"]].values.tolist()
    assert sorted(ages) == [["ISIC_1", 1.0, "L1"], ["ISIC_2", 2.0, "L2"], ["ISIC_3", 3.0, "L3"], ["ISIC_3", 4.0, "L4"]]


@pytest.mark.parametrize(
    "name, separator",
    [("HAM10000_metadata.csv", ","), ("x/ham10000_metadata.TAB", "\t"), ("HAM10000_metadata", ",")],
)
def test_ham10000(archive, name, separator):
    archive.ham10000("ISIC_1,mel,L1", "ISIC_2,akiec,L2", "ISIC_3,nv,L1", name=name, separator=separator)
    table = Ham10000(tables=archive.tables).load()
    assert table.classes == ("other", "melanoma")
    assert column(table, "label") == {"ISIC_1": "melanoma", "ISIC_2": "other", "ISIC_3": "other"}
    assert column(table, "group") == {"ISIC_1": "L1", "ISIC_2": "L2", "ISIC_3": "L1"}
    assert column(table, "sex") == {"ISIC_1": None, "ISIC_2": None, "ISIC_3": None}  # the table says unknown
    assert set(table.frame["site"]) == {"scalp"}
    assert set(table.frame["year"]) == {2018}
    assert Ham10000(tables=archive.tables, target="diagnosis").load().classes == ("akiec", "mel", "nv")


def fill_both(archive):
    archive.isic_2020("ISIC_1,P1,0", "ISIC_2,P1,1", "ISIC_3,P3,0")
    archive.isic_2019("ISIC_4,MEL,L4", "ISIC_5,NV,L5", "ISIC_6,SCC,L6", "ISIC_7,AK,", "ISIC_8,BCC,", "ISIC_9,VASC,L9")


@pytest.mark.parametrize(
    "form, benign, melanomas",
    [("paper", "13", "24"), (2020, "13", "2"), ("2020", "13", "2"), ("both_years", "1359", "24")],
)
def test_forms_of_the_merge(archive, form, benign, melanomas):
    fill_both(archive)
    table = IsicMerge.model_validate({"tables": archive.tables, "form": form}).load()
    assert table.classes == ("benign", "melanoma")
    labels = column(table, "label")
    assert {name[-1] for name, label in labels.items() if label == "benign"} == set(benign)
    assert {name[-1] for name, label in labels.items() if label == "melanoma"} == set(melanomas)
    assert all((name[-1] > "3") == (year == 2019) for name, year in column(table, "year").items())
    assert any("from the year" in note for note in table.notes) == (form == "paper")


def test_what_a_form_leaves_out_is_noted(archive):
    fill_both(archive)
    note = IsicMerge(tables=archive.tables, form="both_years").load().notes[0]
    assert "3 images of ISIC-2019 are not part of it (1 AK, 1 BCC, 1 SCC)" in note
    with pytest.raises(ValidationError, match="both_years"):
        IsicMerge(tables="x", form="all")
    with pytest.raises(ValidationError, match="paper"):
        IsicMerge.model_validate({"tables": "x", "form": 2019})


# --- groups -----------------------------------------------------------------------------------------------------------


def test_groups_are_chains_of_patients_lesions_names_and_official_duplicates(archive):
    archive.isic_2020(
        "ISIC_1,P1,0,L1", "ISIC_2,P2,0,L1", "ISIC_3,P2,0,L3", "ISIC_4,P4,0,L4", "ISIC_5,P5,1,L5", "ISIC_6,P6,0,L6",
        name="ISIC_2020_Training_GroundTruth_v2.csv", lesions=True,
    )  # fmt: skip
    archive.isic_2019("ISIC_5_downsampled,MEL,L50", "ISIC_7,MEL,", "ISIC_8,MEL,L50", "ISIC_9,MEL,L90")
    archive.duplicates("ISIC_3,ISIC_4", "ISIC_404,ISIC_1")
    table = IsicMerge(tables=archive.tables).load()
    groups = {}
    for name, group in column(table, "group").items():
        groups.setdefault(group, set()).add(name[-1])
    # nothing is known of 7: a group of its own
    assert groups == {"L1": set("1234"), "L5": set("58"), "L6": {"6"}, None: {"7"}, "L90": {"9"}}
    assert any("names 1 images that the data do not have: ISIC_404" in note for note in table.notes)


def test_rows_that_only_their_name_links_are_a_group(archive):
    archive.isic_2019("ISIC_1_downsampled,MEL,", "ISIC_1,MEL,", "ISIC_2,NV,")
    table = Isic2019(tables=archive.tables).load()
    assert table.frame[["isic_id", "group"]].fillna("").values.tolist() == [
        ["ISIC_1", "ISIC_1"],
        ["ISIC_1", "ISIC_1"],
        ["ISIC_2", ""],
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_tables_does_not_matter(archive, seed):
    fill_both(archive)
    archive.duplicates("ISIC_1,ISIC_3")
    part = IsicMerge(tables=archive.tables, form="both_years", clean=["official_duplicates"])
    expected = part.load()
    for file in archive.root.glob("*.csv"):
        header, *rows = file.read_text().splitlines()
        random.Random(seed).shuffle(rows)
        file.write_text("\n".join([header, *rows]) + "\n")
    table = part.load()
    assert table.frame.equals(expected.frame)
    assert table.removed.equals(expected.removed)
    assert table.frame["isic_id"].tolist() == [f"ISIC_{number}" for number in (1, 2, 4, 5, 9)]


# --- images -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "file", ["ISIC_1.jpg", "x/y/isic_1.JPEG", "ISIC_1_downsampled.png", "z/ISIC_1_DOWNSAMPLED.JPG"]
)
@pytest.mark.parametrize("name", ["ISIC_1", "ISIC_1_downsampled"])
def test_images_are_found(archive, file, name):
    archive.picture(file)
    archive.picture("ISIC_1_superpixels.png")
    archive.picture("ISIC_11.png")
    assert find_images([archive.tables], [name]) == ([os.path.join(archive.root, *file.split("/"))], [True], 0)


def test_which_of_several_files_is_taken(archive):
    for file in ("a/ISIC_1.jpg", "b/ISIC_1_downsampled.jpg", "b/ISIC_2.png", "c/ISIC_2.jpg"):
        archive.picture(file)
    a, b, c = (str(archive.root / name) for name in "abc")
    names = ["ISIC_1", "ISIC_1_downsampled", "ISIC_2"]
    # the name as it is comes first
    found = [f"{a}/ISIC_1.jpg", f"{b}/ISIC_1_downsampled.jpg", f"{b}/ISIC_2.png"]
    assert find_images([archive.tables], names) == (found, [True] * 3, 2)
    assert find_images([c, b, a], names) == ([*found[:2], f"{c}/ISIC_2.jpg"], [True] * 3, 2)
    assert find_images([c, b], ["ISIC_1"])[0] == [f"{b}/ISIC_1_downsampled.jpg"]
    assert find_images([a], names) == (
        [f"{a}/ISIC_1.jpg", f"{a}/ISIC_1.jpg", f"{a}/ISIC_2.jpg"],
        [True, True, False],
        0,
    )


def test_tables_alone_make_a_table_that_cannot_run(archive):
    archive.isic_2019("ISIC_1_downsampled,MEL,", "ISIC_2,NV,", "ISIC_3,NV,")
    archive.picture("deep/er/ISIC_2.JPG")
    table = Isic2019(tables=archive.tables).load()
    would_be = {name: os.path.join(archive.tables, f"{name}.jpg") for name in ("ISIC_1_downsampled", "ISIC_3")}
    assert column(table, "path") == {
        "ISIC_1": would_be["ISIC_1_downsampled"],
        "ISIC_2": os.path.join(archive.tables, "deep", "er", "ISIC_2.JPG"),
        "ISIC_3": would_be["ISIC_3"],
    }
    assert "2 of 3 images are not there" in table.notes[-1]
    assert len(table.problems) == 1
    assert "2 of 3 image files are not there, such as ISIC_1_downsampled, ISIC_3 " in table.problems[0]
    assert "`imbalkit melanoma fetch` gets them" in table.problems[0]
    gone = str(archive.root / "gone")
    table = Isic2019(tables=archive.tables, images=[gone, archive.tables]).load()
    assert f"{gone} (no such folder), {archive.tables} for" in table.problems[0]
    assert column(table, "path")["ISIC_3"] == os.path.join(gone, "ISIC_3.jpg")
    archive.picture("ISIC_1.png")
    archive.picture("other/ISIC_3.png")
    table = Isic2019(tables=archive.tables).load()
    assert table.problems == ()
    assert table.notes == ()
    with pytest.raises(ValidationError, match="at least 1 item"):
        Isic2019(tables="x", images=[])


def test_images_in_several_places_are_noted(archive):
    archive.isic_2019("ISIC_1,MEL,", "ISIC_2,NV,")
    for file in ("a/ISIC_1.jpg", "b/ISIC_1.jpg", "ISIC_2.jpg", "a/ISIC_5.jpg", "b/ISIC_5.jpg"):
        archive.picture(file)
    assert Isic2019(tables=archive.tables).load().notes == (
        "1 images are there more than once; the first by folder and path is used",
    )


# --- errors -----------------------------------------------------------------------------------------------------------


def test_tables_that_are_not_there(archive):
    with pytest.raises(DataError, match="no folder of tables at .*gone: `imbalkit melanoma fetch`"):
        Isic2020(tables=str(archive.root / "gone")).load()
    with pytest.raises(DataError, match=r"no ISIC_2019_Training_GroundTruth.csv below .*isic \(tables there: none\)"):
        Isic2019(tables=archive.tables).load()
    archive.isic_2019("ISIC_1,MEL,")
    (archive.root / "ISIC_2019_Training_Metadata.csv").unlink()
    message = (
        r"no ISIC_2019_Training_Metadata.csv below .* \(tables there: ISIC_2019_Training_GroundTruth.csv\): `imbalkit"
    )
    with pytest.raises(DataError, match=message):
        Isic2019(tables=archive.tables).load()
    with pytest.raises(
        DataError, match=r"ISIC_2020_Training_GroundTruth_v2.csv or .*GroundTruth.csv or train.csv below"
    ):
        IsicMerge(tables=archive.tables).load()
    with pytest.raises(DataError, match="no HAM10000_metadata.csv or HAM10000_metadata.tab or HAM10000_metadata below"):
        Ham10000(tables=archive.tables).load()


def test_two_tables_that_differ(archive):
    archive.ham10000("ISIC_1,mel,L1", "ISIC_2,nv,L2")
    archive.ham10000("ISIC_1,mel,L1", "ISIC_2,nv,L2", name="copy/HAM10000_metadata.csv")
    assert len(Ham10000(tables=archive.tables).load()) == 2
    archive.ham10000("ISIC_1,mel,L1", name="copy/HAM10000_metadata.csv")
    with pytest.raises(
        DataError, match=r"one HAM10000_metadata.csv .* found two that differ: .*HAM.*csv and .*copy/HAM"
    ):
        Ham10000(tables=archive.tables).load()


def test_columns_that_are_not_there(archive):
    archive.write("ISIC_2020_Training_GroundTruth.csv", "image_name,patient,target", "ISIC_1,P1,0")
    with pytest.raises(DataError, match="no column 'patient_id'; did you mean 'patient'"):
        Isic2020(tables=archive.tables).load()
    archive.isic_2020()
    with pytest.raises(DataError, match="has no rows"):
        Isic2020(tables=archive.tables).load()


def test_rows_that_contradict_themselves(archive):
    archive.isic_2020("ISIC_1,P1,0", "ISIC_2,P1,2", "ISIC_3,P1,")
    with pytest.raises(
        DataError, match=r"2 of 3 rows of .* have no target of 0 or 1: row 2 \(ISIC_2\), row 3 \(ISIC_3\)"
    ):
        Isic2020(tables=archive.tables).load()
    archive.isic_2020("ISIC_1,P1,0", ",P1,0")
    with pytest.raises(DataError, match=r"1 of 2 rows .* have no image_name: row 2"):
        Isic2020(tables=archive.tables).load()
    archive.ham10000("ISIC_1,nv,L1", "ISIC_2,melanoma,L1")
    with pytest.raises(DataError, match=r"1 of 2 rows .* none of akiec, .*, vasc: row 2 \(ISIC_2: melanoma\)"):
        Ham10000(tables=archive.tables).load()


def test_rows_with_no_or_two_diagnoses(archive):
    archive.isic_2019("ISIC_1,NV,", "ISIC_2,nothing,", "ISIC_3,MEL,", "ISIC_4,BCC,")
    file = archive.root / "ISIC_2019_Training_GroundTruth.csv"
    file.write_text(file.read_text().replace("ISIC_3,1.0,0.0", "ISIC_3,1.0,1.0"))
    message = (
        r"2 of 4 rows .* a single 1 among MEL, .*UNK, the rest 0: row 2 \(ISIC_2: none\), row 3 \(ISIC_3: MEL\+NV\)"
    )
    with pytest.raises(DataError, match=message):
        Isic2019(tables=archive.tables).load()
    file.write_text(file.read_text().replace("ISIC_3,1.0,1.0", "ISIC_3,0.5,0.5").replace("ISIC_2,0.0", "ISIC_2,1.0"))
    with pytest.raises(DataError, match=r"1 of 4 rows .* row 3 \(ISIC_3: MEL\+NV\)"):
        Isic2019(tables=archive.tables).load()


def test_rows_without_metadata(archive):
    archive.isic_2019("ISIC_1,NV,", "ISIC_2,MEL,", metadata=["ISIC_1,30.0,,,"])
    with pytest.raises(
        DataError, match=r"1 of 2 rows of .*GroundTruth.csv have no row in .*Metadata.csv: row 2 \(ISIC_2\)"
    ):
        Isic2019(tables=archive.tables).load()
    archive.isic_2019("ISIC_1,NV,", metadata=["ISIC_1,30.0,,,", "ISIC_1,30.0,,,"])
    assert len(Isic2019(tables=archive.tables).load()) == 1
    archive.isic_2019("ISIC_1,NV,", metadata=["ISIC_1,30.0,,,", "ISIC_1,40.0,,,"])
    with pytest.raises(DataError, match=r"1 of 2 rows .* name an image again with other values: row 2"):
        Isic2019(tables=archive.tables).load()


# --- the official tables ----------------------------------------------------------------------------------------------


@needs_official
@pytest.mark.parametrize(
    "part, counts, groups, alone",
    [
        (Isic2020(tables=str(OFFICIAL)), (32542, 584), 2056, 0),
        (Isic2019(tables=str(OFFICIAL)), (20809, 4522), 11847, 2084),
        (Ham10000(tables=str(OFFICIAL)), (8902, 1113), 7470, 0),
        (IsicMerge(tables=str(OFFICIAL)), (32542, 5106), 3395, 337),
        (IsicMerge(tables=str(OFFICIAL), form="2020"), (32542, 584), 2056, 0),
        (IsicMerge(tables=str(OFFICIAL), form="both_years"), (48533, 5106), 12007, 2084),
    ],
    ids=lambda value: f"{value.name}-{getattr(value, 'form', '')}" if hasattr(value, "name") else "",
)
def test_official_counts(part, counts, groups, alone):
    table = part.load()
    assert table.counts() == counts
    assert table.frame["group"].nunique() == groups
    assert table.frame["group"].isna().sum() == alone
    assert table.frame["isic_id"].is_unique


@needs_official
def test_official_diagnoses():
    table = Isic2019(tables=str(OFFICIAL), target="diagnosis").load()
    expected = {"AK": 867, "BCC": 3323, "BKL": 2624, "DF": 239, "MEL": 4522, "NV": 12875, "SCC": 628, "VASC": 253}
    assert dict(zip(table.classes, table.counts(), strict=True)) == expected
    table = Ham10000(tables=str(OFFICIAL), target="diagnosis").load()
    assert dict(zip(table.classes, table.counts(), strict=True)) == {
        "akiec": 327, "bcc": 514, "bkl": 1099, "df": 115, "mel": 1113, "nv": 6705, "vasc": 142
    }  # fmt: skip


@needs_official
def test_the_papers_split_and_how_it_leaks():
    table = IsicMerge(tables=str(OFFICIAL)).load()
    split = split_table(table, SplitSettings(validation=0, test=0.2, group=False, seed=0))
    assert split.counts == {"train": (26033, 4085), "validation": (0, 0), "test": (6509, 1021)}
    train, test = table.frame.iloc[split.train], table.frame.iloc[split.test]
    of_2020 = test[test["year"] == 2020]
    assert of_2020["patient_id"].isin(train["patient_id"]).mean() > 0.99
    of_2019 = test[test["year"] == 2019]
    assert of_2019["lesion_id"].dropna().isin(train["lesion_id"].dropna()).sum() / len(of_2019) == pytest.approx(
        0.79, abs=0.005
    )
    assert (of_2020["label"] == "melanoma").sum() == 127
    grouped = split_table(table, SplitSettings(validation=0.1, test=0.2, seed=0))
    assert grouped.shared_groups == 0
    held_out = table.frame.iloc[grouped.test]
    rest = table.frame.drop(index=grouped.test)
    assert not held_out["patient_id"].dropna().isin(rest["patient_id"]).any()
    assert not held_out["lesion_id"].dropna().isin(rest["lesion_id"]).any()
