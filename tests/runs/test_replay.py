"""The plan of a run, made again, against what the run wrote."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from imbalkit.errors import RunError
from imbalkit.plan.audit import audit
from imbalkit.plots.study.records import find_runs
from imbalkit.recipe.prepare import prepare
from imbalkit.runs.replay import plan_of_run, replay
from imbalkit.runs.results import RunData


@pytest.fixture(scope="module")
def run(real_runs):
    return find_runs([real_runs / "runs" / "ce"]).runs[0]


def plan_again(folder):
    run = RunData(folder)
    return plan_of_run(folder.name, run.recipe, folder)


def test_the_plan_of_a_run_with_rounds_is_that_of_its_audit(run):
    prepared, plan, passed_over = plan_again(run.folder)
    assert passed_over == []
    written = pd.read_parquet(run.folder / "plan.parquet")
    dropped = written.loc[~written["kept"], "dropped_by"].astype(str).value_counts()
    assert dropped[["samplers[2] loss_rank, round 1", "samplers[2] loss_rank, round 2"]].tolist() == [4, 4]
    assert dropped["samplers[0] random_under"] > 0
    kept = written[written["kept"]].reset_index(drop=True)
    again = audit(plan, [], prepared.table.frame.get("path"))
    for name in ("key", "source", "label", "view", "parameters"):
        assert again[name].astype(str).tolist() == kept[name].astype(str).tolist(), name
    assert plan.counts() == run.counts
    assert kept["parameters"].str.contains("rho").sum() > 15


def test_a_recipe_without_a_run_passes_the_rounds_over(real_runs):
    prepared = prepare(real_runs / "r.yaml")
    plan, passed_over = replay(prepared)
    assert passed_over == ["loss_rank"]
    assert plan.counts() == (2 * 18, 3 * prepared.class_counts[0].counts.low[1])  # no rows dropped by rank


def test_a_run_without_its_plan_passes_the_rounds_over(run, tmp_path):
    folder = shutil.copytree(run.folder, tmp_path / "run")
    (folder / "plan.parquet").unlink()
    _, _, passed_over = plan_again(folder)
    assert passed_over == ["loss_rank"]


def test_another_plan_than_the_runs_is_refused(run, tmp_path):
    folder = shutil.copytree(run.folder, tmp_path / "run")
    frame = pd.read_parquet(folder / "plan.parquet")
    frame.loc[frame["kept"].idxmax(), "kept"] = False
    frame.to_parquet(folder / "plan.parquet")
    with pytest.raises(RunError, match="run: the plan cannot be made again as it was"):
        plan_again(folder)


def test_unreadable_samples_of_the_run_stay_out(run, tmp_path):
    source = int(pd.read_parquet(run.folder / "plan.parquet")["source"].iloc[0])
    prepared = prepare(run.folder / "recipe.yaml")
    plan, _ = replay(prepared, bad=(source,))
    assert source not in plan.source
    assert source in replay(prepared)[0].source


def test_data_that_are_not_here_say_where_the_run_began(run, tmp_path):
    folder = shutil.copytree(run.folder, tmp_path / "run")
    facts = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(facts | {"directory": "/elsewhere"}))
    text = (folder / "recipe.yaml").read_text()
    (folder / "recipe.yaml").write_text(text.replace("data.npz", "gone.npz"))
    with pytest.raises(
        RunError, match=r"(?s)run: .*gone\.npz.*the run began in /elsewhere, where relative paths start"
    ):
        plan_again(folder)


def test_a_damaged_plan(run, tmp_path):
    folder = shutil.copytree(run.folder, tmp_path / "run")
    (folder / "plan.parquet").write_bytes(np.random.default_rng(0).bytes(100))
    with pytest.raises(RunError, match=r"plan\.parquet cannot be read"):
        plan_again(folder)
