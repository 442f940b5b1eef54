"""`data: {corrections: file}`: exactly the rows named change, and what does not fit is refused with file and row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from imbalkit.data.corrections import corrected_table
from imbalkit.data.table import Table
from imbalkit.errors import DataError
from imbalkit.recipe.prepare import prepare
from imbalkit.runs.data_record import record_of


@pytest.fixture
def table():
    return Table.build(
        pd.DataFrame({"path": [f"d/{n}.png" for n in range(6)], "label": list("aabbba"), "age": range(6)})
    )


@pytest.fixture
def corrected(tmp_path, table):
    def correct(text, table=table):
        (tmp_path / "c.csv").write_text(text)
        return corrected_table(table, tmp_path / "c.csv")

    return correct


def test_labels_change_and_rows_go(corrected):
    found = corrected("path,label,corrected_label,leave_out\nd/1.png,a,b,\n4.png,b,,yes\nd/0.png,a,,\n")
    assert found.frame["label"].tolist() == ["a", "b", "b", "b", "a"]
    assert found.frame["age"].tolist() == [0, 1, 2, 3, 5]
    assert found.removed[["path", "label", "reason"]].to_numpy().tolist() == [["d/4.png", "b", "corrections"]]
    assert "1 row (1 a to b), and 1 row left out" in found.cautions[0]
    assert record_of(found)["label_before"].tolist() == ["a", "a", "b", "b", "a"]
    assert record_of(found)["code"].tolist() == [0, 1, 1, 1, 0]


def test_arrays_are_corrected_by_sample(corrected):
    pixels = np.arange(24, dtype=np.uint8).reshape(6, 2, 2, 1)
    found = corrected(
        "sample,corrected_label,leave_out\n2,a,\n0,,1\n", Table.build(pd.DataFrame({"label": list("aabbba")}), pixels)
    )
    assert found.frame["label"].tolist() == ["a", "a", "b", "b", "a"]
    assert np.array_equal(found.arrays, pixels[1:])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("d/9.png,,b,", r"row 1: the data have no file 'd/9.png'"),
        ("d/0.png,,,\nd/1.png,,c,", r"row 2: the data have no class 'c'"),
        ("d/0.png,b,b,", r"row 1: the label was 'b' when .* now say 'a'"),
        ("d/0.png,,b,yes", r"row 1: has a corrected_label and is to be left out"),
        ("d/0.png,,,perhaps", r"row 1: `leave_out` is 'perhaps'"),
        ("d/0.png,,b,\nd/0.png,,,yes", r"row 2: .* earlier row"),
        ("d/0.png,,b,\nd/1.png,,b,\nd/5.png,,,yes", r"leaves no row of class 'a'"),
        ("d/0.png,,B,", r"row 1: the data have no class 'B'; did you mean 'b'\?"),
        (",,b,", r"row 1: `path` is empty"),
    ],
)
def test_what_does_not_fit_is_refused(corrected, rows, message):
    with pytest.raises(DataError, match=message):
        corrected(f"path,label,corrected_label,leave_out\n{rows}\n")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfsample;path;label;corrected_label;leave_out\r\n0;d/0.png;a;b;\r\n1;d/1.png;a;;TRUE\r\n;;;;\r\n",
        b'sep=;\r\n"path";"corrected_label";"leave_out"\r\n"d/0.png";"b";""\r\n"d/1.png";"";"Yes"\r\n',
        "path\tcorrected_label\tleave_out\nd/0.png\tb\t\nd/1.png\t\tx\n".encode("utf-16"),
        b"path,corrected_label,leave_out\n d/0.png , b ,\nd/0.png,,\nd/1.png, ,1\n,,\n",
    ],
    ids=["bom, semicolons, CRLF", "Excel's separator line", "UTF-16 tabs", "spaces and unfilled rows"],
)
def test_files_as_spreadsheets_save_them(table, tmp_path, content):
    (tmp_path / "c.csv").write_bytes(content)
    found = corrected_table(table, tmp_path / "c.csv")
    assert found.frame["label"].tolist() == list("bbbba")
    assert found.frame["age"].tolist() == [0, 2, 3, 4, 5]


@pytest.mark.parametrize("sample", ["-1", "6", "2.5", "\u00b2", "1e0", ""])
def test_samples_that_are_none(corrected, sample):
    table = Table.build(pd.DataFrame({"label": list("aabbba")}), np.zeros((6, 2, 2, 1), dtype=np.uint8))
    with pytest.raises(DataError, match=r"c\.csv, row 2: expected a sample from 0 to 5, got"):
        corrected(f"sample,corrected_label\n0,b\n{sample},b\n", table)


def test_a_misspelt_column_is_not_passed_over(corrected):
    with pytest.raises(DataError, match=r"no column 'corrected_label'; did you mean 'corected_label'\?"):
        corrected("path,corected_label,leave_out\nd/0.png,b,\n")
    assert corrected("path,label,leave_out\nd/0.png,a,yes\n").frame["age"].tolist() == [1, 2, 3, 4, 5]


def test_a_file_without_corrections_or_paths(corrected, table, tmp_path):
    with pytest.raises(DataError, match="neither a column"):
        corrected("path,label\nd/0.png,a\n")
    with pytest.raises(DataError, match="no column 'path'"):
        corrected("sample,leave_out\n0,yes\n")
    with pytest.raises(DataError, match="no file"):
        corrected_table(table, tmp_path / "none.csv")


def test_a_recipe_reads_them_and_one_without_keeps_its_hash(photographs, tmp_path):
    data = {"name": "table", "file": str(photographs / "labels.csv"), "label_column": "kind"}
    (tmp_path / "c.csv").write_text("path,corrected_label,leave_out\ncommon/001.png,rare,\nrare/000.png,,yes\n")
    plain = prepare({"data": data})
    found = prepare({"data": data | {"corrections": str(tmp_path / "c.csv")}})
    assert plain.table.counts() == (90, 30)
    assert found.table.counts() == (89, 30)
    assert "corrections" not in plain.recipe.to_yaml()
    assert "corrections" in found.recipe.to_yaml()
