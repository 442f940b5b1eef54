"""Runs on data that are not quite the same: aligned by what rows are, noted, or refused."""

import numpy as np
import pandas as pd
import pytest

from imbalkit.data.row_hashes import hashes_of
from imbalkit.errors import RunError
from imbalkit.studies.comparison import compare
from imbalkit.studies.comparison.data import align, data_notes
from imbalkit.studies.comparison.rows import check_same_rows, load_runs, predictions_of

LABELS = np.array([0, 1, 0, 0, 1, 0])
SCORES = np.array([-1.0, 2.0, 0.5, -2.0, -0.5, 0.1])
NAMES = ["benign", "melanoma"]


@pytest.fixture
def pair(tmp_path, make_run):
    """A function that writes two runs whose records have ten rows of training after or before those of the test."""

    def make(files=True, **changes):
        for name in "ab":
            own = changes if name == "b" else {}
            before = own.get("before", 0)
            rows = pd.DataFrame({"label": np.array(NAMES)[LABELS], "code": LABELS, "split": "test"})
            rows["content"] = own.get("content", np.arange(6)).astype(np.uint64)
            rows["path"] = [f"data/{row}.png" for row in range(6)]
            order = own.get("order", np.arange(6))
            rows = rows.iloc[order]
            training = pd.DataFrame({"label": "benign", "code": 0, "split": "train"}, index=range(100, 110))
            training["content"] = training.index.astype(np.uint64)
            training["path"] = [f"data/{row}.png" for row in training.index]
            training = training.iloc[own.get("dropped", 0) :]
            record = pd.concat([training.iloc[:before], rows, training.iloc[before:]], ignore_index=True)
            make_run(
                tmp_path / name,
                LABELS[order],
                SCORES[order],
                sources=np.arange(6) + before,
                paths=rows["path"].tolist() if files else None,
            )
            (record if files else record.drop(columns="path")).to_parquet(tmp_path / name / "data.parquet")
        return load_runs([tmp_path / "a", tmp_path / "b"], None)

    return make


def test_the_same_data_need_no_note(pair):
    runs, notes = align(pair())
    check_same_rows(runs)
    assert notes == data_notes(runs) == []


@pytest.mark.parametrize("files", [True, False])
@pytest.mark.parametrize(
    "changes", [{"before": 4}, {"order": [3, 0, 5, 1, 4, 2]}, {"before": 2, "order": [5, 4, 3, 2, 1, 0]}]
)
def test_test_rows_at_other_places_are_aligned(pair, changes, files):
    runs, notes = align(pair(files, **changes))
    check_same_rows(runs)
    assert notes == ["The test rows of b stand at other places in its data; they were found by their content."]
    first, second = (predictions_of(run, "chosen") for run in runs.values())
    assert np.array_equal(first.labels, second.labels)
    assert np.array_equal(first.probabilities, second.probabilities)


def test_other_training_rows_are_noted(pair, tmp_path):
    pair(dropped=2)
    found = compare([tmp_path / "a", tmp_path / "b"], resamples=100)
    (note,) = [note for note in found.notes if "training" in note]
    assert note == "The training rows of b are not those of a: 2 rows are missing (such as data/100.png)."


def test_other_pictures_under_the_same_names_are_noted(pair):
    runs, _ = align(pair(content=np.array([0, 1, 2, 3, 40, 50])))
    check_same_rows(runs)
    assert data_notes(runs) == [
        "2 of 6 test images have different content in b than in a, under the same names or places."
    ]


def test_other_samples_without_names_are_refused(pair):
    runs, _ = align(pair(files=False, content=np.array([0, 1, 3, 2, 4, 60])))
    check_same_rows(runs)
    with pytest.raises(
        RunError, match="not tested on the same rows.*3 of 6 test samples have the pixels of others, such as"
    ):
        data_notes(runs)


def test_the_same_samples_at_another_size_are_noted(pair):
    runs, _ = align(pair(files=False, content=np.arange(6) + 900))
    assert data_notes(runs) == [
        "6 of 6 test images have different pixels in b than in a, under the same names or places."
    ]


@pytest.fixture
def tables(tmp_path, make_run):
    """A function that writes two runs on the same rows of a table whose networks are given some of its columns."""
    values = {"age": list("453454"), "size": list("121121"), "site": list("aabbab")}

    def make(*columns, **changes):
        for name, own in zip("ab", columns, strict=True):
            record = pd.DataFrame({"label": np.array(NAMES)[LABELS], "code": LABELS, "split": "test"})
            cells = {column: (values | (changes if name == "b" else {}))[column] for column in own}
            record["content"] = hashes_of(list(cells.values()))
            for column, texts in cells.items():
                record[f"input_{column}"] = texts
            make_run(tmp_path / name, LABELS, SCORES, image_shape=[1, 1, 0])
            record.to_parquet(tmp_path / name / "data.parquet")
        return load_runs([tmp_path / "a", tmp_path / "b"], None)

    return make


@pytest.mark.parametrize(
    "columns, note",
    [
        ((["age"], ["size"]), "only age in a and size in b"),
        ((["age", "size"], ["size"]), "only age in a"),
        ((["age"], ["age", "site", "size"]), "only site, size in b"),
    ],
)
def test_the_same_rows_of_a_table_with_other_columns_are_compared(tables, columns, note):
    runs, notes = align(tables(*columns))
    check_same_rows(runs)
    assert notes == []
    assert data_notes(runs) == [f"The networks are given different columns: {note}."]


def test_columns_in_another_order_are_the_same(tables):
    runs, _ = align(tables(["age", "size"], ["size", "age"]))
    assert data_notes(runs) == []


def test_other_values_of_a_shared_column_are_noted(tables):
    runs, _ = align(tables(["age", "size"], ["age"], age=list("453456")))
    assert data_notes(runs)[1:] == [
        "1 of 6 test rows have different values in b than in a, under the same names or places."
    ]


def test_rows_of_a_table_that_have_the_values_of_others_are_refused(tables):
    runs, _ = align(tables(["age"], ["age"], age=list("453455")))
    with pytest.raises(RunError, match="1 of 6 test samples have the values of others"):
        data_notes(runs)


def test_runs_without_records_are_compared_by_what_is_known(tmp_path, make_run):
    for name in "ab":
        make_run(tmp_path / name, LABELS, SCORES)
    runs, notes = align(load_runs([tmp_path / "a", tmp_path / "b"], None))
    assert notes == data_notes(runs) == []
