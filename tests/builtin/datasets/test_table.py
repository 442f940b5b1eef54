from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from imbalkit.builtin.datasets import TableDataset
from imbalkit.errors import DataError

SHARED = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture
def file(tmp_path):
    """Three images and the table that lists them."""
    for name in ("007.jpg", "8.jpg", "9.jpg"):
        (tmp_path / "images" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "images" / name).touch()
    (tmp_path / "t.csv").write_text(
        "path,label,patient,set,age,note\n"
        "images/007.jpg,1,007,train,30,NA\n"
        "images/8.jpg,0,,val,,x\n"
        "images/9.jpg,0,7,test,50,y\n"
    )
    return tmp_path / "t.csv"


def test_columns(file):
    part = TableDataset(file=str(file), group_column="patient", split_column="set")
    table = part.load()
    assert table.classes == ("0", "1")
    assert table.counts() == (2, 1)
    assert table.frame["path"][0] == str(file.parent / "images" / "007.jpg")
    assert table.frame["group"][0] == "007"
    assert table.frame["group"].isna().tolist() == [False, True, False]
    assert len(set(table.groups.tolist())) == 3  # "007", "7", and the missing one by itself
    assert table.frame["split"].tolist() == ["train", "validation", "test"]
    assert table.frame["age"].dtype == np.float64
    assert set(table.frame) == {"path", "label", "group", "split", "age", "note"}
    assert table.notes == ()


@pytest.mark.parametrize("kind", ["tsv", "parquet", "semicolon", "bom", "gz"])
def test_formats_give_the_same_table(file, kind):
    expected = TableDataset(file=str(file), group_column="patient").load().frame
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    if kind == "parquet":
        frame["label"] = frame["label"].astype(int)
        frame["age"] = pd.to_numeric(frame["age"])
        frame["patient"] = frame["patient"].replace("", None)
        frame["note"] = frame["note"].replace("NA", None)
        other = file.with_suffix(".parquet")
        frame.to_parquet(other)
    else:
        other = file.with_name({"tsv": "t.tsv", "gz": "t.csv.gz"}.get(kind, "other.csv"))
        frame.to_csv(
            other,
            index=False,
            sep={"tsv": "\t", "semicolon": ";"}.get(kind, ","),
            encoding="utf-8-sig" if kind == "bom" else "utf-8",
        )
    result = TableDataset(file=str(other), group_column="patient").load().frame
    pd.testing.assert_frame_equal(result, expected, check_dtype=kind != "parquet")


def test_labels_get_names_and_order(file):
    part = TableDataset.model_validate({"file": str(file), "labels": {1: "melanoma", 0: "benign", 5: "never"}})
    table = part.load()
    assert table.classes == ("melanoma", "benign")
    assert table.frame["label"].tolist() == ["melanoma", "benign", "benign"]
    with pytest.raises(DataError, match=r"no class for '0'; it knows '1', '2'"):
        TableDataset.model_validate({"file": str(file), "labels": {1: "a", 2: "b"}}).load()


def test_round_trip_keeps_label_names(file):
    part = TableDataset.model_validate({"file": str(file), "labels": {0: 10, 1: True}})
    dumped = part.model_dump(mode="json")
    assert dumped.pop("name") == "table"
    assert TableDataset.model_validate(dumped) == part
    assert part.labels == {"0": "10", "1": "True"}


@pytest.mark.parametrize(
    "raw, classes",
    [
        (["1.0", "0.0", "1.0"], ("0", "1")),
        (["True", "False", "True"], ("False", "True")),
        (["NA", "None", "NA"], ("NA", "None")),
        (["01", "1", "01"], ("01", "1")),
        (["1.5", "2.0", "2.0"], ("1.5", "2.0")),
    ],
)
def test_labels_of_any_type(file, raw, classes):
    frame = pd.read_csv(file, dtype=str)
    frame["label"] = raw
    frame.to_csv(file, index=False)
    assert TableDataset(file=str(file)).load().classes == classes


def test_missing_labels_and_paths_are_counted_with_rows(file):
    frame = pd.read_csv(file, dtype=str)
    frame.assign(label=["1", None, None]).to_csv(file, index=False)
    with pytest.raises(DataError, match=r"2 of 3 rows .* have no label in column 'label' \(rows 2, 3\)"):
        TableDataset(file=str(file)).load()
    frame.assign(path=[None, "a", "b"]).to_csv(file, index=False)
    with pytest.raises(DataError, match=r"1 of 3 rows .* no image path in column 'path' \(rows 1\)"):
        TableDataset(file=str(file)).load()


@pytest.mark.parametrize("option", ["path_column", "label_column", "group_column", "split_column"])
def test_missing_column_is_named_with_the_nearest(file, option):
    with pytest.raises(
        DataError, match=r"no column 'patiant'; did you mean 'patient'\? \(columns: path, label, patient"
    ):
        TableDataset.model_validate({"file": str(file), option: "patiant"}).load()


def test_missing_images_are_counted_with_rows(file):
    rows = "".join(f"images/no{index}.jpg,0\n" for index in range(12))
    file.write_text("path,label\nimages/8.jpg,1\n" + rows)
    with pytest.raises(DataError, match="12 of 13 image files are not there") as caught:
        TableDataset(file=str(file)).load()
    lines = str(caught.value).splitlines()
    assert lines[1] == f"  row 2: {file.parent / 'images' / 'no0.jpg'}"
    assert len(lines) == 12
    assert lines[-1] == "  ..."
    with pytest.raises(DataError, match="not there: run get-data"):
        TableDataset(file=str(file), how_to_get="run get-data").load()
    assert len(TableDataset(file=str(file), check_files=False).load()) == 13


def test_root_and_template(file, tmp_path):
    file.write_text("id,label\n007,a\n8,b\n")
    part = TableDataset(file=str(file), path_template="{id}.jpg", root=str(tmp_path / "images"))
    assert part.load().frame["path"].tolist() == [str(tmp_path / "images" / name) for name in ("007.jpg", "8.jpg")]
    assert part.load().frame["id"].tolist() == ["007", "8"]
    with pytest.raises(DataError, match=r'set path_template to "\{id\}\.jpg"'):
        TableDataset(file=str(file), path_column="id", root=str(tmp_path / "images")).load()
    with pytest.raises(DataError, match=f"no folder {tmp_path}/elsewhere"):
        TableDataset(file=str(file), path_template="{id}.jpg", root=str(tmp_path / "elsewhere")).load()
    for template in ("x.jpg", "{}.jpg", "{id"):
        with pytest.raises(DataError, match="path_template"):
            TableDataset(file=str(file), path_template=template).load()
    with pytest.raises(DataError, match="no column 'ids'; did you mean 'id'"):
        TableDataset(file=str(file), path_template="{ids}.jpg").load()


def test_metadata_is_chosen_and_never_taken_for_something_else(file):
    assert set(TableDataset(file=str(file), metadata_columns=["age"]).load().frame) == {"path", "label", "age"}
    with pytest.raises(DataError, match="no column 'agee'"):
        TableDataset(file=str(file), metadata_columns=["agee"]).load()
    frame = pd.read_csv(file, dtype=str).rename(columns={"note": "split", "label": "target", "age": "label"})
    frame.to_csv(file, index=False)
    table = TableDataset(file=str(file), label_column="target").load()
    assert "split" not in table.frame
    assert "split_in_table" in table.frame
    assert table.classes == ("0", "1")
    assert "the table's column 'label' is kept as 'label_in_table'" in table.notes


def test_unknown_split_names(file):
    with pytest.raises(DataError, match=r"column 'note' .* holds .*'x', 'y'.*expected train"):
        TableDataset(file=str(file), split_column="note").load()


def test_repeated_files_are_noted(file):
    file.write_text("path,label\nimages/8.jpg,a\nimages/8.jpg,b\nimages/9.jpg,b\n")
    assert TableDataset(file=str(file)).load().cautions == (
        "2 rows share their image file with another row (1 file) and stay with it in one split where splits are drawn; 1 "
        "file has rows of different labels",
    )


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"path,label\n", "no samples|no rows"),
        ("a.csv", "path,label\n\xe9,1\n".encode("latin-1"), "not UTF-8"),
        ("a.csv", b'path,label\n"x,1\n', "cannot be read as a table"),
        ("a.parquet", b"PAR1", "cannot be read as a table"),
        ("a.xlsx", b"PK", "save it as CSV"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        TableDataset(file=str(tmp_path / name)).load()


@pytest.mark.parametrize("name", ["table.tab", "table", "TABLE.TXT"])
def test_the_header_tells_the_separator_whatever_the_ending(tmp_path, name):
    (tmp_path / name).write_text("path\tlabel\tnote\na.png\tx\t1,2\nb.png\ty\t\n")
    table = TableDataset(file=str(tmp_path / name), check_files=False).load()
    assert table.frame["label"].tolist() == ["x", "y"]
    assert table.frame["note"].tolist()[0] == "1,2"


def test_missing_table(tmp_path):
    with pytest.raises(DataError, match=f"no table at {tmp_path}/t.csv: ask Ann"):
        TableDataset(file=str(tmp_path / "t.csv"), how_to_get="ask Ann").load()


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/data")
def test_isic_2020_groups():
    file = SHARED / "isic_tables" / "ISIC_2020_Training_GroundTruth.csv"
    table = TableDataset.model_validate(
        {
            "file": str(file),
            "path_template": "{image_name}.jpg",
            "label_column": "target",
            "labels": {0: "benign", 1: "melanoma"},
            "group_column": "patient_id",
            "check_files": False,
        }
    ).load()
    assert table.counts() == (32542, 584)
    sizes = np.bincount(table.groups)
    assert (len(sizes), sizes.max()) == (2056, 115)


def test_rows_of_thumbnails_are_cautioned(file):
    for name in ("images/@eaDir/8.jpg", "$RECYCLE.BIN/9.jpg"):
        (file.parent / name).parent.mkdir(exist_ok=True)
        (file.parent / name).touch()
    assert TableDataset(file=str(file)).load().cautions == ()
    with file.open("a") as stream:
        stream.write("images/@eaDir/8.jpg,0,,val,,x\n$RECYCLE.BIN/9.jpg,1,,val,,x\n")
    (said,) = TableDataset(file=str(file)).load().cautions
    assert said.startswith("2 rows name images in folders of file servers or systems")


def test_rows_of_pictures_that_cannot_be_read_are_cautioned(file):
    (file.parent / "images" / "1.HEIC").touch()
    with file.open("a") as stream:
        stream.write("images/1.HEIC,1,,val,,x\n")
    (said,) = TableDataset(file=str(file), labels={"0": "no", "1": "yes"}).load().cautions
    assert said.startswith("1 rows name pictures of a kind that cannot be read (yes: 1 .HEIC): convert them")


def test_paths_are_those_of_this_system(file, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    images = [str(tmp_path / "images" / name) for name in ("007.jpg", "8.jpg", "9.jpg")]
    file.write_text("path,label,id\n~/images/007.jpg,1,007\n~\\images\\8.jpg,0,8\nimages\\9.jpg,0,9\n")
    assert TableDataset(file=str(file)).load().frame["path"].tolist() == images
    for template in ("images\\{id}.jpg", "~/images/{id}.jpg", "~\\images\\{id}.jpg"):
        assert TableDataset(file=str(file), path_template=template).load().frame["path"].tolist() == images
    file.write_text("path,label\n007.jpg,1\n8.jpg,0\n9.jpg,0\n")
    monkeypatch.chdir(tmp_path)
    assert TableDataset(file="~/t.csv", root=".\\images").load().frame["path"][0] == os.path.join("images", "007.jpg")
    file.write_text("path,label\n\\\\server\\share\\a.jpg,1\n")
    with pytest.raises(DataError, match=r"\\server\\share\\a.jpg is a path of another system \(Windows\): set `root`"):
        TableDataset(file=str(file)).load()
    with pytest.raises(DataError, match=r"no table at D:\\t.csv: this is a path of another system \(Windows\)"):
        TableDataset(file="D:\\t.csv").load()
    file.write_text("path,label\na.jpg,1\n")
    with pytest.raises(DataError, match=r"no folder D:\\im, a path of another system \(Windows\)"):
        TableDataset(file=str(file), root="D:\\im").load()


def test_a_table_whose_index_is_kept_in_the_file(file):
    pd.DataFrame({"path": ["images/8.jpg", "images/9.jpg"], "label": [["a"], ["a", "b"]]}, index=["x", "y"]).to_parquet(
        file.with_suffix(".parquet")
    )
    table = TableDataset(file=str(file.with_suffix(".parquet")), finding="b").load()
    assert table.frame["label"].tolist() == ["other", "b"]
