"""Cleaning: each rule on hand-written rows, what holds for any rows, and what goes of the official tables."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imbalkit_melanoma.cleaning import near
from imbalkit_melanoma.cleaning.lists import read_published
from imbalkit_melanoma.cleaning.steps import STEPS, clean
from imbalkit_melanoma.datasets import Ham10000, Isic2019, Isic2020, IsicMerge
from imbalkit_melanoma.datasets.table_files import TableFiles
from pydantic import ValidationError

from imbalkit.errors import DataError
from imbalkit.inspection.near_duplicates import DISTANCE
from tests.properties import examples

OFFICIAL = Path(__file__).parents[3] / "shared" / "data" / "isic_tables"
needs_official = pytest.mark.skipif(not OFFICIAL.exists(), reason="needs ../shared/data/isic_tables")
COLUMNS = ["isic_id", "path", "label", "year", "reason", "duplicate_of", "detail"]


def rows(*lines: str) -> pd.DataFrame:
    """Rows such as "A 2020 benign" or "A 2019 melanoma L1"."""
    parts = [line.split() for line in lines]
    return pd.DataFrame(
        {
            "isic_id": [part[0] for part in parts],
            "path": [f"{part[0]}-{part[1]}.jpg" for part in parts],
            "label": [part[2] for part in parts],
            "year": [int(part[1]) for part in parts],
            "lesion_id": [part[3] if len(part) > 3 else None for part in parts],
        }
    )


def gone(frame: pd.DataFrame, steps: str, official: str = "", listed: str = "", pairs: str = "") -> set[str]:
    """What goes, as "A-2020 reason duplicate_of"; `pairs` as "AB4 CD2" (names and distance)."""
    twins = np.array([list(pair) for pair in official.split()], dtype=object).reshape(-1, 2)
    place = {name: row for row, name in enumerate(frame["isic_id"])}
    close = [sorted((place[pair[0]], place[pair[1]])) + [int(pair[2])] for pair in pairs.split()]
    removed = clean(
        frame, steps.split(), twins, frame["isic_id"].isin(list(listed)).to_numpy(), np.array(close).reshape(-1, 3)
    )
    assert list(removed) == COLUMNS
    assert (removed["detail"] != "").all()
    names = [path.removesuffix(".jpg") for path in removed["path"]]
    return {f"{a} {b} {c}".strip() for a, b, c in zip(names, removed["reason"], removed["duplicate_of"], strict=True)}


# --- rules ------------------------------------------------------------------------------------------------------------


def test_without_steps_nothing_goes():
    frame = rows("A 2020 benign L1", "A 2019 melanoma L1", "B 2020 benign")
    assert gone(frame, "", official="AB", listed="A", pairs="AB0") == set()


def test_the_newest_row_of_a_name_stays():
    frame = rows("A 2019 melanoma", "B 2019 benign", "A 2020 melanoma", "B 2020 benign", "A 2018 melanoma")
    expected = {"A-2019 repeated_names A", "A-2018 repeated_names A", "B-2019 repeated_names B"}
    assert gone(frame, "repeated_names") == expected
    assert gone(frame, "official_duplicates") == set()  # of one name, but the list does not speak of them


def test_one_of_each_chain_of_official_duplicates_stays():
    frame = rows("C 2020 benign", "B 2020 benign", "A 2019 benign", "D 2020 benign", "E 2020 benign", "F 2020 benign")
    assert gone(frame, "official_duplicates", official="AB CB EF XD YZ") == {
        "A-2019 official_duplicates B",  # B before C by name, both before A by year
        "C-2020 official_duplicates B",
        "F-2020 official_duplicates E",
    }


def test_what_the_published_list_names_goes():
    frame = rows("A 2020 benign", "B 2020 benign", "C 2020 benign")
    assert gone(frame, "published_lists", listed="AC") == {"A-2020 published_lists", "C-2020 published_lists"}
    # an official duplicate says which row is the twin, but does not make it go
    assert gone(frame, "published_lists", listed="A", official="AB AC") == {"A-2020 published_lists B"}


def test_the_published_list_decides_which_of_a_pair_stays():
    frame = rows("A 2020 benign", "B 2020 benign", "C 2020 benign")
    assert gone(frame, "official_duplicates", listed="A", official="AB") == {"B-2020 official_duplicates A"}
    both = gone(frame, "published_lists official_duplicates", listed="A", official="AB")
    assert both == {"A-2020 official_duplicates B"}
    # the list names all of a picture but the newest: the twin of both is a row that nothing is known of
    both = gone(frame, "published_lists official_duplicates", listed="AB", official="AB")
    assert both == {"A-2020 published_lists", "B-2020 official_duplicates"}


def test_near_duplicates_are_not_followed_in_chains():
    frame = rows("A 2020 benign", "B 2020 benign", "C 2020 benign", "D 2019 benign")
    # C is near B alone, and B goes for A: C stays
    assert gone(frame, "near_duplicates", pairs="AB4 BC2 CD0") == {
        "B-2020 near_duplicates A",
        "D-2019 near_duplicates C",
    }
    assert gone(frame, "official_duplicates", pairs="AB4") == set()


def test_a_near_duplicate_of_a_row_that_went_is_one_of_the_row_that_stays():
    frame = rows("A 2020 benign", "B 2020 benign", "C 2020 benign", "D 2020 benign")
    assert gone(frame, "official_duplicates near_duplicates", official="AB", pairs="BC2 AB0") == {
        "B-2020 official_duplicates A",
        "C-2020 near_duplicates A",
    }
    # the twin of what the published list names is not known: nothing stands for it
    assert gone(frame, "published_lists near_duplicates", listed="B", pairs="BC0") == {"B-2020 published_lists"}


def test_a_duplicate_of_another_label_is_reported():
    frame = rows("A 2020 benign", "B 2020 melanoma", "C 2020 benign")
    pairs = np.array([["A", "B"], ["A", "C"]], dtype=object)
    removed = clean(frame, ["official_duplicates"], pairs)
    assert removed["detail"].tolist() == [
        "one picture by the official list; the row that stays is benign",
        "one picture by the official list",
    ]


def test_duplicate_of_is_a_row_that_stays_in_the_end():
    frame = rows("A 2020 benign", "B 2020 benign", "C 2020 benign", "C 2019 benign")
    steps = "repeated_names official_duplicates near_duplicates"
    assert gone(frame, steps, official="BC", pairs="AB1") == {
        "C-2019 repeated_names A",
        "C-2020 official_duplicates A",
        "B-2020 near_duplicates A",
    }


def test_rows_of_one_picture_with_two_labels_all_go_before_duplicates_do():
    frame = rows("A 2020 benign", "B 2020 melanoma", "C 2020 benign", "D 2020 benign", "E 2020 benign")
    steps = "official_duplicates conflicting_labels"
    assert gone(frame, steps, official="AB BC DE") == {
        "A-2020 conflicting_labels",
        "B-2020 conflicting_labels",
        "C-2020 conflicting_labels",
        "E-2020 official_duplicates D",
    }
    frame = rows("A 2020 benign", "A 2019 melanoma", "B 2020 benign", "B 2019 benign")
    assert gone(frame, "conflicting_labels repeated_names") == {
        "A-2020 conflicting_labels",
        "A-2019 conflicting_labels",
        "B-2019 repeated_names B",
    }


def test_a_lesion_with_two_labels_goes():
    frame = rows(
        "A 2019 melanoma L1", "B 2019 other L1", "C 2019 other L2", "D 2019 other L2", "E 2019 other", "F 2019 melanoma"
    )
    expected = {"A-2019 conflicting_labels", "B-2019 conflicting_labels"}
    assert gone(frame, "conflicting_labels") == expected
    # and with it a row that is one picture with a row of the lesion
    assert gone(frame, "conflicting_labels", official="BC") == expected | {"C-2019 conflicting_labels"}
    detail = clean(frame, ["conflicting_labels"], np.empty((0, 2), dtype=object))["detail"]
    assert set(detail) == {"lesion L1 with two labels (melanoma: A; other: B)"}


def test_near_pictures_with_two_labels_go():
    frame = rows("A 2020 benign", "B 2020 melanoma", "C 2020 benign", "D 2020 benign")
    steps = "conflicting_labels near_duplicates"
    assert gone(frame, steps, pairs="AB4 AC2 CD1") == {
        "A-2020 conflicting_labels",
        "B-2020 conflicting_labels",
        "D-2020 near_duplicates C",
    }
    assert gone(frame, "conflicting_labels", pairs="AB4") == set()  # hashes count where their step is requested


# --- any rows ---------------------------------------------------------------------------------------------------------

ROW = st.tuples(
    st.sampled_from("ABCDEFGH"), st.sampled_from([2019, 2020]), st.sampled_from(["benign", "melanoma"]),
    st.sampled_from(["L1", "L2", "L3", None]), st.booleans(),
)  # fmt: skip
PAIRS = st.lists(st.tuples(st.sampled_from("ABCDEFGHX"), st.sampled_from("ABCDEFGHX")), max_size=5)


@examples(60)
@given(st.lists(ROW, min_size=1, max_size=12, unique_by=lambda row: row[:2]), PAIRS, st.data())
def test_cleaned_rows_of_any_table_are_unique_and_without_conflict(lines, official, data):
    frame = pd.DataFrame(lines, columns=["isic_id", "year", "label", "lesion_id", "listed"])
    frame["path"] = frame["isic_id"] + frame["year"].astype(str)
    steps = data.draw(st.sets(st.sampled_from(STEPS)))
    candidates = list(itertools.combinations(range(len(frame)), 2))
    chosen = data.draw(st.lists(st.sampled_from(candidates), max_size=6, unique=True)) if candidates else []
    near_rows = np.array([(i, j, (i + j) % 5) for i, j in chosen], dtype=np.int64).reshape(-1, 3)
    pairs = np.array(official, dtype=object).reshape(-1, 2)
    removed = clean(frame, steps, pairs, frame["listed"].to_numpy(), near_rows)
    stays = frame.drop(index=removed.index)

    assert set(removed["reason"]) <= steps
    assert set(removed.loc[removed["duplicate_of"] != "", "duplicate_of"]) <= set(stays["isic_id"])
    assert (removed.loc[removed["reason"] == "conflicting_labels", "duplicate_of"] == "").all()
    if "published_lists" not in steps:  # whose twins are not known
        assert (removed.loc[removed["reason"] != "conflicting_labels", "duplicate_of"] != "").all()
    if "repeated_names" in steps:
        assert stays["isic_id"].is_unique
    if "official_duplicates" in steps:
        count = Counter(stays["isic_id"])
        assert all(sum(count[name] for name in {a, b}) <= 1 for a, b in official)
    if "published_lists" in steps:
        assert not stays["listed"].any()
    if "conflicting_labels" in steps:
        assert (stays.groupby("lesion_id")["label"].nunique() <= 1).all()
        assert (stays.groupby("isic_id")["label"].nunique() <= 1).all()
        if "near_duplicates" in steps:
            both = [(i, j) for i, j in chosen if i in stays.index and j in stays.index]
            assert all(frame["label"][i] == frame["label"][j] for i, j in both)
    if "near_duplicates" in steps:
        assert not any(i in stays.index and j in stays.index for i, j in chosen)

    # the same in any order of the rows
    order = data.draw(st.permutations(range(len(frame))))
    back = np.argsort(order)
    again = clean(
        frame.iloc[order].reset_index(drop=True), steps, pairs[::-1, ::-1], frame["listed"].to_numpy()[order],
        np.array([(*sorted((back[i], back[j])), d) for i, j, d in near_rows], dtype=np.int64).reshape(-1, 3)[::-1],
    )  # fmt: skip
    assert again.reset_index(drop=True).equals(removed.reset_index(drop=True))


# --- through a data set -----------------------------------------------------------------------------------------------


def test_a_data_set_reports_the_removed_rows(archive):
    archive.isic_2020("ISIC_1,P1,0", "ISIC_2,P1,0", "ISIC_3,P3,1", "ISIC_4,P4,0", "ISIC_5,P5,0")
    archive.isic_2019("ISIC_4_downsampled,MEL,", "ISIC_6,MEL,L6", "ISIC_7,MEL,L6")
    archive.duplicates("ISIC_1,ISIC_2")
    archive.published("2019/train/ISIC_7", "2020/train/ISIC_1", "2018/train/ISIC_6", "2020/test/ISIC_5")
    part = IsicMerge(tables=archive.tables, clean=["published_lists", "official_duplicates", "conflicting_labels"])
    table = part.load()
    assert list(table.removed) == COLUMNS
    assert table.removed[["isic_id", "label", "year", "reason", "duplicate_of"]].values.tolist() == [
        ["ISIC_4", "melanoma", 2019, "conflicting_labels", ""],
        ["ISIC_4", "benign", 2020, "conflicting_labels", ""],
        ["ISIC_1", "benign", 2020, "official_duplicates", "ISIC_2"],
        ["ISIC_7", "melanoma", 2019, "published_lists", ""],
    ]
    assert table.removed["path"].tolist()[0] == os.path.join(archive.tables, "ISIC_4_downsampled.jpg")
    assert table.frame["isic_id"].tolist() == ["ISIC_2", "ISIC_3", "ISIC_5", "ISIC_6"]
    assert table.removed_counts() == {
        "conflicting_labels": {"benign": 1, "melanoma": 1},
        "official_duplicates": {"benign": 1, "melanoma": 0},
        "published_lists": {"benign": 0, "melanoma": 1},
    }
    assert "4 of 4 image files" in table.problems[0]  # what went need not be there
    assert IsicMerge(tables=archive.tables).load().removed is None
    assert Isic2019(tables=archive.tables, clean=["conflicting_labels"]).load().removed is None
    with pytest.raises(ValidationError, match="'official_duplicates', 'published_lists'"):
        Isic2020(tables="x", clean=["duplicates"])


def test_lists_that_are_not_there(archive):
    archive.isic_2020("ISIC_1,P1,0", "ISIC_2,P1,1")
    archive.isic_2019("ISIC_1,MEL,L1", "ISIC_2,NV,L2")
    with pytest.raises(DataError, match="no ISIC_2020_Training_Duplicates.csv below"):
        Isic2020(tables=archive.tables, clean=["official_duplicates"]).load()
    with pytest.raises(DataError, match=r"needs the list '06 - all_train.*isic_duplicate_removal_strategy"):
        Isic2020(tables=archive.tables, clean=["published_lists"]).load()
    archive.write("lists/06 - all_train_duplicates_deleted_(all but newest).txt", "ISIC_1.jpg")
    with pytest.raises(DataError, match=r"has no line such as '.../2019/train/"):
        Isic2020(tables=archive.tables, clean=["published_lists"]).load()
    notes = Isic2019(tables=archive.tables, clean=["official_duplicates"]).load().notes
    assert notes[0] == "official_duplicates: the list is of ISIC-2020 alone, there is nothing to look for"
    archive.write("ISIC_2020_Training_Duplicates.csv", "image_1,image_2", "ISIC_1,ISIC_2")
    with pytest.raises(DataError, match="no column 'image_name_1'; did you mean 'image_1'"):
        Isic2020(tables=archive.tables).load()


def test_the_published_list_of_either_kind_of_system(archive):
    file = archive.published("2019/train/x/ISIC_1", "2020/test/ISIC_2", "2020/train/ISIC_3")
    file.write_text(file.read_text() + "\nC:\\ISIC\\2019\\train\\in\\ISIC_4_downsampled.JPG\n")
    named = read_published(TableFiles(archive.tables))
    assert named.values.tolist() == [[2019, "ISIC_1"], [2020, "ISIC_3"], [2019, "ISIC_4"]]


def test_ham10000_goes_by_the_list_of_2019(archive):
    archive.ham10000("ISIC_1,mel,L1", "ISIC_2,nv,L2", "ISIC_3,nv,L3")
    archive.published(*(f"2018/train/ISIC_{number}" for number in (1, 2, 3)), "2019/train/ISIC_2")
    table = Ham10000(tables=archive.tables, clean=["published_lists"]).load()
    assert table.removed["isic_id"].tolist() == ["ISIC_2"]


# --- near duplicates --------------------------------------------------------------------------------------------------


def fill_near(archive):
    archive.isic_2020(
        *(f"ISIC_{number},P{number},{int(number == 7)}" for number in range(1, 8))
    )  # without a first image
    for number, (seed, side) in enumerate([(1, 96), (2, 96), (1, 192), (3, 96), (2, 128), (4, 96)], start=2):
        archive.picture(f"deep/{number % 2}/ISIC_{number}.png", seed, side)


def test_near_duplicates_among_the_images_that_are_there(archive):
    fill_near(archive)
    part = Isic2020(tables=archive.tables, clean=["near_duplicates"])
    table = part.load()
    assert table.removed[["isic_id", "reason", "duplicate_of"]].values.tolist() == [
        ["ISIC_4", "near_duplicates", "ISIC_2"],
        ["ISIC_6", "near_duplicates", "ISIC_3"],
    ]
    assert table.removed["detail"].str.match(r"one photograph by comparison, hashes \d+ bits apart").all()
    assert "near_duplicates: 1 of 7 images are not there and were compared with none" in table.notes[0]
    (archive.root / "deep").rename(archive.root.parent / "away")
    table = part.load()
    assert table.removed is None
    assert "near_duplicates: 7 of 7 images are not there" in table.notes[0]


def test_the_distance_is_that_of_near_duplicates_by_default():
    assert Isic2020(tables="x").near_distance == DISTANCE


def test_pairs_are_looked_for_once(archive, monkeypatch):
    fill_near(archive)
    calls = []
    found = near._find

    def counting(files, distance):
        calls.append((len(files), distance))
        return found(files, distance)

    monkeypatch.setattr(near, "_find", counting)
    part = Isic2020(tables=archive.tables, clean=["near_duplicates"])
    first = part.load()
    assert part.load().removed.equals(first.removed)
    assert calls == [(6, 10)]
    Isic2020(tables=archive.tables, clean=["near_duplicates"], near_distance=0).load()
    archive.picture("deep/0/ISIC_6.png", 9)  # another picture under the name
    assert part.load().removed["isic_id"].tolist() == ["ISIC_4"]
    assert calls == [(6, 10), (6, 0), (6, 10)]
    for file in (archive.root.parent / "cache" / "near_duplicates").iterdir():
        file.write_bytes(b"cut short")
    assert part.load().removed["isic_id"].tolist() == ["ISIC_4"]
    assert len(calls) == 4


# --- the official tables ----------------------------------------------------------------------------------------------


@needs_official
@pytest.mark.parametrize(
    "part, expected",
    [
        (Isic2020, {"official_duplicates": (422, 3), "published_lists": (8, 0)}),
        (Isic2019, {"published_lists": (40, 9)}),
        (Ham10000, {"published_lists": (2, 0)}),
        (IsicMerge, {"official_duplicates": (422, 3), "published_lists": (8, 9)}),
    ],
)
def test_what_goes_of_the_official_tables(part, expected):
    steps = ["conflicting_labels", "repeated_names", "official_duplicates", "published_lists"]
    table = part(tables=str(OFFICIAL), clean=steps).load()
    assert {reason: tuple(counts.values()) for reason, counts in table.removed_counts().items()} == expected
    official = table.removed[table.removed["reason"] == "official_duplicates"]
    # the published list names the first column of the official one, which is then what goes
    pairs = pd.read_csv(OFFICIAL / "ISIC_2020_Training_Duplicates.csv")
    if len(official):
        assert dict(zip(official["isic_id"], official["duplicate_of"], strict=True)) == dict(
            pairs.itertuples(index=False)
        )


@needs_official
def test_the_official_list_alone_keeps_the_first_by_name():
    removed = Isic2020(tables=str(OFFICIAL), clean=["official_duplicates"]).load().removed
    pairs = pd.read_csv(OFFICIAL / "ISIC_2020_Training_Duplicates.csv")
    expected = {max(pair): min(pair) for pair in pairs.itertuples(index=False, name=None)}
    assert dict(zip(removed["isic_id"], removed["duplicate_of"], strict=True)) == expected
