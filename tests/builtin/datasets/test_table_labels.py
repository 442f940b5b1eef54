"""Labels as people keep them: one 0/1 column a class, several findings in a cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from imbalkit.builtin.datasets import TableDataset
from imbalkit.errors import DataError

ISIC = Path(__file__).parents[4] / "shared" / "data" / "isic_tables"


def part(tmp_path, text: str, **options) -> TableDataset:
    (tmp_path / "t.csv").write_text(text)
    return TableDataset.model_validate({"file": str(tmp_path / "t.csv"), "check_files": False, **options})


@pytest.mark.parametrize("one, zero", [("1", "0"), ("1.0", "0.0"), ("True", "False"), ("TRUE", "FALSE"), ("1 ", "0 ")])
def test_one_column_a_class(tmp_path, one, zero):
    text = (
        f"path,NV,MEL,UNK,age\na.png,{zero},{one},{zero},7\nb.png,{one},{zero},{zero},8\nc.png,{zero},{one},{zero},9\n"
    )
    table = part(tmp_path, text, label_columns=["MEL", "UNK", "NV"]).load()
    assert table.classes == ("MEL", "NV")  # in the order given, those that occur
    assert table.frame["label"].tolist() == ["MEL", "NV", "MEL"]
    assert list(table.frame) == ["path", "label", "age"]
    named = part(tmp_path, text, label_columns=["MEL", "UNK", "NV"], labels={"NV": "benign", "MEL": "melanoma"}).load()
    assert named.classes == ("benign", "melanoma")


def test_rows_without_a_single_one_are_named(tmp_path):
    text = "path,A,B,C\na,1,0,0\nb,0,0,0\nc,1,1,0\nd,0,0,\n"
    columns = ["A", "B", "C"]
    with pytest.raises(DataError, match=r"1 rows .* something other than 0 and 1 .*: row 4 has nan in column 'C'"):
        part(tmp_path, text, label_columns=columns).load()
    with pytest.raises(DataError, match=r"row 1 has 'x' in column 'A'"):
        part(tmp_path, text.replace("a,1", "a,x"), label_columns=columns).load()
    with pytest.raises(DataError, match=r"1 of 3 rows of .* have no 1 in `label_columns` \(rows 2\)"):
        part(tmp_path, text.replace("d,0,0,\n", ""), label_columns=columns).load()
    with pytest.raises(DataError, match=r"have several in `label_columns` \(rows 3; row 3: A, B\)"):
        part(tmp_path, text.replace("d,0,0,\n", "").replace("b,0,0,0", "b,0,0,1"), label_columns=columns).load()
    with pytest.raises(DataError, match=r"no column 'D'"):
        part(tmp_path, text, label_columns=["A", "D"]).load()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"label_columns": ["A", "B"], "label_column": "label"}, "expected label_columns or label_column, got both"),
        ({"label_columns": ["A", "B"], "finding": "A"}, "expected label_columns or finding, got both"),
        ({"label_separator": "|"}, "label_separator needs `finding`"),
        ({"label_columns": ["A"]}, "at least 2 items"),
    ],
)
def test_keys_that_contradict_each_other(options, message):
    with pytest.raises(ValidationError, match=message):
        TableDataset.model_validate({"file": "t.csv", **options})
    resolved = TableDataset.model_validate({"file": "t.csv", "label_columns": ["A", "B"]})
    dumped = {key: value for key, value in resolved.model_dump(mode="json").items() if key != "name"}
    assert TableDataset.model_validate(dumped) == resolved


TEXT = "path,label\na,Mass\nb,Effusion|Mass\nc,No Finding\nd,Effusion | Edema\ne,Pleural Effusion\n"


def test_one_finding_against_the_rest(tmp_path):
    table = part(tmp_path, TEXT, finding="Effusion", label_separator="|").load()
    assert table.classes == ("other", "Effusion")
    assert table.frame["label"].tolist() == ["other", "Effusion", "other", "Effusion", "other"]
    named = part(tmp_path, TEXT, finding="Mass", label_separator="|", labels={"Mass": "yes", "other": "no"}).load()
    assert named.classes == ("yes", "no")
    lists = 'path,label\na,"[\'A\', \'B\']"\nb,[\'B\']\nc,"[""C"", ""A""]"\nd,[]\n'
    assert part(tmp_path, lists, finding="A").load().frame["label"].tolist() == ["A", "other", "A", "other"]
    other = part(tmp_path, "path,label\na,other\nb,x\n", finding="other").load()
    assert other.classes == ("not other", "other")


def test_a_finding_that_no_row_has(tmp_path):
    with pytest.raises(
        DataError, match=r"no row has 'Efusion'; did you mean 'Effusion'\? \(findings: Mass 2, Effusion 2"
    ):
        part(tmp_path, TEXT, finding="Efusion", label_separator="|").load()
    with pytest.raises(DataError, match="where cells hold several, say what separates them with `label_separator`"):
        part(tmp_path, TEXT, finding="Edema").load()


@pytest.mark.skipif(not ISIC.exists(), reason="the ISIC tables (../shared/data/isic_tables) are absent")
def test_the_official_table_of_isic_2019():
    file = ISIC / "ISIC_2019_Training_GroundTruth.csv"
    columns = ["MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK"]
    table = TableDataset(file=str(file), path_template="{image}.jpg", label_columns=columns, check_files=False).load()
    truth = pd.read_csv(file)
    assert table.classes == tuple(columns[:8])  # no image is UNK
    assert dict(zip(table.classes, table.counts(), strict=True)) == truth[columns[:8]].sum().astype(int).to_dict()
    assert np.array_equal(table.labels, truth[columns].to_numpy().argmax(axis=1))
