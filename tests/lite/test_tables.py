"""Tables of paths against pandas, which reads the same files; and what cannot be read."""

from __future__ import annotations

import gzip
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imbalkit.data.table_files import read_table as read_frame
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
        ("a.csv", "x,path,,y\n1,a.png,3,4\n"),
        ("a.csv", "path,x\na.png,1"),
        ("a.csv", "path,x\n"),
        ("a.CSV", "path,größe\nä.png,1\n"),
    ],
)
def test_a_table_is_what_pandas_reads(tmp_path, name, text):
    path = write(tmp_path / name, text)
    header, rows, *_ = read_table(path)
    delimiter = "\t" if ".tsv" in name.lower() else next((one for one in ";|\t" if one in text.split("\n")[0]), ",")
    frame = pd.read_csv(path, sep=delimiter, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    expected = frame.astype(object).where(frame.notna(), None)
    assert list(header) == list(expected.columns)
    assert [list(row) for row in rows] == expected.to_numpy().tolist()


@pytest.mark.parametrize(
    "header, names",
    [
        ("x,path,x,,x", ["x (1st)", "path", "x (2nd)", "Unnamed: 3", "x (3rd)"]),
        ("x, x ,x (1st)", ["x (1st)'", "x (2nd)", "x (1st)"]),
        ("x,x,x,x", ["x (1st)", "x (2nd)", "x (3rd)", "x (4th)"]),
        ("x,X", ["x", "X"]),
    ],
)
def test_columns_that_share_a_name_have_none_of_them_under_it(tmp_path, header, names):
    path = write(tmp_path / "a.csv", f"{header}\n{','.join(map(str, range(len(header.split(',')))))}\n")
    assert list(read_table(path).header) == names == list(read_frame(path))
    assert read_table(path).rows[0] == tuple(map(str, range(len(names))))


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\0\ufeff"), max_size=6)
CELL = CELL.filter(
    lambda text: not text.startswith(" ") or any(letter in text for letter in ',"\n')
)  # those are quoted


@given(rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=4))
def test_what_pandas_writes_is_read(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("tables") / "a.csv"
    pd.DataFrame(rows, columns=["path", "note"]).to_csv(path, index=False)
    expected = [tuple(cell or None for cell in row) for row in rows if any(row)]
    assert read_table(path)[:2] == (("path", "note"), expected)


def test_a_compressed_table(tmp_path):
    with gzip.open(tmp_path / "a.tsv.gz", "wt") as file:
        file.write("path\tx\na.png\t1\n")
    assert read_table(tmp_path / "a.tsv.gz")[:2] == (("path", "x"), [("a.png", "1")])


def test_parquet_keeps_its_types(tmp_path):
    frame = pd.DataFrame({"path": ["a.png", None], "age": [7, 8], "size": [0.5, float("nan")]})
    frame.to_parquet(tmp_path / "a.parquet")
    expected = (("path", "age", "size"), [("a.png", 7, 0.5), (None, 8, None)])
    assert read_table(tmp_path / "a.parquet")[:2] == expected
    assert frame_rows(frame) == expected


def test_parquet_columns_may_be_called_by_numbers(tmp_path):
    codes = pd.array([2**60 + 1, None], dtype="Int64")
    pd.DataFrame({0: [0.5, 1.5], 1: codes}).to_parquet(tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet")[:2] == (("0", "1"), [(0.5, 2**60 + 1), (1.5, None)])


def test_parquet_needs_pandas(tmp_path, monkeypatch):
    path = write(tmp_path / "a.parquet", "x")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"a\.parquet is a Parquet table, which needs pandas.*save it as CSV"):
        read_table(path)


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("a.csv", b"", r"a\.csv is empty: expected a header and one row an image"),
        ("a.csv", b"path\nN\xe4.png\n", r"a\.csv is not UTF-8 text \(line 2: 'Nä\.png'\): save it as CSV \(UTF-8\)"),
        ("a.csv", "path\na.png\n".encode("utf-16")[:-1], r"a\.csv is not UTF-8 text"),
        ("a.csv", b"path,x\na.png,1\nb.png,1,2\n", r"a\.csv: row 2: expected 2 cells as in the header, got 3"),
        ("a.csv", b"path\n" + b"x" * 200_000, r"a\.csv cannot be read as a table: field larger"),
        ("a.csv.gz", b"path\na.png\n", r"a\.csv\.gz cannot be read as a table: Not a gzipped file"),
        ("a.csv.gz", gzip.compress(b"path\n" * 99, mtime=0)[:-9], r"a\.csv\.gz cannot be read as a table"),
        ("a.parquet", b"PAR1", r"a\.parquet cannot be read as a table"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, name, content, message):
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


PLAIN = "path;größe\r\na.png;1\r\nb.png;2\r\n"
ROWS = (("path", "größe"), [("a.png", "1"), ("b.png", "2")])
HABITS = {
    "sep= line": ("\ufeffsep=;\r\n" + PLAIN).encode(),
    "quoted sep= line": ('"SEP=;"\r\n' + PLAIN).encode(),
    "sep= line with separators": ("sep=;;\n" + PLAIN).encode(),
    "sep= says what the header does not": "sep=|\npath|größe\na.png|1\nb.png|2\n".encode(),
    "blanks": "path ,  größe\na.png,   1\n b.png, 2\n".encode(),
    "blanks before quotes": 'path, "größe"\na.png, "1"\nb.png, "2"\n'.encode(),
    "UTF-16": PLAIN.replace(";", "\t").encode("utf-16"),
    "UTF-16 big-endian": b"\xfe\xff" + PLAIN.encode("utf-16-be"),
    "UTF-16 without a mark": PLAIN.encode("utf-16-le"),
    "UTF-32": PLAIN.encode("utf-32"),
    "marks in the middle": ("\ufeff" + PLAIN.replace("b.png", "\ufeffb.png")).encode(),
    "empty columns": "path;größe;;\r\na.png;1;;\r\nb.png;2;;\r\n".encode(),
    "empty columns below the header": "path;größe\r\na.png;1;;\r\nb.png;2;;\r\n".encode(),
    "empty rows": (PLAIN + ";;\r\n" * 5000 + ";\r\n").encode(),
    "old Macs": PLAIN.replace("\r\n", "\r").encode(),
    "separators in quotes": 'path;"größe"\n"a.png";1\nb.png;"2"\n'.encode(),
}


@pytest.mark.parametrize("habit", HABITS)
@pytest.mark.parametrize("name", ["t.csv", "t.txt", "t.csv.gz", "t.csv.zip"])
def test_habits_of_excel(tmp_path, name, habit):
    if name.endswith("gz"):
        (tmp_path / name).write_bytes(gzip.compress(HABITS[habit]))
    elif name.endswith("zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("t.csv", HABITS[habit])
    else:
        (tmp_path / name).write_bytes(HABITS[habit])
    assert is_table(tmp_path / name)
    assert read_table(tmp_path / name)[:2] == ROWS
    frame = read_frame(tmp_path / name, text=["path", "größe"])  # as `run` and `init` read it
    assert tuple(frame.columns) == ROWS[0]
    assert list(frame.itertuples(index=False, name=None)) == ROWS[1]


def test_more_cells_than_the_header(tmp_path):
    for rows in ("a.png,1,x\nb.png,2,y\n", "a.png,1\nb.png,2,y\n"):  # not moved to the left
        (tmp_path / "a.csv").write_text("path,n\n" + rows)
        for read in (read_table, read_frame):
            with pytest.raises(DataError, match=r"row [12]"):
                read(tmp_path / "a.csv")


def test_line_breaks_and_separators_in_quotes(tmp_path):
    (tmp_path / "a.csv").write_text('"pa;;;;th\n(of it)",n\n"a\n;b.png",1\n')
    assert read_table(tmp_path / "a.csv")[:2] == (("pa;;;;th\n(of it)", "n"), [("a\n;b.png", "1")])
    assert read_frame(tmp_path / "a.csv")["n"].tolist() == [1]


def test_the_index_counts_the_rows_of_the_file(tmp_path):
    (tmp_path / "a.csv").write_text("path,n\na,1\n,\nb,2\n,\n")
    assert read_frame(tmp_path / "a.csv").index.tolist() == [0, 2]
    assert read_table(tmp_path / "a.csv")[1] == [("a", "1"), ("b", "2")]
