"""`imbalkit compare` as a user types it."""

import json
import shutil

import pandas as pd
import pytest

from tests.command_line import imbalkit


@pytest.fixture
def runs(finished_run, tmp_path):
    """A folder with a run and its copy."""
    for name in ("first", "second"):
        shutil.copytree(finished_run, tmp_path / name)
    return tmp_path


def test_a_table_and_a_sentence(runs):
    done = imbalkit("compare", "first", "second", "--resamples", "100", cwd=runs)
    assert "against first" in done.stdout
    assert "miss rate" in done.stdout
    assert "second does not differ from first by more than noise in any of these metrics." in done.stdout
    assert "groups, which are resampled whole" in done.stdout
    assert not done.stderr


def test_files_and_reference(runs):
    done = imbalkit(
        *("compare", "first", "--reference", "second", "--out", "out", "--resamples", "100", "--at", "half"), cwd=runs
    )
    assert "against second" in done.stdout
    assert "Decisions uncalibrated at one half" in (runs / "out/comparison.md").read_text()
    assert done.stderr.split() == [f"out/{name}" for name in sorted_names(runs / "out")]


def sorted_names(folder):
    order = ["comparison.md", "metrics.csv", "tests.csv", "rates.png", "rates.svg", "rates.csv"]
    assert {path.name for path in folder.iterdir()} == set(order)
    return order


def test_json_is_one_document(runs):
    done = imbalkit(
        "compare", "first", "second", "--json", "--metrics", "recall, roc_auc", "--resamples", "100", cwd=runs
    )
    facts = json.loads(done.stdout)
    assert facts["runs"] == {"first": "first", "second": "second"}
    assert {(row["metric"], row["class"]) for row in facts["metrics"]} == {
        ("recall", "common"),
        ("recall", "rare"),
        ("roc_auc", ""),
    }


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("first",), 1, "expected two runs to compare, got first"),
        (("first", "nowhere"), 1, "expected a run folder, there is none at"),
        (("first", "second", "--metrics", ","), 2, "names no metric"),
        (("first", "second", "--metrics", "roc"), 1, "no metric 'roc'"),
        (("first", "second", "--resamples", "5"), 2, "x>=100"),
        ((), 2, "Missing argument"),
    ],
)
def test_mistakes_are_told(runs, words, code, message):
    done = imbalkit("compare", *words, cwd=runs, check=False)
    assert done.returncode == code
    assert message in done.stderr
    assert not done.stdout


def test_other_rows_are_refused(runs):
    path = runs / "second/predictions.parquet"
    frame = pd.read_parquet(path)
    frame.loc[frame[frame["split"] == "test"].index[0], "label"] = "rare"
    frame.to_parquet(path, index=False)
    done = imbalkit("compare", "first", "second", cwd=runs, check=False)
    assert done.returncode == 1
    assert "first and second were not tested on the same rows" in done.stderr
