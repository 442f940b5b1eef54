"""Which rows a run has seen, by its data record, also where another run has other data."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from imbalkit.errors import RunError
from imbalkit.runs.held_out import held_out_rows, places, untrained_probabilities
from imbalkit.runs.members import SPLITS, TRAIN


def record(splits, paths=None, groups=None, content=None, labels=None):
    """A data record of rows with these splits ("train", ...)."""
    n = len(splits)
    frame = pd.DataFrame({"label": labels or ["a", "b"] * (n // 2) + ["a"] * (n % 2), "split": splits})
    frame["code"] = frame["label"].map({"a": 0, "b": 1})
    for name, values in (("path", paths), ("group", groups), ("content", content)):
        if values is not None:
            frame[name] = values
    return frame


def member(frame, logits=None):
    """What `held_out_rows` asks of a member; it predicted every row that it was not trained on: [0, row] by default."""
    seen = np.array([SPLITS.index(split or "train") for split in frame["split"]], dtype=np.int8)
    samples = np.flatnonzero(seen < TRAIN)
    given = np.stack([np.zeros(len(samples)), samples.astype(float)], axis=1) if logits is None else logits
    return SimpleNamespace(record=frame, seen=seen, logits=(samples, given), name="other")


class Several:
    """Members whose probabilities are those of their logits."""

    classes = ("a", "b")

    def __init__(self, *runs):
        self.runs = runs

    def __len__(self):
        return len(self.runs)

    def log_probabilities(self, number, logits):
        return logits - np.logaddexp(*logits.T)[:, None]


def names(*numbers, folder="/data"):
    return [f"{folder}/{number}.png" for number in numbers]


def test_rows_are_found_where_the_folder_has_moved_and_the_order_is_another():
    first = record(["train", "validation", "test"], names(1, 2, 3), content=[11, 12, 13])
    moved = record(
        ["test", "train", "train"], names(3, 1, 2, folder="/elsewhere/x"), content=[13, 11, 12], labels=["a", "a", "b"]
    )
    assert places(first, member(moved)).tolist() == [1, 2, 0]
    found = held_out_rows(Several(member(first), member(moved)), first)
    assert found.seen.tolist() == [[2, 1, 0], [2, 2, 0]]
    assert found.known.tolist() == [[False, True, True], [False, False, True]]


def test_a_renamed_file_is_known_by_its_content():
    first = record(["test", "test"], names(1, 2), content=[11, 12])
    renamed = record(["train", "test"], names(1, "two"), content=[11, 12])
    assert places(first, member(renamed)).tolist() == [0, 1]


def test_a_row_of_no_member_is_seen_as_far_as_its_group():
    first = record(["test", "test", "test"], names(1, 2, 3), ["P1", "P2", None], [11, 12, 13])
    other = record(["train", "validation"], names(8, 9), ["P1", "P2"], [18, 19])
    found = held_out_rows(Several(member(first), member(other)), first)
    assert found.seen[1].tolist() == [SPLITS.index("train"), SPLITS.index("validation"), SPLITS.index("test")]
    assert not found.known[1].any()


@pytest.mark.parametrize("whose", ["first", "other"])
def test_a_row_counts_as_trained_on_where_another_of_its_group_was(whose):
    splits, groups = [["test", "test", "validation", "train"], ["test", "train", "test", "train"]], [1, 1, 2, 3]
    first, other = (record(split, names(1, 2, 3, 4), content=[1, 2, 3, 4]) for split in splits)
    if whose == "first":
        first["group"] = groups
    else:  # known from the run with groups alone, which held them out as a whole
        first, other = other, first
        other["group"] = groups
    found = held_out_rows(Several(member(first), member(other)), first)
    ungrouped = found.seen[0 if whose == "other" else 1]
    assert ungrouped.tolist() == [TRAIN, TRAIN, SPLITS.index("test"), TRAIN]
    assert found.by_group.sum() == 1
    assert found.by_group[0 if whose == "other" else 1, 0]
    assert not found.known[:, 0].all()


def test_other_rows_of_a_group_that_only_the_member_has():
    first = record(["test", "test"], names(1, 2), ["P1", "P2"], [11, 12])
    other = record(["test", "test", "train"], names(1, 2, 3), content=[11, 12, 13])
    other["group"] = ["P9", "P2", "P1"]  # another name for the first patient's first picture
    assert held_out_rows(Several(member(first), member(other)), first).seen[1].tolist() == [
        TRAIN,
        SPLITS.index("test"),
    ]


def test_groups_that_a_split_was_told_to_ignore_say_nothing():
    splits = ["test", "train", "validation", "train"]
    own = record(splits, names(1, 2, 3, 4), ["P1", "P1", "P2", "P2"], [1, 2, 3, 4])
    found = held_out_rows(Several(member(own), member(own)), own)
    assert found.seen.tolist() == [[SPLITS.index(split) for split in splits]] * 2
    foreign = record(["test", "test"], names(8, 9), ["P1", "P3"], [18, 19])  # but rows that the run does not have
    assert held_out_rows(Several(member(foreign), member(own)), foreign).seen[1].tolist() == [TRAIN, 0]
    unreadable = record(["test", "", "train", "train"], names(1, 2, 3, 4), ["P1", "P1", "P2", "P2"], [1, 0, 3, 4])
    ungrouped = record(["train", "", "test", "train"], names(1, 2, 3, 4), content=[1, 0, 3, 4])
    assert held_out_rows(Several(member(unreadable), member(ungrouped)), unreadable).seen[1, 2] == TRAIN


def test_files_that_changed_are_refused():
    first = record(["test", "test"], names(1, 2), content=[11, 12])
    with pytest.raises(RunError, match=r"1 rows have other content in the data of other .* such as /data/2\.png"):
        places(first, member(record(["test", "test"], names(1, 2), content=[11, 99])))
    with pytest.raises(RunError, match="1 rows have another label in the data of other"):
        places(first, member(record(["test", "test"], names(1, 2), content=[11, 12], labels=["a", "a"])))


def test_files_and_arrays_cannot_be_matched():
    files = record(["test", "test"], names(1, 2))
    with pytest.raises(RunError, match="some have image files, others arrays"):
        places(files, member(record(["test", "test"], content=[11, 12])))


def test_teachers_speak_of_rows_that_they_were_not_trained_on():
    splits = [["test", "train", "validation", "train"], ["train", "test", "test", "train"]]
    students = record(["train"] * 4, names(1, 2, 3, 4))
    teachers = Several(*(member(record(split, names(1, 2, 3, 4))) for split in splits))
    probabilities, count = untrained_probabilities(teachers, students)
    assert count.tolist() == [1, 1, 2, 0]
    assert probabilities[:3, 1] == pytest.approx([1 / (1 + np.exp(-row)) for row in range(3)])
    assert np.isnan(probabilities[3]).all()
