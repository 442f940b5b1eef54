"""Names, logs and summaries of runs."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from imbalkit.engine.cross_validation import summarise
from imbalkit.recipe.prepare import prepare
from imbalkit.runs import folder as run_folder


def test_runs_begun_at_once_get_folders_of_their_own(tmp_path):
    prepared = [prepare("digits", [f"seed={seed}"]) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda one: run_folder.open_folder(one, tmp_path / "runs", None, False), prepared))
    assert len(set(folders)) == 8
    for one, folder in zip(prepared, folders, strict=True):
        assert run_folder.read_json(folder / "run.json")["recipe_hash"] == one.recipe.hash


def test_a_log_line_cut_short_costs_that_line_alone(tmp_path):
    run_folder.append_log(tmp_path, {"stage": "final", "epoch": 1})
    with (tmp_path / run_folder.LOG).open("a") as log:
        log.write('{"stage": "final", "epo')
    run_folder.append_log(tmp_path, {"stage": "final", "epoch": 2})
    run_folder.append_log(tmp_path, {"stage": "final", "epoch": 2, "again": True})
    entries = run_folder.read_log(tmp_path)
    assert [entry["epoch"] for entry in entries] == [1, 2]
    assert entries[1]["again"]


def test_a_figure_that_a_fold_lacks_is_summarised_over_the_others():
    summary = summarise([{"recall": {"a": 0.5, "b": None}}, {"recall": {"a": 0.7, "b": 0.2}}])
    assert summary["recall"]["a"]["mean"] == pytest.approx(0.6)
    assert summary["recall"]["b"] == {"mean": 0.2, "sd": None, "values": [None, 0.2]}
