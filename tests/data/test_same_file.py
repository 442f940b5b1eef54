"""One photograph, one split: rows of one real file, however its path is spelt."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imbalkit.data.same_file import file_codes, joined_groups
from imbalkit.data.split import split_table
from imbalkit.data.split_settings import SplitSettings
from imbalkit.data.table import Table
from imbalkit.errors import DataError
from imbalkit.inspection.leaks import find_leaks
from tests.command_line import imbalkit
from tests.properties import examples

pytestmark = pytest.mark.usefixtures("no_charts")


def same(paths) -> list[int]:
    """For each path, the first one of the same file."""
    codes = file_codes(paths).tolist()
    return [codes.index(code) for code in codes]


def test_spellings_and_links_of_one_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "im").mkdir()
    (tmp_path / "im" / "a.png").write_bytes(b"1")
    (tmp_path / "im" / "b.png").write_bytes(b"1")  # the same bytes: another file
    (tmp_path / "folder").symlink_to("im")
    (tmp_path / "link.png").symlink_to("im/a.png")
    os.link("im/b.png", "hard.png")
    paths = ["im/a.png", "./im/a.png", "im/../im/a.png", str(tmp_path / "im/a.png"), "im//a.png", "folder/a.png"]
    assert same([*paths, "link.png", "im/b.png", "hard.png"]) == [0] * 7 + [7, 7]


def test_files_that_are_not_there_are_known_by_their_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    paths = ["no/a.png", "./no/a.png", "no/b/../a.png", f"{tmp_path}/no/a.png", "no/A.png", "a.png", "./a.png"]
    assert same(paths) == [0, 0, 0, 0, 4, 5, 5]
    assert same(["there/a.png", "link/a.png", "there/b.png"]) == [0, 0, 2]
    odd = ["a\0b", "x" * 5000, "..", "no/..", "/", "", "no/.", "\udcff.png"]
    assert same(odd)[:2] == [0, 1]
    assert len(file_codes([])) == 0


@given(st.data())
@examples(100)
def test_joined_groups_are_connected_components(data):
    n = data.draw(st.integers(1, 12))
    files = np.unique(data.draw(st.lists(st.integers(0, 6), min_size=n, max_size=n)), return_inverse=True)[1]
    groups = data.draw(st.lists(st.sampled_from([None, "p", "q", "r"]), min_size=n, max_size=n))
    frame = pd.DataFrame({"path": [f"{code}.png" for code in files], "group": pd.Series(groups, dtype=object)})
    found = joined_groups(frame, files)
    part = np.arange(n)  # by hand: spread the smallest number until nothing changes
    for _ in range(n):
        for i in range(n):
            for j in range(n):
                if files[i] == files[j] or (groups[i] is not None and groups[i] == groups[j]):
                    part[i] = part[j] = min(part[i], part[j])
    for i in range(n):
        alone = (part == part[i]).sum() == 1 and groups[i] is None
        assert found.isna()[i] == alone
        for j in range(n):
            if not alone and not found.isna()[j]:
                assert (found[i] == found[j]) == (part[i] == part[j])


def readers(n: int = 12, **columns) -> Table:
    """Three rows a file, in two spellings; the second and third reader call it malignant."""
    paths = [f"{'./' * (reader == 2)}im/{number}.png" for number in range(n) for reader in range(3)]
    return Table.build(pd.DataFrame({"path": paths, "label": ["benign", "malignant", "malignant"] * n} | columns))


@pytest.mark.parametrize("group", [True, False])
@pytest.mark.parametrize("setting", [{}, {"validation": 0.0}, {"folds": 4, "fold": 1}])
def test_rows_of_one_file_are_on_one_side(setting, group):
    table = readers()
    for seed in range(5):
        split = split_table(table, SplitSettings(seed=seed, group=group, **setting))
        sides = [set(table.files[rows]) for rows in (split.train, split.validation, split.test)]
        assert sum(map(len, sides)) == 12
        assert split.shared_files == split.shared_groups == 0
    assert table.cautions == (
        "36 rows share their image file with another row (12 files) and stay with it in one split where splits are drawn; "
        "12 files have rows of different labels",
    )


def test_the_name_of_such_a_group_stays_when_the_folder_moves():
    names = [
        Table.build(pd.DataFrame({"path": [f"{root}/{name}" for name in ("x/a", "x/a", "y/b")], "label": list("aab")}))
        for root in ("data", "/somewhere/else", "..")
    ]
    assert [table.frame["group"].tolist()[:2] for table in names] == [["same file: x/a"] * 2] * 3


def test_files_join_patients():
    patients = np.array([None] * 36, dtype=object)
    patients[[0, 3]] = "P"  # files 0 and 1
    patients[[4, 6]] = "Q"  # files 1 and 2
    table = readers(patient=patients, group=patients)
    assert len(set(table.groups[:9])) == 1
    assert len(set(table.groups)) == 10
    assert table.frame["group"][:9].unique().tolist() == ["P"]
    assert table.frame["patient"].isna().sum() == 32  # what the table says stays


def test_without_a_repeated_file_nothing_changes():
    rng = np.random.default_rng(0)
    labels, groups = rng.choice(["a", "b"], 200), pd.Series(rng.integers(0, 60, 200)).astype(str)
    for group in (None, groups):
        plain = pd.DataFrame({"label": labels} if group is None else {"label": labels, "group": group})
        bare, table = Table.build(plain), Table.build(plain.assign(path=[f"{n}.png" for n in range(200)]))
        assert table.files is None
        assert table.all_notes == ()
        assert (table.groups is None) == (group is None)
        for options in ({}, {"folds": 3}, {"group": False}):
            first, second = (split_table(t, SplitSettings(**options)) for t in (bare, table))
            assert np.array_equal(first.test, second.test)
            assert np.array_equal(first.validation, second.validation)


def test_a_column_that_tears_files():
    table = readers(split=["train", "train", "test"] * 12)
    with pytest.raises(DataError, match=r"puts 12 image files in more than one split \(such as 'im/0.png', 'im/1.png'"):
        split_table(table, SplitSettings(column="split"))
    split = split_table(table, SplitSettings(column="split", group=False, validation=0.0))
    assert split.shared_files == 12
    assert "split.column 'split' puts rows of 12 image files in more than one split" in split.notes
    checks = {check.name: check for check in find_leaks(table, split, pictures=False)}
    assert checks["file"].overlaps[0].rows == len(split.test)
    assert checks["group"].not_made == "the data have no groups"


def write(folder: Path, rows: list[str]) -> None:
    (folder / "im").mkdir()
    for number in range(12):
        Image.fromarray(np.full((9, 9, 3), number * 20, np.uint8)).save(folder / "im" / f"{number}.png")
    (folder / "t.csv").write_text("\n".join(["path,label,side", *rows]) + "\n")
    (folder / "r.yaml").write_text("data: {name: table, file: t.csv}\nimages: {size: 8}\ntraining: {epochs: 1}\n")


def test_commands_count_them(tmp_path):
    rows = [
        f"{'./' * reader}im/{n}.png,{'ab'[n % 2]},{'train' if reader else 'test'}"
        for n in range(12)
        for reader in (0, 1)
    ]
    write(tmp_path, rows)
    said = "24 rows share their image file with another row (12 files)"
    assert said in imbalkit("init", "t.csv", "--out", "new.yaml", cwd=tmp_path).stdout
    assert said in imbalkit("plan", "r.yaml", cwd=tmp_path).stdout.replace("\n", " ")
    facts = json.loads(imbalkit("plan", "r.yaml", "--json", cwd=tmp_path).stdout)
    assert facts["repeated_files"] == {"files": 12, "rows": 24, "differing_labels": 0, "in_two_splits": 0}
    assert imbalkit("leaks", "r.yaml", "--no-pictures", cwd=tmp_path).returncode == 0
    torn = ["--set", "data.split_column=side", "--set", "split.column=split"]
    refused = imbalkit("plan", "r.yaml", *torn, cwd=tmp_path, check=False)
    assert refused.returncode == 1
    assert "puts 12 image files in more than one split" in refused.stderr.replace("\n", " ")
    torn += ["--set", "split.group=false"]
    assert imbalkit("leaks", "r.yaml", "--no-pictures", *torn, cwd=tmp_path, check=False).returncode == 1
    imbalkit("run", "r.yaml", "--folder", "run", *torn, cwd=tmp_path)
    report = (tmp_path / "run" / "report.html").read_text()
    assert "Photographs in several splits" in report
    assert "12 test rows of 12 show an image file that also has training or validation rows" in report
    assert said in report
