"""`data: {sample: ...}`, for every data set."""

import json

import numpy as np
import pandas as pd
import pytest

from imbalkit.data.sample import sample_table
from imbalkit.data.table import Table
from imbalkit.recipe.prepare import prepare
from tests.command_line import imbalkit


def table_of(labels, **columns):
    frame = pd.DataFrame({"label": labels, "path": [f"{index}.png" for index in range(len(labels))], **columns})
    return Table.build(frame)


def test_a_sample_keeps_order_classes_and_columns_and_says_what_it_is():
    table = table_of(["a"] * 900 + ["b"] * 100 + ["c"] * 5, age=np.arange(1005))
    found = sample_table(table, 0.1)
    assert found.classes == table.classes
    assert found.counts() == (90, 20, 5)
    assert found.frame.index.tolist() == list(range(115))
    assert (found.frame["path"] == found.frame["age"].astype(str) + ".png").all()
    assert found.frame["age"].is_monotonic_increasing
    assert found.cautions[0].startswith("a trial on 115 of 1,005 samples (11.4%; `sample: 0.1` in `data`)")
    assert "so that each has 20 rows: b: 20 of 100, c: 5 of 5" in found.cautions[0]
    assert sample_table(table, 0.1).frame.equals(found.frame)


def test_groups_are_whole_and_given_splits_keep_their_shares():
    random = np.random.default_rng(0)
    patients = np.repeat(np.arange(400), 3)
    labels = np.where(random.random(400) < 0.2, "rare", "common")[patients]
    splits = np.array(["train", "validation", "test"])[np.repeat(random.choice(3, 400, p=[0.6, 0.2, 0.2]), 3)]
    table = table_of(labels, group=patients, split=splits)
    found = sample_table(table, 0.3)
    assert set(found.frame.groupby("group").size()) == {3}
    for split, rows in found.frame.groupby("split"):
        groups = rows.groupby("label")["group"].nunique()
        there = table.frame[table.frame["split"] == split].groupby("label")["group"].nunique()
        assert (groups >= np.minimum(there, 20)).all()
        assert (groups <= np.maximum(0.35 * there, 21)).all()


def test_rows_of_one_file_stay_together_and_arrays_follow(tmp_path):
    frame = pd.DataFrame({"label": ["a", "b"] * 100, "path": np.repeat([f"{n}.png" for n in range(100)], 2)})
    found = sample_table(Table.build(frame), 0.3)
    assert set(found.frame.groupby("path").size()) == {2}
    arrays = np.arange(200, dtype=np.uint8).reshape(200, 1, 1, 1)
    found = sample_table(
        Table.build(pd.DataFrame({"label": ["a", "b"] * 100, "age": np.arange(200)}), arrays=arrays), 0.3
    )
    assert (found.arrays[:, 0, 0, 0] == found.frame["age"]).all()


@pytest.mark.parametrize("share", ["0", "1", "1.5", "-0.1"])
def test_a_share_is_between_nothing_and_all(tmp_path, share):
    done = imbalkit("plan", "digits", "--set", f"data.sample={share}", cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "data.sample" in done.stderr


def test_a_recipe_without_it_has_the_text_of_before():
    assert "sample" not in prepare("digits").recipe.model_dump(mode="json")["data"]
    assert prepare("digits", ["data.sample=0.2"]).recipe.model_dump(mode="json")["data"]["sample"] == 0.2


def test_plan_run_and_report_say_so_and_the_run_is_restored_on_its_sample(tmp_path, no_charts):
    plan = imbalkit("plan", "digits", "--set", "data.sample=0.2", cwd=tmp_path)
    assert "a trial on 529 of 991 samples" in plan.stdout + plan.stderr
    quick = ["training.epochs=1", "metrics=[balanced_accuracy]", "evaluation.resamples=0", "training.threads=1"]
    words = [word for setting in ("data.sample=0.2", *quick) for word in ("--set", setting)]
    done = imbalkit("run", "digits", *words, "--folder", "run", cwd=tmp_path)
    assert "a trial on 529 of 991 samples" in done.stderr
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["data_cautions"][0].startswith("a trial on 529 of 991 samples")
    assert "trial on 529 of 991 samples" in (tmp_path / "run" / "report.html").read_text()
    assert len(pd.read_parquet(tmp_path / "run" / "data.parquet")) == 529
    imbalkit("report", "run", cwd=tmp_path)  # reads the data again
