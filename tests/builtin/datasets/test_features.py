"""Tables whose columns are the samples: what is read, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from imbalkit.builtin.datasets.features import FeatureTable
from imbalkit.errors import DataError
from tests.tables import write_patients


def load(**parameters):
    return FeatureTable.model_validate(parameters).load()


def without_name(data):
    return {key: value for key, value in data.items() if key != "name"}


def test_all_columns_but_those_with_another_part_are_the_sample(tmp_path):
    table = load(**without_name(write_patients(tmp_path)))
    assert table.features.columns == ("age", "noise", "site", "unit", "record")
    assert table.classes == ("ill", "well")
    assert table.arrays.shape == (300, 1, 1, 0)
    assert not table.arrays.size
    assert table.groups.max() == 149


def test_parquet_gives_the_same_as_csv(tmp_path):
    one, two = (load(**without_name(write_patients(tmp_path, file=name))) for name in ("a.csv", "a.parquet"))
    pd.testing.assert_frame_equal(
        one.frame[["age", "noise", "label", "group"]], two.frame[["age", "noise", "label", "group"]]
    )
    assert one.features == two.features


def test_tables_by_split_labels_and_rows_without_a_label(tmp_path):
    for name, rows in (("a", "1,0\n2,1\n3,?\n"), ("b", "4,1\n5,0\n")):
        (tmp_path / f"{name}.csv").write_text("x,y\n" + rows)
    files = {"train": str(tmp_path / "a.csv"), "test": str(tmp_path / "b.csv")}
    table = load(file=files, label_column="y", labels={"0": "no", "1": "yes"}, missing_labels=["?"])
    assert table.classes == ("no", "yes")
    assert table.frame["split"].tolist() == ["train"] * 2 + ["test"] * 2
    assert table.removed["row"].tolist() == [3]
    with pytest.raises(DataError, match="1 of 3 rows .* have no label in column 'x'|names no class for"):
        load(file=str(tmp_path / "a.csv"), label_column="y", labels={"0": "no", "1": "yes"})


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"columns": ["age", "size"]}, "no column 'size'"),
        ({"categories": ["size"]}, "`categories` names 'size'"),
        ({"label_column": "sick"}, "no column 'sick'"),
    ],
)
def test_what_is_not_there(tmp_path, parameters, message):
    with pytest.raises(DataError, match=message):
        load(**without_name(write_patients(tmp_path)) | parameters)


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"columns": ["age", "outcome"]}, "'outcome' is the label"),
        ({"columns": ["age", "age"]}, "names 'age' twice"),
        ({"numeric": ["age"], "categories": ["age"]}, "leave it in one"),
    ],
)
def test_columns_that_contradict_each_other(tmp_path, parameters, message):
    with pytest.raises(ValidationError, match=message):
        load(**without_name(write_patients(tmp_path)) | parameters)


def test_a_column_named_as_a_part_of_the_table_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("x,label,y\n1,0,a\n2,1,b\n")
    with pytest.raises(DataError, match="has a column 'label' beside the one that is the label: rename it"):
        load(file=str(tmp_path / "a.csv"), label_column="y")


def test_gaps_in_labels_are_named_by_row(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,a\n2,\n3,b\n")
    with pytest.raises(DataError, match=r"1 of 3 rows .* \(rows 2\)"):
        load(file=str(tmp_path / "a.csv"), label_column="y")


def test_it_is_sampled_as_any_table(tmp_path):
    data = without_name(write_patients(tmp_path))
    table = FeatureTable.model_validate(data | {"sample": 0.5}).read()
    assert len(table.arrays) == len(table) < 300
    assert np.all(np.array(table.counts()) > 0)


def test_a_file_of_embed_is_taken_as_it_is(tmp_path):
    frame = pd.DataFrame(
        {"source": [0, 1], "path": ["a.jpg", "b.jpg"], "label": ["x", "y"], "split": ["train", "test"]}
    )
    frame = frame.assign(feature_0000=np.float32([0.5, 1.5]))
    frame.attrs["imbalkit"] = {"network": {}}
    frame.to_parquet(tmp_path / "f.parquet")
    table = FeatureTable(file=str(tmp_path / "f.parquet"), split_column="split").load()
    assert table.features.columns == ("feature_0000",)
    with pytest.raises(
        DataError, match="has a column 'split' beside the one that is the split: name it in `split_column`"
    ):
        FeatureTable(file=str(tmp_path / "f.parquet")).load()
