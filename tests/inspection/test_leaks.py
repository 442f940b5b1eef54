"""The leak check, against merges of pandas, on made files and on the official ISIC tables."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image, ImageEnhance
from scipy.ndimage import gaussian_filter

from imbalkit.cli.main import root
from imbalkit.data.split import Split, split_table
from imbalkit.data.split_settings import SplitSettings
from imbalkit.data.table import Table
from imbalkit.errors import DataError
from imbalkit.inspection.leaks import find_leaks, id_columns

ISIC = Path(__file__).parents[3] / "shared" / "data" / "isic_tables"
needs_isic = pytest.mark.skipif(not ISIC.exists(), reason="the ISIC tables (../shared/data/isic_tables) are absent")
SIDES = ("train", "validation", "test")
PAIRS = [("test", "train"), ("test", "validation"), ("validation", "train")]


def split_of(table: Table, side) -> Split:
    """The split that puts each row on the side given by name."""
    rows = [np.flatnonzero(np.asarray(side) == name) for name in SIDES]
    return Split(*rows, counts={name: table.counts(part) for name, part in zip(SIDES, rows, strict=True)})


def by_name(checks):
    return {check.name: check for check in checks}


def overlap_of(check, side="test", against="train"):
    return next(overlap for overlap in check.overlaps if (overlap.split, overlap.against) == (side, against))


# --- shared values ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made():
    """500 rows with groups, a column with gaps, one of numbers; and their sides."""
    random = np.random.default_rng(4)
    n = 500
    patients = np.array([f"P{number}" for number in random.integers(0, 400, n)], dtype=object)
    patients[random.random(n) < 0.2] = None
    patients[random.random(n) < 0.1] = " "
    frame = pd.DataFrame(
        {
            "label": random.choice(["a", "b", "c"], n, p=[0.7, 0.2, 0.1]),
            "path": [f"images/{number}.jpg" for number in range(n)],
            "group": random.integers(0, 900, n),
            "patient_id": patients,
            "scan_ID": np.where(random.random(n) < 0.5, np.nan, random.integers(0, 300, n)),
            "year": random.choice([2019, 2020, np.nan], n),
        }
    )
    return Table.build(frame), random.choice(SIDES, n, p=[0.6, 0.2, 0.2])


def merged(table, side, column, a, b):
    """Rows of side a whose value is on side b too, by a merge of pandas."""
    frame = table.frame.assign(side=side, row=np.arange(len(table)))
    frame[column] = frame[column].replace(" ", None)
    known = frame[frame[column].notna()]
    both = known[known["side"] == a].merge(known[known["side"] == b], on=column)
    return both[["row_x", "row_y"]].drop_duplicates()


def test_shared_values_are_those_of_a_merge(made):
    table, side = made
    checks = by_name(find_leaks(table, split_of(table, side), by="year"))
    assert list(checks) == ["group", "column patient_id", "column scan_ID", "name", "content", "picture"]
    for name, column in (("group", "group"), ("column patient_id", "patient_id"), ("column scan_ID", "scan_ID")):
        assert checks[name].leaks
        for overlap in checks[name].overlaps:
            expected = merged(table, side, column, overlap.split, overlap.against)
            rows = expected["row_x"].unique()
            assert 0 < len(rows) == overlap.rows == overlap.counts.total.rows
            assert overlap.counts.total.of == (side == overlap.split).sum()
            assert overlap.counts.total.share == pytest.approx(len(rows) / (side == overlap.split).sum())
            labels = table.frame["label"]
            for label, share in overlap.counts.classes.items():
                assert share.rows == (labels[rows] == label).sum()
                assert share.of == ((labels == label) & (side == overlap.split)).sum()
            # Every row on either side that shares something is in a pair, and every pair is one of the merge's.
            assert set(overlap.pairs[:, 0]) == set(rows)
            assert set(overlap.pairs[:, 1]) == set(expected["row_y"])
            assert set(map(tuple, overlap.pairs)) <= set(map(tuple, expected.to_numpy()))
            for (i, j), value in zip(overlap.pairs, overlap.shared, strict=True):
                assert table.frame[column][i] == table.frame[column][j]
                assert value == str(table.frame[column][i]).removesuffix(".0")
            years = table.frame["year"]
            assert list(overlap.by) == ["2019", "2020", "missing"]
            for value, year in (("2019", years == 2019), ("2020", years == 2020), ("missing", years.isna())):
                counts = overlap.by[value]
                assert counts.total.rows == year[rows].sum()
                assert counts.total.of == (year & (side == overlap.split)).sum()
                assert sum(share.rows for share in counts.classes.values()) == counts.total.rows
    assert [(overlap.split, overlap.against) for overlap in checks["group"].overlaps] == PAIRS
    assert checks["column patient_id"].notes == (
        f"{(table.frame['patient_id'].isna() | (table.frame['patient_id'] == ' ')).sum()} rows have none",
    )


def test_missing_values_are_nobodys():
    table = Table.build(
        pd.DataFrame({"label": list("abab"), "group": ["g", None, None, "h"], "a_id": ["", None, "", "x"]})
    )
    checks = by_name(find_leaks(table, split_of(table, ["train", "train", "test", "test"])))
    assert [checks[name].leaks for name in ("group", "column a_id")] == [False, False]
    assert overlap_of(checks["group"]).pairs.shape == (0, 2)
    assert {checks[name].not_made for name in ("name", "content", "picture")} == {"the data name no files"}


def test_without_validation_rows_there_is_one_comparison(made):
    table, side = made
    checks = find_leaks(table, split_of(table, np.where(side == "validation", "train", side)), pictures=False)
    assert all([(overlap.split, overlap.against) for overlap in check.overlaps] == [PAIRS[0]] for check in checks[:4])
    assert [check.name for check in checks][-1] == "content"


def test_which_columns_are_checked(made):
    table, side = made
    assert id_columns(table) == ["patient_id", "scan_ID"]
    named = Table.build(pd.DataFrame({"label": ["a"], "ID": [1], "side": [1], "paid": [1], "group": ["g"]}))
    assert id_columns(named) == ["ID"]
    checks = find_leaks(table, split_of(table, side), ["year", "patiend_id", "year"], pictures=False)
    assert len(checks) == 5
    checks = by_name(checks)
    assert list(checks) == ["group", "column year", "column patiend_id", "name", "content"]
    assert checks["column year"].leaks
    assert checks["column patiend_id"].not_made == ("the data have no column 'patiend_id'; did you mean 'patient_id'?")
    assert checks["column patiend_id"].overlaps == ()
    assert not checks["column patiend_id"].leaks


def test_what_cannot_be_checked_is_said(made):
    table, side = made
    empty = Table.build(table.frame.drop(columns="group").assign(patient_id=None))
    checks = by_name(find_leaks(empty, split_of(empty, side)))
    assert checks["group"].not_made == "the data have no groups"
    assert checks["column patient_id"].not_made == "column 'patient_id' holds no value"
    for name in ("content", "picture"):
        assert checks[name].not_made.startswith("none of the 500 image files is there (the first is ")
        assert checks[name].not_made.endswith("images/0.jpg)")
    with pytest.raises(DataError, match=r"no column 'yeer'; did you mean 'year'"):
        find_leaks(table, split_of(table, side), by="yeer")
    with pytest.raises(DataError, match="expected a distance of 0 to 32 bits, got 40"):
        find_leaks(table, split_of(table, side), distance=40)


def test_names_are_compared_without_case_ending_and_folder():
    paths = ["a/ISIC_1.jpg", *(f"a/{number}.jpg" for number in range(30)), "b/isic_1.PNG", "b/x.jpg"]
    table = Table.build(pd.DataFrame({"label": ["p", "q"] * 16 + ["p"], "path": paths}))
    check = by_name(find_leaks(table, split_of(table, ["train"] * 31 + ["test"] * 2), pictures=False))["name"]
    assert overlap_of(check).pairs.tolist() == [[31, 0]]
    assert overlap_of(check).shared.tolist() == ["isic_1"]


def test_names_that_tell_nothing_are_not_checked():
    frame = pd.DataFrame({"label": ["p", "q"] * 10, "path": [f"patient{n // 4}/slice{n % 4}.png" for n in range(20)]})
    table = Table.build(frame)
    check = by_name(find_leaks(table, split_of(table, ["train"] * 12 + ["test"] * 8), pictures=False))["name"]
    assert check.not_made == (
        "20 of 20 files share their name with another one (such as 'slice0', 5 times): names do not tell these files apart"
    )


# --- files --------------------------------------------------------------------------------------------------------------


def scene(seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    pixels = sum(gaussian_filter(random.normal(size=(120, 120)), sigma) * sigma**1.5 for sigma in (1, 2, 4, 8))
    return Image.fromarray(np.clip(128 + 40 * pixels / pixels.std(), 0, 255).astype(np.uint8)).convert("RGB")


@pytest.fixture
def photographs(tmp_path):
    """20 files: 3 of test leak, one as the same bytes, two as a changed copy; `labels.csv` says the side."""
    for number in range(16):
        scene(number).save(tmp_path / f"{number}.jpg", quality=90)
    (tmp_path / "same.jpg").write_bytes((tmp_path / "0.jpg").read_bytes())
    with Image.open(tmp_path / "1.jpg") as image:
        image.resize((90, 90)).save(tmp_path / "smaller.png")
        ImageEnhance.Brightness(image).enhance(1.1).save(tmp_path / "brighter.jpg", quality=60)
    other = bytearray((tmp_path / "2.jpg").read_bytes())
    other[-10] ^= 1  # as many bytes, not the same ones
    (tmp_path / "another.jpg").write_bytes(other)
    Image.new("RGB", (50, 50), (9, 9, 9)).save(tmp_path / "flat a.png")
    Image.new("RGB", (50, 50), (9, 9, 8)).save(tmp_path / "flat b.png")
    train = [f"{number}.jpg" for number in range(12)] + ["flat a.png"]
    test = ["same.jpg", "smaller.png", "brighter.jpg", "flat b.png", "13.jpg", "14.jpg"]
    sides = ["train"] * len(train) + ["test"] * len(test)
    frame = pd.DataFrame({"path": [*train, *test], "side": sides, "kind": ["a", "b"] * 9 + ["a"]})
    frame.to_csv(tmp_path / "labels.csv", index=False)
    (tmp_path / "r.yaml").write_text(
        f"data: {{name: table, file: {tmp_path}/labels.csv, label_column: kind}}\n"
        "split: {column: side, validation: 0}\nbackbone: small_cnn\n"
    )
    return tmp_path


def table_at(folder: Path) -> tuple[Table, Split]:
    frame = pd.read_csv(folder / "labels.csv").rename(columns={"kind": "label"})
    frame["path"] = [str(folder / path) for path in frame["path"]]
    table = Table.build(frame)
    return table, split_of(table, frame["side"])


def test_copies_of_pictures_and_files_are_found(photographs):
    done = []
    checks = by_name(find_leaks(*table_at(photographs), progress=lambda *counts: done.append(counts)))
    assert overlap_of(checks["content"]).pairs.tolist() == [[13, 0]]
    assert overlap_of(checks["picture"]).pairs.tolist() == [[13, 0], [14, 1], [15, 1]]
    assert overlap_of(checks["picture"]).shared[0] == "0 bits"
    assert overlap_of(checks["picture"]).counts.classes["a"].rows == 1
    assert checks["picture"].notes == ("2 pictures are nearly uniform, or smaller than 32 px: left out",)
    assert not checks["name"].leaks
    assert done[-1] == (19, 19)


def test_equal_sizes_are_no_equal_files(photographs):
    table, split = table_at(photographs)
    table.frame.loc[18, "path"] = str(photographs / "another.jpg")
    assert (photographs / "another.jpg").stat().st_size == (photographs / "2.jpg").stat().st_size
    checks = by_name(find_leaks(table, split))
    assert overlap_of(checks["content"]).pairs.tolist() == [[13, 0]]


def test_files_that_are_not_there_or_broken_are_left_out_and_counted(photographs):
    (photographs / "5.jpg").unlink()
    (photographs / "14.jpg").write_bytes(b"no picture")
    checks = by_name(find_leaks(*table_at(photographs)))
    assert checks["content"].notes == ("1 files cannot be read: left out",)
    assert checks["picture"].notes[0] == "2 files cannot be read: left out"
    assert overlap_of(checks["picture"]).pairs.tolist() == [[13, 0], [14, 1], [15, 1]]
    for path in photographs.glob("*.*g"):
        path.write_bytes(b"no picture, " + path.name.encode())
    picture = by_name(find_leaks(*table_at(photographs)))["picture"]
    assert picture.not_made.startswith("no picture can be compared: ")
    assert picture.not_made.endswith("0.jpg: not an image that Pillow can read")


def test_pixels_in_memory_are_checked_too():
    arrays = np.stack([np.asarray(scene(number % 5)) for number in range(10)])
    arrays[9] = np.clip(arrays[9] * 1.1, 0, 255)
    arrays[8] = 0
    table = Table.build(pd.DataFrame({"label": ["p", "q"] * 5}), arrays=arrays)
    checks = by_name(find_leaks(table, split_of(table, ["train"] * 5 + ["test"] * 5)))
    assert checks["name"].not_made == "the data name no files"
    assert overlap_of(checks["content"]).pairs.tolist() == [[5, 0], [6, 1], [7, 2]]
    assert overlap_of(checks["picture"]).pairs.tolist() == [[5, 0], [6, 1], [7, 2], [9, 4]]


def test_pictures_that_say_too_little_are_not_passed():
    table = Table.build(pd.DataFrame({"label": list("abab")}), arrays=np.zeros((4, 8, 8, 1), np.uint8))
    check = by_name(find_leaks(table, split_of(table, ["train", "train", "test", "test"])))["picture"]
    assert check.not_made == "no picture can be compared: nearly uniform, or smaller than 32 px"


# --- the command --------------------------------------------------------------------------------------------------------


def imbalkit(*arguments):
    return CliRunner().invoke(root, ["leaks", *map(str, arguments)])


def test_the_command_shows_what_is_shared_and_ends_with_1(photographs):
    result = imbalkit(
        photographs / "r.yaml", "--out", photographs / "pairs.csv", "--by", "side_in_table", "--columns", "path"
    )
    assert "no column 'side_in_table'" in str(result.exception)
    result = imbalkit(photographs / "r.yaml", "--out", photographs / "pairs.csv", "--by", "side")
    assert result.exit_code == 1
    assert "a near-duplicate picture" in result.stdout
    assert "3 of 6 (50.0%)" in result.stdout
    assert "the same group" in result.stdout
    assert "not checked: the data have no groups" in result.stdout
    assert f"{photographs}/same.jpg (test), {photographs}/0.jpg (train)" in result.stdout
    assert "The splits are not independent." in result.stdout
    pairs = pd.read_csv(photographs / "pairs.csv")
    assert pairs[["check", "split_a", "split_b", "row_a", "row_b"]].to_numpy().tolist() == [
        ["content", "test", "train", 13, 0],
        ["picture", "test", "train", 13, 0],
        ["picture", "test", "train", 14, 1],
        ["picture", "test", "train", 15, 1],
    ]
    assert pairs["path_a"][3] == str(photographs / "brighter.jpg")
    assert pairs["path_b"][3] == str(photographs / "1.jpg")


def test_the_command_as_json(photographs):
    with Image.open(photographs / "1.jpg") as image:
        image.crop((5, 0, 120, 115)).save(photographs / "brighter.jpg")  # some bits from 1.jpg
    assert "3 of 6 (50.0%)" in imbalkit(photographs / "r.yaml").stdout
    result = imbalkit(photographs / "r.yaml", "--json", "--by", "side", "--distance", "0")
    assert result.exit_code == 1
    facts = json.loads(result.stdout)
    assert facts["leaks"]
    assert facts["split"] == {"train": 13, "validation": 0, "test": 6}
    checks = {check["check"]: check for check in facts["checks"]}
    assert list(checks) == ["group", "name", "content", "picture"]
    assert checks["group"] == {
        "check": "group", "made": False, "why_not": "the data have no groups", "leaks": None, "notes": [], "overlaps": []
    }  # fmt: skip
    (overlap,) = checks["content"]["overlaps"]
    assert (overlap["rows"], overlap["of"], overlap["share"]) == (1, 6, pytest.approx(1 / 6, abs=1e-6))
    assert overlap["classes"] == {"a": {"rows": 0, "of": 3, "share": 0}, "b": {"rows": 1, "of": 3, "share": 0.333333}}
    assert overlap["by"]["test"]["rows"] == 1
    assert overlap["examples"][0]["path_b"] == str(photographs / "0.jpg")
    assert {pair["shared"] for pair in checks["picture"]["overlaps"][0]["examples"]} == {"0 bits"}
    assert checks["picture"]["overlaps"][0]["rows"] == 2


def test_a_clean_split_ends_with_0(photographs):
    frame = pd.read_csv(photographs / "labels.csv")
    frame[~frame["path"].isin(["same.jpg", "smaller.png", "brighter.jpg"])].to_csv(
        photographs / "labels.csv", index=False
    )
    result = imbalkit(photographs / "r.yaml", "--out", photographs / "pairs.csv")
    assert result.exit_code == 0, result.stdout
    assert "Nothing shared. Checks made: 3, not made: 1." in result.stdout
    assert "of each class" not in result.stdout
    assert (photographs / "pairs.csv").read_text() == "check,split_a,split_b,row_a,row_b,path_a,path_b,shared\n"
    # A column that was asked for and is not there is no pass.
    result = imbalkit(photographs / "r.yaml", "--no-pictures", "--columns", "patient_id")
    assert result.exit_code == 1
    assert "the same patient_id: not checked: the data have no column 'patient_id'" in result.stdout
    assert "near-duplicate" not in result.stdout


def test_mistakes_cost_nothing(photographs, monkeypatch):
    monkeypatch.setattr("imbalkit.recipe.prepare.prepare", lambda *arguments: pytest.fail("the recipe was prepared"))
    result = imbalkit(photographs / "r.yaml", "--out", photographs / "nowhere" / "pairs.csv")
    assert result.exit_code == 1
    assert "there is no folder" in result.stderr
    assert imbalkit(photographs / "r.yaml", "--distance", "33").exit_code == 2


def test_folds_are_checked_one_by_one(photographs):
    frame = pd.read_csv(photographs / "labels.csv").assign(patient_id=[f"p{n // 2}" for n in range(19)])
    frame.to_csv(photographs / "labels.csv", index=False)
    settings = ["--set", "split={folds: 3, validation: 0}", "--no-pictures"]
    first, second = (imbalkit(photographs / "r.yaml", *settings, "--set", f"split.fold={n}", "--json") for n in (0, 1))
    rows = [json.loads(result.stdout)["checks"][1]["overlaps"][0]["examples"][0]["row_a"] for result in (first, second)]
    assert rows[0] != rows[1]
    assert "the split shown is fold 0 of 3" in imbalkit(photographs / "r.yaml", *settings).stdout


# --- the official tables ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def isic_merge() -> Table:
    """ISIC-2020 and the melanomas of ISIC-2019."""
    newer = pd.read_csv(ISIC / "ISIC_2020_Training_GroundTruth.csv")
    truth = pd.read_csv(ISIC / "ISIC_2019_Training_GroundTruth.csv")
    older = pd.read_csv(ISIC / "ISIC_2019_Training_Metadata.csv")[truth["MEL"] == 1]
    frame = pd.DataFrame(
        {
            "path": [*newer["image_name"], *older["image"]],
            "label": [*newer["benign_malignant"], *["malignant"] * len(older)],
            "patient_id": [*newer["patient_id"], *[None] * len(older)],
            "lesion_id": [*[None] * len(newer), *older["lesion_id"]],
            "year": [2020] * len(newer) + [2019] * len(older),
        }
    )
    frame["group"] = frame["patient_id"].fillna(frame["lesion_id"])
    return Table.build(frame)


@needs_isic
def test_the_papers_split_of_isic_leaks_and_a_grouped_one_does_not(isic_merge):
    split = split_table(isic_merge, SplitSettings(test=0.2, validation=0, group=False))
    checks = by_name(find_leaks(isic_merge, split, by="year"))
    assert split.counts["test"] == (6509, 1021)
    patients, lesions = overlap_of(checks["column patient_id"]).by, overlap_of(checks["column lesion_id"]).by
    assert patients["2020"].total.share > 0.99
    assert patients["2019"].total.rows == 0
    assert lesions["2019"].classes["malignant"].share == pytest.approx(0.79, abs=0.02)
    assert not checks["name"].leaks
    assert checks["content"].not_made
    grouped = split_table(isic_merge, SplitSettings())
    checks = find_leaks(isic_merge, grouped)
    assert not any(check.leaks for check in checks)
    assert [check.name for check in checks if check.not_made] == ["content", "picture"]
