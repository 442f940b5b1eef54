"""Which members of a teacher teach which rows, and what that leaks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from imbalkit.data.split import Split
from imbalkit.engine.teachers import TESTED, TRAINED, UNSEEN, VALIDATED, Member, plan_lesson, same_groups, seen
from imbalkit.errors import RunError
from imbalkit.kinds import Teacher


def record(splits, **columns):
    return pd.DataFrame({"split": splits, **columns})


def test_samples_are_the_same_by_path():
    then = record(["train", "validation", "test", ""], path=["/a/1.png", "/a/2.png", "/a/3.png", "/a/4.png"])
    now = pd.DataFrame({"path": ["/a/3.png", "/a/1.png", "/a/2.png", "/a/4.png", "/a/5.png"]})
    assert seen(then, now).tolist() == [TESTED, TRAINED, VALIDATED, UNSEEN, UNSEEN]


def test_or_by_path_below_a_folder_that_has_moved():
    then = record(["train", "test"], path=["/old/x/1.png", "/old/y/1.png"])
    now = pd.DataFrame({"path": ["/new/place/y/1.png", "/new/place/x/1.png"]})
    assert seen(then, now).tolist() == [TESTED, TRAINED]


def test_or_by_content_and_the_most_counts():
    then = record(["test", "train"], path=["/a/1.png", "/a/copy.png"], content=np.array([7, 7], dtype=np.uint64))
    now = pd.DataFrame({"path": ["/a/1.png", "/a/9.png"], "content": np.array([7, 0], dtype=np.uint64)})
    assert seen(then, now).tolist() == [TRAINED, UNSEEN]


def test_files_that_cannot_be_read_are_not_the_same():
    then = record(["train", "test"], content=np.array([0, 5], dtype=np.uint64))
    assert seen(then, pd.DataFrame({"content": np.array([0, 5], dtype=np.uint64)})).tolist() == [UNSEEN, TESTED]


def test_a_picture_of_a_group_that_was_trained_on_counts_as_trained_on():
    then = record(["train", "test"], path=["1", "2"], group=["P1", "P2"])
    now = pd.DataFrame({"path": ["1", "2", "3", "4", "5"], "group": ["P1", "P2", "P1", None, None]})
    assert seen(then, now).tolist() == [TRAINED, TESTED, TRAINED, UNSEEN, UNSEEN]
    joined = pd.DataFrame({"path": ["1", "2"], "group": ["A", "A"]})  # the student's groups are coarser
    assert seen(then, joined).tolist() == [TRAINED, TRAINED]
    other = pd.DataFrame({"path": ["8", "9"], "group": ["P1", "P2"]})  # other data, whose P1 is someone else
    assert seen(then, other).tolist() == [UNSEEN, UNSEEN]
    assert same_groups(then, other) == 1
    assert same_groups(then, other.drop(columns="group")) == 0


# --- lessons -----------------------------------------------------------------------------------------------------------


def folds(samples=9, count=3):
    """Members of a cross-validation: fold k tests every third sample from k and chooses its epoch by the next."""
    fold = np.arange(samples) % count
    members = []
    for number in range(count):
        saw = np.where(fold == number, TESTED, TRAINED)
        saw[np.flatnonzero(fold == (number + 1) % count)[0]] = VALIDATED
        members.append(Member(f"fold-{number}", saw.astype(np.int8)))
    return members


SPLIT = Split(train=np.array([1, 2, 4, 5, 7]), validation=np.array([8]), test=np.array([0, 3, 6]), counts={})


def lesson(taught_by, **settings):
    return plan_lesson(Teacher("runs/t", **settings), taught_by, SPLIT, SPLIT.train)


def test_a_row_is_taught_by_the_member_that_had_it_in_its_test():
    found = lesson(folds())
    assert found.teaches.sum(axis=0).tolist() == [1] * 5
    assert found.teaches.argmax(axis=0).tolist() == [row % 3 for row in SPLIT.train]
    assert found.counts == {"unseen": 0, "test": 5, "validation": 0, "train": 0}


def test_by_all_that_never_saw_it():
    members = [*folds(), Member("other", np.zeros(9, dtype=np.int8))]
    assert lesson(members).teaches.sum(axis=0).tolist() == [2] * 5


def test_rather_by_one_that_chose_its_epoch_by_it_than_by_one_that_trained_on_it():
    saw = np.full((2, 9), TRAINED, dtype=np.int8)
    saw[1, 4] = VALIDATED
    saw[:, SPLIT.test] = TESTED
    saw[:, SPLIT.validation] = VALIDATED
    found = lesson([Member("a", saw[0]), Member("b", saw[1])])
    assert found.teaches[:, 2].tolist() == [False, True]
    assert found.counts == {"unseen": 0, "test": 0, "validation": 1, "train": 4}
    assert "4 of 5 training rows itself" in found.notes[0]
    assert "1 of 5 training rows are taught" in found.notes[1]
    assert len(found.notes) == 2
    assert not found.is_refused


def test_what_leaks_out_of_fold_is_noted():
    found = lesson(folds())
    assert found.leaked == {"validation": 1, "test": 3}
    assert not found.is_refused
    assert "trained on 1 of 1 validation rows and 3 of 3 test rows of this run" in found.notes[0]


def test_a_single_run_that_trained_on_test_rows_is_refused_unless_allowed():
    member = Member("run", np.full(9, TRAINED, dtype=np.int8))
    assert lesson([member]).is_refused
    assert not lesson([member], allow_overlap=True).is_refused


def test_members_of_the_same_split_alone():
    members = folds()
    members[0].saw[SPLIT.validation] = VALIDATED
    found = lesson(members, members="same_split")
    assert [member.folder for member in found.members] == ["fold-0"]
    assert found.leaked == {"validation": 0, "test": 0}
    assert found.in_sample == 4
    with pytest.raises(RunError, match="no member of runs/t trained without the validation and test rows"):
        lesson(members[1:], members="same_split")


def test_other_data_are_noted():
    (note,) = lesson([Member("run", np.zeros(9, dtype=np.int8))]).notes
    assert "no sample of this run was found among those of the teacher runs/t" in note
    *_, note = lesson([Member("run", np.zeros(9, dtype=np.int8), 4), Member("other", np.zeros(9, dtype=np.int8))]).notes
    assert note.startswith("4 samples of this run are of groups (patients, lesions) whose names the teacher runs/t")
