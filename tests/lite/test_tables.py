"""Tables of paths against pandas, which reads the same files; and what cannot be read."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imbalkit_lite.errors import DataError, MissingExtraError
from imbalkit_lite.tables import frame_rows, is_table, read_table


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    "name, text",
    [
        ("a.csv", "path,age,sex\na.png,007,NA\nb.png,,f\n"),
        ("a.csv", '\ufeffpath;note\r\na.png;"one; two"\r\n"b ""c"".png";"two\r\nlines"\r\n'),
        ("a.csv", "path|x\na,b.png|1\n"),
        ("a.csv", "path\tx\na.png\t1\n"),
        ("a.tsv", "path,x\ty\na.png\t1\n"),
        ("a.csv", "path\na.png\n\n\nb.png\n"),
        ("a.csv", "path,x,y\na.png\nb.png,1\n"),
        ("a.csv", "x,path,x,,x\n1,a.png,2,3,4\n"),
        ("a.csv", "path,x\na.png,1"),
        ("a.csv", "path,x\n"),
        ("a.CSV", "path,größe\nä.png,1\n"),
    ],
)
def test_a_table_is_what_pandas_reads(tmp_path, name, text):
    path = write(tmp_path / name, text)
    header, rows = read_table(path)
    delimiter = "\t" if ".tsv" in name.lower() else next((one for one in ";|\t" if one in text.split("\n")[0]), ",")
    frame = pd.read_csv(path, sep=delimiter, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    expected = frame.astype(object).where(frame.notna(), None)
    assert list(header) == list(expected.columns)
    assert [list(row) for row in rows] == expected.to_numpy().tolist()


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=6)


@given(rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=4))
def test_what_pandas_writes_is_read(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("tables") / "a.csv"
    pd.DataFrame(rows, columns=["path", "note"]).to_csv(path, index=False)
    assert read_table(path) == (("path", "note"), [tuple(cell or None for cell in row) for row in rows])


def test_a_compressed_table(tmp_path):
    with gzip.open(tmp_path / "a.tsv.gz", "wt") as file:
        file.write("path\tx\na.png\t1\n")
    assert read_table(tmp_path / "a.tsv.gz") == (("path", "x"), [("a.png", "1")])


def test_parquet_keeps_its_types(tmp_path):
    frame = pd.DataFrame({"path": ["a.png", None], "age": [7, 8], "size": [0.5, float("nan")]})
    frame.to_parquet(tmp_path / "a.parquet")
    expected = (("path", "age", "size"), [("a.png", 7, 0.5), (None, 8, None)])
    assert read_table(tmp_path / "a.parquet") == expected
    assert frame_rows(frame) == expected


def test_parquet_needs_pandas(tmp_path, monkeypatch):
    path = write(tmp_path / "a.parquet", "x")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"a\.parquet is a Parquet table, which needs pandas.*save it as CSV"):
        read_table(path)


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("a.csv", b"", r"a\.csv is empty: expected a header and one row an image"),
        ("a.csv", b"path\n\xff.png\n", r"a\.csv is not UTF-8 text: save it as CSV \(UTF-8\)"),
        ("a.csv", "path\na.png\n".encode("utf-16"), r"a\.csv is not UTF-8 text"),
        ("a.csv", b"path,x\na.png,1\nb.png,1,2\n", r"a\.csv:3: expected 2 cells as in the header, got 3"),
        ("a.csv", b"path\n" + b"x" * 200_000, r"a\.csv cannot be read as a table: field larger"),
        ("a.csv.gz", b"path\na.png\n", r"a\.csv\.gz cannot be read as a table: Not a gzipped file"),
        ("a.csv.gz", gzip.compress(b"path\n" * 99)[:-9], r"a\.csv\.gz cannot be read as a table"),
        ("a.parquet", b"PAR1", r"a\.parquet cannot be read as a table"),
    ],
)
def test_what_is_no_table_is_said(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / name)


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"there is no table .*a\.csv"):
        read_table(tmp_path / "a.csv")


@pytest.mark.parametrize("name", ["a.csv", "a.TSV", "a.b.csv.gz", "a.parquet", "a.pq"])
def test_names_of_tables(name):
    assert is_table(Path(name))


@pytest.mark.parametrize("name", ["a.png", "a.gz", "a.parquet.gz", "csv", "a.xlsx"])
def test_names_of_others(name):
    assert not is_table(Path(name))
