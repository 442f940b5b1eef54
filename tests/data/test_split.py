"""The split, against scikit-learn, on made tables and on the official ISIC tables."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, train_test_split

from imbalkit.data.split import split_table
from imbalkit.data.split_settings import SplitSettings
from imbalkit.data.table import Table
from imbalkit.errors import DataError
from tests.properties import examples

ISIC = Path(__file__).parents[3] / "shared" / "data" / "isic_tables"
needs_isic = pytest.mark.skipif(not ISIC.exists(), reason="the ISIC tables (../shared/data/isic_tables) are absent")


def table_of(labels, groups=None, **columns) -> Table:
    frame = pd.DataFrame({"label": labels, **columns})
    if groups is not None:
        frame["group"] = groups
    return Table.build(frame)


def paper_table() -> Table:
    return table_of(["benign"] * 32542 + ["malignant"] * 5106)


@pytest.fixture(scope="module")
def isic_2020() -> Table:
    frame = pd.read_csv(ISIC / "ISIC_2020_Training_GroundTruth.csv")
    return table_of(frame["benign_malignant"], frame["patient_id"])


@pytest.fixture(scope="module")
def isic_2019() -> Table:
    truth = pd.read_csv(ISIC / "ISIC_2019_Training_GroundTruth.csv")
    labels = truth.columns[1:][truth.iloc[:, 1:].to_numpy().argmax(axis=1)]
    return table_of(labels, pd.read_csv(ISIC / "ISIC_2019_Training_Metadata.csv")["lesion_id"])


def check_partition(split, table: Table) -> None:
    sides = (split.train, split.validation, split.test)
    assert all(side.dtype == np.int64 and (np.diff(side) > 0).all() for side in sides)
    assert np.array_equal(np.sort(np.concatenate(sides)), np.arange(len(table)))
    for name, side in zip(("train", "validation", "test"), sides, strict=True):
        assert split.counts[name] == table.counts(side)


def check_groups(split, table: Table) -> None:
    train, validation, test = (set(table.groups[side].tolist()) for side in (split.train, split.validation, split.test))
    assert not train & validation
    assert not (train | validation) & test


# --- without groups -----------------------------------------------------------------------------------------------


def test_the_papers_counts():
    split = split_table(paper_table(), SplitSettings(test=0.2, validation=0))
    assert split.counts == {"train": (26033, 4085), "validation": (0, 0), "test": (6509, 1021)}
    check_partition(split, paper_table())


@pytest.mark.parametrize("seed", [0, 7])
def test_ungrouped_test_rows_are_scikit_learns(seed):
    table = table_of(np.random.default_rng(1).choice(list("aaab"), 997))
    split = split_table(table, SplitSettings(seed=seed))
    expected = train_test_split(np.arange(997), test_size=0.2, stratify=table.labels, random_state=seed)[1]
    assert np.array_equal(split.test, np.sort(expected))
    assert abs(len(split.validation) - 0.2 * 997) <= 1
    folds = StratifiedKFold(4, shuffle=True, random_state=seed).split(np.zeros(997), table.labels)
    for number, (_, expected) in enumerate(folds):
        fold = split_table(table, SplitSettings(seed=seed, folds=4, fold=number))
        assert np.array_equal(fold.test, expected)
        assert abs(len(fold.validation) - 0.2 * 997) <= 1


def test_the_seed_moves_the_split_and_the_validation_share_does_not_move_the_test():
    first, again, other = (split_table(paper_table(), SplitSettings(seed=seed)) for seed in (0, 0, 1))
    assert np.array_equal(first.test, again.test)
    assert np.array_equal(first.validation, again.validation)
    assert not np.array_equal(first.test, other.test)
    assert not np.array_equal(first.validation, other.validation)
    assert np.array_equal(first.test, split_table(paper_table(), SplitSettings(validation=0.1)).test)


def test_a_rare_class_gets_a_sample_in_each_split():
    for seed in range(20):
        split = split_table(table_of(["a"] * 300 + ["b"] * 4 + ["c"] * 3), SplitSettings(seed=seed))
        assert all(min(counts) >= 1 for counts in split.counts.values()), split.counts
        assert split.counts["train"][0] > split.counts["test"][0]


def test_too_few_samples_name_the_class():
    with pytest.raises(
        DataError, match=r"train, validation and test needs 3 samples or more of each class, but 'b' has 2: leave such"
    ):
        split_table(table_of(["a"] * 100 + ["b"] * 2), SplitSettings())
    split = split_table(table_of(["a"] * 100 + ["b"] * 2), SplitSettings(validation=0))
    assert split.counts["train"][1] == split.counts["test"][1] == 1
    with pytest.raises(DataError, match=r"5 folds needs 5 samples or more of each class, but 'b' has 4"):
        split_table(table_of(["a"] * 100 + ["b"] * 4), SplitSettings(folds=5, fold=0))
    with pytest.raises(DataError, match=r"too few for 5 classes in each split: change split.test"):
        split_table(table_of(list("abcde") * 4), SplitSettings(test=0.1))


# --- groups -------------------------------------------------------------------------------------------------------


@needs_isic
@pytest.mark.parametrize("kwargs", [{}, {"validation": 0.15, "test": 0.15, "seed": 3}, {"folds": 5, "fold": 2}])
def test_isic_2020_by_patient(isic_2020, kwargs):
    chosen = SplitSettings(**kwargs)
    start = time.process_time()
    split = split_table(isic_2020, chosen)
    assert time.process_time() - start < 2  # 0.1 s measured
    check_partition(split, isic_2020)
    check_groups(split, isic_2020)
    assert sum(split.groups.values()) == 2056
    assert (split.missing_groups, split.shared_groups, split.notes) == (0, 0, ())
    share = chosen.test if chosen.folds is None else 0.2
    for side, asked in (("validation", chosen.validation), ("test", share)):
        assert len(getattr(split, side)) == pytest.approx(asked * 33126, abs=8)
        assert split.counts[side][1] == pytest.approx(asked * 584, abs=1.5)
        assert split.groups[side] == pytest.approx(asked * 2056, rel=0.12)  # no side gets the small patients only


@needs_isic
def test_where_the_largest_patients_go_depends_on_the_seed(isic_2020):
    sizes = np.bincount(isic_2020.groups)
    largest = np.argsort(-sizes)[:40]
    hits = []
    for seed in range(12):
        split = split_table(isic_2020, SplitSettings(seed=seed))
        hits.append(np.isin(largest, isic_2020.groups[split.test]))
    assert 0.1 < np.mean(hits) < 0.3
    assert (np.mean(hits, axis=0) < 1).all()
    assert (np.mean(hits, axis=0) > 0).sum() > 20


@needs_isic
def test_isic_2019_by_lesion_with_missing_ids(isic_2019):
    start = time.process_time()
    split = split_table(isic_2019, SplitSettings())
    assert time.process_time() - start < 2  # 0.15 s measured; StratifiedGroupKFold takes 2.5 s
    check_partition(split, isic_2019)
    check_groups(split, isic_2019)
    assert split.missing_groups == 2084
    assert sum(split.groups.values()) == 11847 + 2084
    for label, count in enumerate(isic_2019.counts()):
        assert split.counts["test"][label] == pytest.approx(0.2 * count, abs=0.001 * count + 2)
        assert split.counts["validation"][label] == pytest.approx(0.2 * count, abs=0.001 * count + 2)


@needs_isic
def test_group_folds_are_disjoint_and_as_balanced_as_scikit_learns(isic_2020):
    labels, groups = isic_2020.labels, isic_2020.groups
    folds = [split_table(isic_2020, SplitSettings(folds=5, fold=fold)).test for fold in range(5)]
    assert np.array_equal(np.sort(np.concatenate(folds)), np.arange(len(labels)))
    library = StratifiedGroupKFold(5, shuffle=True, random_state=0).split(labels, labels, groups)
    theirs = [test for _, test in library]
    for measure in (len, lambda rows: labels[rows].sum()):
        spread, their_spread = (np.ptp([measure(rows) for rows in every]) for every in (folds, theirs))
        assert spread <= max(their_spread, 2)


def test_group_false_counts_the_shared_groups():
    table = table_of(list("ab") * 50, np.repeat(np.arange(10), 10).astype(str))
    split = split_table(table, SplitSettings(group=False))
    expected = train_test_split(np.arange(100), test_size=0.2, stratify=table.labels, random_state=0)[1]
    assert np.array_equal(split.test, np.sort(expected))
    sides = [set(table.groups[rows]) for rows in (split.train, split.validation, split.test)]
    assert split.shared_groups == sum(sum(group in side for side in sides) > 1 for group in range(10)) > 0


def test_missing_groups_are_groups_of_their_own():
    groups = ["p1"] * 6 + ["p2"] * 6 + ["p3"] * 6 + [None] * 82
    split = split_table(table_of(list("ab") * 50, groups), SplitSettings())
    assert split.missing_groups == 82
    assert sum(split.groups.values()) == 85
    assert split.summary["missing_groups"] == 82
    assert len(split.test) == pytest.approx(20, abs=1)


def test_too_few_groups_name_the_class():
    groups = [f"p{row % 20}" for row in range(60)] + ["q1"] * 10 + ["q2"] * 10
    with pytest.raises(
        DataError, match=r"train, validation and test needs 3 groups or more of each class, but 'b' has 2"
    ):
        split_table(table_of(["a"] * 60 + ["b"] * 20, groups), SplitSettings())


def test_groups_that_cannot_be_assigned_are_an_error():
    # Every two of a, b, c, d share groups so that one class always lacks a side (four groups, three sides).
    pairs = [(label, group) for group, held in enumerate(["abc", "abd", "acd", "bcd"]) for label in held]
    table = table_of([label for label, _ in pairs], [str(group) for _, group in pairs])
    with pytest.raises(DataError, match="its groups cannot be assigned so that each part"):
        split_table(table, SplitSettings())


def test_large_groups_are_noted():
    table = table_of(["a", "b"] * 60, np.repeat(["x", "y", "z"], 40))
    split = split_table(table, SplitSettings(test=0.1, validation=0.1))
    assert any("whole groups make test 33.3% of the samples; 10.0% were requested" in note for note in split.notes)


@given(
    rows=st.integers(12, 200),
    classes=st.integers(2, 4),
    patients=st.integers(3, 150),
    missing=st.floats(0, 1),
    validation=st.sampled_from([0.0, 0.1, 0.25, 0.4]),
    test=st.sampled_from([0.05, 0.2, 0.5]),
    folds=st.sampled_from([None, 2, 3, 5]),
    grouped=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
@examples(150)
def test_any_split_is_a_partition_or_a_clear_error(
    rows, classes, patients, missing, validation, test, folds, grouped, seed
):
    rng = np.random.default_rng(seed)
    groups = pd.Series(rng.integers(0, patients, rows).astype(str)).mask(rng.random(rows) < missing)
    table = table_of(rng.integers(0, classes, rows).astype(str), groups)
    chosen = SplitSettings(
        validation=validation,
        test=test,
        group=grouped,
        seed=seed,
        folds=folds,
        fold=None if folds is None else folds - 1,
    )
    try:
        split = split_table(table, chosen)
    except DataError as error:
        assert "class" in str(error)
        return
    check_partition(split, table)
    again = split_table(table, chosen)
    assert np.array_equal(split.test, again.test)
    assert np.array_equal(split.validation, again.validation)
    if grouped and table.groups is not None:
        check_groups(split, table)
        assert split.shared_groups == 0
    for side, wanted in (("train", True), ("test", True), ("validation", validation > 0)):
        assert (min(split.counts[side]) >= 1) is wanted


# --- a column -----------------------------------------------------------------------------------------------------


def test_a_column_with_aliases():
    names = ["train", "Training ", "VAL", "valid", "dev", "validation", "test", "testing"]
    table = table_of(["a"] * 8 + ["b"] * 8, part=names * 2)
    split = split_table(table, SplitSettings(column="part"))
    assert split.train.tolist() == [0, 1, 8, 9]
    assert split.validation.tolist() == [2, 3, 4, 5, 10, 11, 12, 13]
    assert split.test.tolist() == [6, 7, 14, 15]
    assert split.notes == ()


def test_validation_is_sampled_from_the_columns_train_rows():
    table = table_of(["a", "b"] * 100, split=["train"] * 150 + ["test"] * 50)
    split = split_table(table, SplitSettings(column="split", validation=0.2))
    assert np.array_equal(split.test, np.arange(150, 200))
    assert split.counts["validation"] == (15, 15)
    assert "has no validation samples: 0.2 of its train samples became validation" in split.notes[0]
    assert not len(split_table(table, SplitSettings(column="split", validation=0)).validation)
    grouped = table_of(["a", "b"] * 100, np.repeat(np.arange(40), 5).astype(str), split=["train"] * 150 + ["test"] * 50)
    split = split_table(grouped, SplitSettings(column="split"))
    check_groups(split, grouped)
    assert len(split.validation) == pytest.approx(30, abs=5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["train"] * 6 + ["test", "holdout", "holdout", "x"], r"got 'holdout' \(2 samples\), 'x' \(1 samples\)"),
        (["train"] * 6 + ["test", None, None, "test"], r"2 samples have no value \(the first is row 7\)"),
        (["train"] * 10, "has no test samples"),
        (["test"] * 10, "has no train samples"),
        (["test"] + ["train", "test"] * 4 + ["train"], "has no train samples of a; expected some of each class"),
    ],
)
def test_a_bad_column(values, message):
    with pytest.raises(DataError, match=message):
        split_table(table_of(["a", "b"] * 5, part=values), SplitSettings(column="part"))


def test_without_test_samples():
    table = table_of(["a", "b"] * 20, part=["train"] * 30 + ["val"] * 10)
    for settings in (SplitSettings(test=0, validation=0.25), SplitSettings(test=0, column="part")):
        split = split_table(table, settings)
        assert [len(split.train), len(split.validation), len(split.test)] == [30, 10, 0]
        assert not split.notes
    assert len(split_table(table, SplitSettings(test=0, validation=0)).train) == 40


def test_an_absent_column_suggests_one():
    with pytest.raises(DataError, match="no column 'spilt'; did you mean 'split'"):
        split_table(table_of(["a", "b"], split=["train", "test"]), SplitSettings(column="spilt"))


def test_a_class_without_test_samples_is_noted():
    table = table_of(["a", "b", "a", "b", "a"], split=["train", "train", "test", "val", "val"])
    assert "no test samples of b" in split_table(table, SplitSettings(column="split")).notes[0]


def test_a_class_without_validation_samples_is_noted():
    table = table_of(["a", "b", "a", "b", "b"], split=["train", "train", "test", "test", "val"])
    assert "no validation samples of a" in split_table(table, SplitSettings(column="split")).notes[0]


def test_a_column_that_shares_groups():
    table = table_of(
        ["a", "b"] * 6, ["p1", "p1", "p2", "p2", *"cdefghij"], split=["train", "test"] * 2 + ["train"] * 4 + ["val"] * 4
    )
    with pytest.raises(DataError, match=r"puts 2 groups in more than one split \(such as 'p1', 'p2'\)"):
        split_table(table, SplitSettings(column="split"))
    assert split_table(table, SplitSettings(column="split", group=False)).shared_groups == 2


def test_an_unused_split_column_is_noted():
    table = table_of(["a", "b"] * 20, split=["train", "test"] * 20)
    assert "column 'split', which is not used" in split_table(table, SplitSettings()).notes[0]


# --- settings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"column": "split", "folds": 3}, "a column or folds, got both"),
        ({"fold": 1}, "a fold needs folds"),
        ({"folds": 3, "fold": 3}, "expected a fold from 0 to 2, got 3"),
        ({"test": 0.5, "validation": 0.5}, "leave nothing to train on"),
        ({"folds": 2, "fold": 0, "validation": 0.5}, "leave nothing to train on"),
        ({"test": 1.0}, "less than 1"),
        ({"test": "0.2"}, "valid number"),
        ({"folds": 1}, "greater than or equal to 2"),
    ],
)
def test_settings_are_checked(values, message):
    with pytest.raises(ValidationError, match=message):
        SplitSettings(**values)


def test_resolved_settings_can_be_read_again():
    for chosen in (SplitSettings(column="split"), SplitSettings(folds=3, fold=1, validation=0)):
        assert SplitSettings(**chosen.model_dump()) == chosen


def test_folds_without_a_fold_show_the_first():
    table = table_of(["a", "b"] * 20)
    shown = split_table(table, SplitSettings(folds=4))
    assert np.array_equal(shown.test, split_table(table, SplitSettings(folds=4, fold=0)).test)
    assert shown.notes == ("the split shown is fold 0 of 4",)


def test_a_split_column_without_test_samples_is_noted():
    frame = pd.DataFrame({"label": ["a", "b"] * 20, "split": ["train"] * 30 + ["validation"] * 10})
    (note,) = split_table(Table.build(frame), SplitSettings()).notes
    assert note == "the data have a column 'split' (train, validation), which is not used: it has no test samples"
    frame["split"] = "train"
    assert split_table(Table.build(frame), SplitSettings()).notes == ()
