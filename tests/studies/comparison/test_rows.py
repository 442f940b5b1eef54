"""Which runs may be compared: the first difference is named."""

import numpy as np
import pytest

from imbalkit.errors import RunError
from imbalkit.studies.comparison.rows import check_same_rows, groups_of, load_runs, predictions_of

LABELS = np.array([0, 1, 0, 0, 1, 0])
SCORES = np.array([-1.0, 2.0, 0.5, -2.0, -0.5, 0.1])
PATHS = [f"pictures/{row}.png" for row in range(6)]


@pytest.fixture
def pair(tmp_path, make_run):
    """A function that writes two runs, the second one with changes, and reads both."""

    def make(first=None, **second):
        make_run(tmp_path / "a", **{"labels": LABELS, "scores": SCORES} | (first or {}))
        make_run(tmp_path / "b", **{"labels": LABELS, "scores": SCORES} | second)
        return load_runs([tmp_path / "a", tmp_path / "b"], None)

    return make


def test_the_same_rows_pass(pair):
    check_same_rows(pair())


def test_folders_may_have_moved_and_runs_may_know_no_paths(pair):
    check_same_rows(pair({"paths": PATHS}, paths=[f"/else/where/{row}.png" for row in range(6)]))


def test_one_run_may_know_no_paths(pair):
    check_same_rows(pair({"paths": PATHS}))


def test_rows_may_come_in_another_order(pair):
    turned = [3, 0, 5, 1, 4, 2]
    runs = pair({"paths": PATHS, "scores": SCORES}, labels=LABELS[turned], scores=SCORES[turned], sources=turned)
    check_same_rows(runs)
    first, second = (predictions_of(run, "chosen") for run in runs.values())
    assert np.array_equal(first.labels, second.labels)
    assert first.probabilities == pytest.approx(second.probabilities)
    assert np.array_equal(first.decisions, second.decisions)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (
            {"paths": PATHS},
            {"paths": PATHS, "labels": [0, 1, 1, 0, 1, 0]},
            r"a and b were not tested on the same rows.*: row 3 of test is sample 2 \(2.png, benign\) in a and "
            r"sample 2 \(2.png, melanoma\) in b",
        ),
        (
            {"paths": PATHS},
            {"paths": [*PATHS[:5], "pictures/9.png"]},
            r"row 6 .* sample 5 \(5.png, .* sample 5 \(9.png,",
        ),
        (
            {},
            {"sources": [0, 1, 2, 3, 4, 8]},
            r"row 6 of test is sample 5 \(benign\) in a and sample 8 \(benign\) in b",
        ),
        (
            {},
            {"labels": LABELS[:5], "scores": SCORES[:5]},
            r"6 and 5 rows; row 6 .* is sample 5 \(benign\) in a and none in b",
        ),
        (
            {},
            {"classes": ("benign", "nevus"), "positive": "nevus"},
            "different classes: benign, melanoma; benign, nevus",
        ),
        ({}, {"positive": "benign"}, "different positive classes: melanoma, benign"),
    ],
)
def test_other_rows_are_refused(pair, first, second, message):
    runs = pair(first, **second)
    with pytest.raises(RunError, match=message):
        check_same_rows(runs)


def test_runs_without_test_rows_are_refused(pair):
    none = {"labels": np.zeros(0, dtype=int), "scores": np.zeros(0)}
    with pytest.raises(RunError, match="a has no test rows"):
        check_same_rows(pair(none, **none))


def test_runs_are_called_by_as_much_of_their_path_as_tells_them_apart(tmp_path, make_run):
    folders = [tmp_path / sweep / name for sweep, name in (("x", "fold-0"), ("y", "fold-0"), ("x", "fold-1"))]
    for folder in folders:
        make_run(folder, LABELS, SCORES)
    assert list(load_runs(folders, None)) == ["x/fold-0", "y/fold-0", "x/fold-1"]
    assert list(load_runs(folders[1:], None)) == ["fold-0", "fold-1"]
    assert list(load_runs(folders, folders[2])) == ["x/fold-1", "x/fold-0", "y/fold-0"]  # the reference comes first
    assert list(load_runs(folders[:1], folders[1])) == ["y/fold-0", "x/fold-0"]
    with pytest.raises(RunError, match="expected two runs to compare, got .*fold-0"):
        load_runs([folders[0], folders[0].parent / "fold-0"], None)


def test_groups_are_those_of_the_first_run_that_knows_them(pair):
    groups, notes = groups_of(
        pair(groups=["p", "p", None, "q", None, "q"], sources=[5, 4, 3, 2, 1, 0], labels=LABELS[::-1])
    )
    assert notes == ["Groups are those of b; not every run knows them."]
    assert groups[0] == groups[2]
    assert groups[4] == groups[5]
    assert len(set(groups)) == 4  # a row without a group is one of its own


def test_groups_of_one_row_each_are_none(pair):
    assert groups_of(pair({"groups": list("abcdef")}, groups=list("abcdef"))) == (None, [])


def test_one_half_is_uncalibrated(tmp_path, make_run):
    make_run(tmp_path / "a", LABELS, SCORES, threshold=0.9)
    make_run(
        tmp_path / "b", [0, 1, 2], np.array([[2.0, 0, 0], [0, 1, 3], [0, 0, 1]]), classes=("a", "b", "c"), positive=None
    )
    two, three = load_runs([tmp_path / "a", tmp_path / "b"], None).values()
    assert predictions_of(two, "chosen").decisions.tolist() == [0] * 6
    assert predictions_of(two, "half").decisions.tolist() == (SCORES >= 0).astype(int).tolist()
    assert predictions_of(three, "half").decisions.tolist() == [0, 2, 2]
    assert predictions_of(two, "half").train_counts == (90, 10)
