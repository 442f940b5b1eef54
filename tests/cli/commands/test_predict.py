"""`imbalkit predict RUN` as a user types it; files, tables and rows themselves are tested in tests/lite."""

import io
import json
import re
import shutil
import sys

import numpy as np
import pandas as pd
import pytest

from imbalkit.runs.predictor import RunPredictor
from tests.command_line import imbalkit, imbalkit_process


def predicted(run):
    """The test rows of predictions.parquet, their files and their probabilities by path."""
    frame = pd.read_parquet(run / "predictions.parquet")
    return frame[frame["split"] == "test"].set_index("path")


@pytest.fixture
def project(finished_run):
    return finished_run.parent


def table_of(text):
    return pd.read_csv(io.StringIO(text))


def test_rows_are_those_that_the_run_predicted(project):
    expected = predicted(project / "run")
    done = imbalkit("predict", "run", *expected.index, cwd=project)
    rows = table_of(done.stdout)
    assert list(rows) == ["path", "decision", "abstained", "probability_common", "probability_rare", "error"]
    assert rows["path"].tolist() == expected.index.tolist()
    for column in ("probability_common", "probability_rare"):
        np.testing.assert_allclose(rows[column], expected[column], atol=1e-5, rtol=0)
    assert rows["decision"].tolist() == expected["decision"].tolist()
    assert not rows["abstained"].any()
    assert rows["error"].isna().all()
    assert not done.stderr  # nothing but rows where nobody watches


def test_a_folder_and_a_table_give_the_same_rows(project):
    folder = table_of(imbalkit("predict", "run", "photographs", "--batch-size", "7", cwd=project).stdout)
    table = table_of(imbalkit("predict", "run", "photographs/labels.csv", cwd=project).stdout)
    assert len(folder) == len(table) == 120
    assert list(table)[-3:] == ["kind", "patient", "site"]
    labels = pd.read_csv(project / "photographs/labels.csv")
    assert table[["path", "kind", "patient", "site"]].equals(labels)
    merged = table.assign(path="photographs/" + table["path"]).merge(folder, on="path")
    assert len(merged) == 120
    np.testing.assert_allclose(merged["probability_rare_x"], merged["probability_rare_y"], atol=1e-5, rtol=0)


def test_another_threshold_changes_decisions_and_nothing_else(project):
    rows = table_of(imbalkit("predict", "run", "photographs/rare", cwd=project).stdout)
    middle = rows["probability_rare"].median()
    other = table_of(imbalkit("predict", "run", "photographs/rare", "--threshold", middle, cwd=project).stdout)
    assert other["probability_rare"].equals(rows["probability_rare"])
    assert (other["decision"] == "rare").tolist() == (rows["probability_rare"] >= middle).tolist()
    assert other["decision"].nunique() == 2


def test_where_the_run_abstains_the_rows_say_so(finished_run, tmp_path, photographs):
    run = shutil.copytree(finished_run, tmp_path / "run")
    before = table_of(imbalkit("predict", run, photographs, cwd=tmp_path).stdout)
    low, high = before["probability_rare"].quantile([0.2, 0.7])
    metrics = json.loads((run / "metrics.json").read_text())
    metrics["decision"]["abstention"] = {"rule": "a band", "band": [low, high], "limit": None}
    (run / "metrics.json").write_text(json.dumps(metrics))
    rows = table_of(imbalkit("predict", run, photographs, cwd=tmp_path).stdout)
    assert rows["abstained"].tolist() == rows["probability_rare"].between(low, high, inclusive="left").tolist()
    assert 50 < rows["abstained"].sum() < 70
    assert rows["decision"].tolist() == before["decision"].tolist()  # forced all the same


def test_a_bad_file_is_a_row(project, tmp_path):
    good = predicted(project / "run").index[0]
    (tmp_path / "notes.jpg").write_text("not a picture")
    done = imbalkit("predict", "run", good, tmp_path / "notes.jpg", tmp_path / "gone.png", "--json", cwd=project)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["error"] for row in rows] == [None, "not an image that Pillow can read", "there is no such file"]
    assert [row["decision"] is None for row in rows] == [False, True, True]
    assert {tuple(row) for row in rows} == {
        ("path", "decision", "abstained", "probability_common", "probability_rare", "error")
    }
    assert done.stderr == "2 of 3 files could not be read: `error` says why\n"
    alone = imbalkit("predict", "run", tmp_path / "gone.png", cwd=project, check=False)
    assert alone.returncode == 1
    assert len(table_of(alone.stdout)) == 1


def test_a_file_of_rows_is_there_whole_or_not_at_all(project, tmp_path, monkeypatch):
    out = tmp_path / "rows.csv"
    done = imbalkit("predict", "run", "photographs/rare", "--out", out, cwd=project)
    assert not done.stdout
    assert done.stderr.startswith(f"{out}: ")
    before = out.read_bytes()
    assert len(pd.read_csv(out)) == 30

    answer, asked = RunPredictor.predict, []

    def breaks(self, pixels):
        asked.append(len(pixels))
        if len(asked) > 1:
            raise RuntimeError("out of memory")
        return answer(self, pixels)

    monkeypatch.setattr(RunPredictor, "predict", breaks)
    with pytest.raises(RuntimeError, match="out of memory"):
        imbalkit("predict", "run", "photographs", "--out", out, "--batch-size", "8", cwd=project)
    assert asked == [8, 8]
    assert out.read_bytes() == before
    assert list(tmp_path.iterdir()) == [out]


def test_paths_from_standard_input(project, monkeypatch):
    paths = predicted(project / "run").index[:2]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(paths) + "\n"))
    assert table_of(imbalkit("predict", "run", "-", cwd=project).stdout)["path"].tolist() == paths.tolist()


def test_ten_classes_without_a_positive_one(finished_run_of_digits, project, tmp_path):
    done = imbalkit("predict", finished_run_of_digits, "photographs/rare", cwd=project)
    rows = table_of(done.stdout)
    values = rows[[f"probability_{digit}" for digit in range(10)]].to_numpy()
    np.testing.assert_allclose(values.sum(axis=1), 1)
    assert rows["decision"].tolist() == values.argmax(axis=1).tolist()
    done = imbalkit("predict", finished_run_of_digits, "photographs", "--threshold", "0.5", cwd=project, check=False)
    assert done.returncode == 1
    assert "has no positive class to put a threshold to" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("run",), 2, "Missing argument 'PATH...'"),
        (("nowhere", "photographs"), 1, "expected a run folder, there is none at"),
        (("photographs", "photographs"), 1, "photographs is not a run folder"),
        (("run", "nowhere.csv"), 1, "there is no table"),
        (
            ("run", "photographs/labels.csv", "--column", "patient_id"),
            1,
            "has no column 'patient_id'; did you mean 'patient'",
        ),
        (("run", "cache/empty"), 1, "there is nothing to predict: .*empty holds no images"),
        (("run", "photographs", "--threshold", "1.5"), 1, r"expected a threshold from 0 to 1, got 1\.5"),
        (("run", "photographs", "--device", "abacus"), 1, "the device 'abacus' cannot be used on this machine"),
        (("run", "photographs", "--out", "gone/rows.csv"), 1, "there is no folder .*gone to write rows.csv into"),
        (("run", "photographs", "--out", "rows.txt"), 2, "name it .csv or .jsonl"),
    ],
)
def test_mistakes_are_told_before_anything_is_predicted(project, words, code, message):
    (project / "cache/empty").mkdir(exist_ok=True)
    done = imbalkit("predict", *words, cwd=project, check=False)
    assert done.returncode == code
    assert not done.stdout
    assert re.search(message, done.stderr), done.stderr


def test_a_run_that_is_not_finished_is_refused(finished_run, tmp_path, photographs):
    run = shutil.copytree(finished_run, tmp_path / "run")
    (run / "metrics.json").unlink()
    done = imbalkit("predict", run, photographs, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "is not finished" in done.stderr


@pytest.mark.slow
def test_in_a_process_of_its_own(project):
    done = imbalkit_process("predict", "run", "photographs/rare/000.png", cwd=project)
    assert len(table_of(done.stdout)) == 1
    assert not done.stderr


def test_what_is_left_out_of_a_folder_is_told(project, tmp_path):
    (tmp_path / "new").mkdir()
    shutil.copy(next((project / "photographs" / "rare").iterdir()), tmp_path / "new" / "a.png")
    (tmp_path / "new" / "b.HEIC").touch()
    shutil.copytree(project / "run", tmp_path / "run")
    done = imbalkit("predict", "run", "new", cwd=tmp_path)
    assert table_of(done.stdout)["path"].tolist() == ["new/a.png"]
    assert done.stderr.startswith(
        "note: new: left out: 1 picture of a kind that cannot be read (directly in it: 1 .HEIC)"
    )
