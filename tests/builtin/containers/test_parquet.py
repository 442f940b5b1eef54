"""Parquet files with a column of images."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from imbalkit.builtin.containers import parquet
from imbalkit.builtin.datasets import TableDataset
from imbalkit.data.table_files import read_table
from imbalkit.errors import DataError
from imbalkit_lite.containers import in_reading_order, members_of
from imbalkit_lite.images import decode
from imbalkit_lite.inputs import find_inputs
from imbalkit_lite.opening import read_file


def picture(number):
    stream = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


PICTURES = [picture(number) for number in range(1000)]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name="part-0.parquet", cells=None, rows=1000, **columns):
    cells = cells or [{"bytes": content, "path": None} for content in PICTURES[:rows]]
    table = {"image": cells, "label": [number % 2 for number in range(len(cells))], **columns}
    pq.write_table(pa.table(table), name, row_group_size=300)


def test_rows_of_a_struct_and_of_plain_bytes(here):
    write()
    write("plain.parquet", PICTURES)
    for name in ("part-0.parquet", "plain.parquet"):
        assert members_of(name).names() == [str(row) for row in range(1000)]
        for row in (0, 17, 299, 300, 999, 5):
            assert read_file(f"{name}!{row}")[0] == PICTURES[row]
            assert read_file(f"{name}!image/{row}")[0] == PICTURES[row]


def test_any_order_gives_the_right_row(here):
    write()
    for row in np.random.default_rng(0).permutation(1000)[:200]:
        assert read_file(f"part-0.parquet!{row}")[0] == PICTURES[row]


def test_each_row_group_is_read_once_in_the_container_s_order(here, monkeypatch):
    write()
    groups = []
    real = parquet._Reader._of_group
    monkeypatch.setattr(parquet._Reader, "_of_group", lambda self, group: groups.append(group) or real(self, group))
    paths = [f"part-0.parquet!{row}" for row in np.random.default_rng(0).permutation(1000)]
    ordered = in_reading_order(paths)
    assert ordered == [f"part-0.parquet!{row}" for row in range(1000)]
    for start in range(0, 1000, 40):  # as threads do, which overtake each other
        for path in ordered[start : start + 40][::-1]:
            read_file(path)
    assert groups == [0, 1, 2, 3]


def test_two_columns_of_images_are_named(here):
    write(rows=50, back=PICTURES[50:100])
    assert read_file("part-0.parquet!back/7")[0] == PICTURES[57]
    with pytest.raises(DataError, match="part-0.parquet holds no '7'"):
        read_file("part-0.parquet!7")
    frame = read_table(Path("part-0.parquet"))
    assert frame["back"][3] == f"{here}/part-0.parquet!back/3"


@pytest.mark.parametrize("name, message", [
    ("1000", "holds no '1000'"),
    ("-1", "holds no '-1'"),
    ("x", "holds no 'x'"),
    ("label/3", "holds no 'label/3'"),
])  # fmt: skip
def test_rows_that_are_not_there(here, name, message):
    write()
    with pytest.raises(DataError, match=message):
        read_file(f"part-0.parquet!{name}")


def test_files_that_are_none(here):
    write(rows=10)
    content = (here / "part-0.parquet").read_bytes()
    (here / "cut.parquet").write_bytes(content[:200])
    pd.DataFrame({"label": [1]}).to_parquet("no.parquet")
    write("gap.parquet", [{"bytes": PICTURES[0], "path": None}, {"bytes": None, "path": "a.png"}])
    for path, message in (
        ("cut.parquet!0", "is no Parquet file, or not all of it"),
        ("no.parquet!0", r"has no column of images \(columns: label\)"),
        ("gap.parquet!1", "row 1 of column 'image' holds no image's bytes"),
    ):
        with pytest.raises(DataError, match=message):
            read_file(path)


def test_a_table_of_its_own_images(here):
    write(rows=60, age=list(range(60)))
    frame = read_table(Path("part-0.parquet"))
    assert frame["image"].tolist() == [f"{here}/part-0.parquet!{row}" for row in range(60)]
    assert list(frame) == ["image", "label", "age"]
    table = TableDataset(file="part-0.parquet", path_column="image").load()
    assert (decode(table.frame["path"][7]) == decode(PICTURES[7])).all()
    items = list(find_inputs(["part-0.parquet"], "image"))
    assert items[3].file == f"{here}/part-0.parquet!3"
    assert items[3].extra == {"label": 1, "age": 3}


def test_other_binary_columns_stay_as_they_are(here):
    pd.DataFrame({"label": [b"a", b"b"], "n": [1, 2]}).to_parquet("t.parquet")
    assert read_table(Path("t.parquet"))["label"].tolist() == [b"a", b"b"]
