"""A real search over the digits as a user types it, killed and resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import timm
from PIL import Image
from safetensors.torch import save_file

from imbalkit.catalogue import default_catalogue
from imbalkit.errors import RunError
from imbalkit.runs import folder as run_folder
from imbalkit.studies.search import run as search_run
from imbalkit.studies.search.run import search
from imbalkit.studies.sweeps.checks import check_cells
from imbalkit.studies.sweeps.file import read_sweep
from tests.command_line import environment, imbalkit
from tests.studies.search.conftest import BASE, SPACE

pytestmark = pytest.mark.slow  # processes


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A search folder whose search was killed twice and is complete."""
    path = tmp_path_factory.mktemp("search")
    (path / "mine.yaml").write_text(BASE + SPACE)
    start_and_kill(path, 2)
    start_and_kill(path, 1)
    said = imbalkit("sweep", "mine.yaml", "--resume", cwd=path)
    assert "search folder sweeps/mine: report.html, trials.csv, winner.yaml, refits/" in said.stdout
    return path


def start_and_kill(path, told):
    """Start the search, and kill it without warning when so many more trials have ended."""
    words = [sys.executable, "-m", "imbalkit", "sweep", "mine.yaml", "--resume"]
    with subprocess.Popen(
        words, cwd=path, env=os.environ | environment(path), stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        seen = 0
        for line in process.stderr:
            seen += "trials: trial-" in line
            if seen == told:
                time.sleep(0.3)  # into the next one
                os.killpg(process.pid, signal.SIGKILL)
                break


def trials_of(path):
    return pd.read_csv(path / "sweeps" / "mine" / "trials.csv").drop(columns=["seconds", "epochs"])


def test_killed_and_resumed_it_is_as_if_it_had_not_been(folder, tmp_path, monkeypatch):
    (tmp_path / "mine.yaml").write_text(BASE + SPACE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(search_run, "_refit", lambda *arguments: None)
    search("mine.yaml")
    pd.testing.assert_frame_equal(trials_of(folder), trials_of(tmp_path))


def test_trials_are_run_pruned_and_told(folder):
    trials = pd.read_csv(folder / "sweeps" / "mine" / "trials.csv")
    assert list(trials["trial"]) == list(range(6))
    assert trials.loc[0, ["training.optimizer.lr", "loss", "training.batch_size"]].tolist() == [0.003, "plain", 64]
    assert set(trials["state"]) == {"finished", "ended early"}
    early = trials[trials["state"] == "ended early"]
    assert (early["trial"] >= 2).all()
    assert early["false_alarm_rate"].isna().all()
    for number in early["trial"]:
        cell = folder / "sweeps" / "mine" / "cells" / f"trial-{number:04}"
        assert not run_folder.is_finished(cell) or len(run_folder.read_log(cell)) == 4
        assert not (folder / "sweeps" / "mine" / "errors" / f"trial-{number:04}.json").exists()


def test_no_trial_looks_at_the_test_rows(folder):
    for cell in sorted((folder / "sweeps" / "mine" / "cells").iterdir()):
        if run_folder.is_finished(cell):
            predictions = pd.read_parquet(cell / run_folder.PREDICTIONS)
            metrics = json.loads((cell / run_folder.METRICS).read_text())
            assert set(predictions["split"]) == {"validation"}
            assert metrics["test"]["n"] == 0


def test_the_winner_and_the_base_recipe_are_tested_once_with_each_fresh_seed(folder):
    frame = pd.read_parquet(folder / "sweeps" / "mine" / "refits" / "sweep.parquet")
    trials = trials_of(folder)
    best = trials.loc[trials["false_alarm_rate"].idxmin()]
    labels = {"base"} | ({f"trial-{best['trial']}"} if best["trial"] else set())
    assert set(frame["candidate"]) == labels
    assert set(frame["seed"]) == {1, 2, 3}
    assert (frame["n"] == 500).all()
    recipe = json.loads(frame[frame["candidate"] == max(labels)]["recipe"].iloc[0])
    assert recipe["evaluation"].get("test", True)
    assert recipe["training"]["optimizer"]["lr"] == pytest.approx(best["training.optimizer.lr"])
    assert recipe["decision"]["threshold"]["name"] == "target_recall"


def test_the_winner_is_a_recipe_that_runs_as_it_is(folder):
    said = imbalkit("plan", "sweeps/mine/winner.yaml", cwd=folder)
    assert "random_over" in said.stdout


def test_a_finished_search_is_told_again_and_other_searches_are_refused(folder, monkeypatch):
    monkeypatch.setattr(search_run, "_refit", lambda *arguments: None)
    before = trials_of(folder)
    imbalkit("sweep", "mine.yaml", "--resume", cwd=folder)
    pd.testing.assert_frame_equal(before, trials_of(folder))
    refused = imbalkit("sweep", "mine.yaml", cwd=folder, check=False)
    assert "holds a sweep already; add --resume" in refused.stderr
    for old, new, key in (
        ("high: 4", "high: 3", "space.loss.choices.focal.gamma.high: 4 -> 3"),
        ("at: target_recall", "at: youden", "search.at: target_recall -> youden"),
        ("epochs: 4", "epochs: 5", "base.training.epochs: 4 -> 5"),
    ):
        (folder / "other.yaml").write_text((BASE + SPACE).replace(old, new))
        said = imbalkit("sweep", "other.yaml", "--folder", "sweeps/mine", "--resume", cwd=folder, check=False)
        assert "are of another search than the file has now" in said.stderr
        assert key in said.stderr


def test_a_base_recipe_that_fails_ends_the_search_and_resume_tries_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(search_run, "_refit", lambda *arguments: None)
    text = (BASE + SPACE).replace("trials: 6", "trials: 2")
    (tmp_path / "mine.yaml").write_text(text)
    blocked = tmp_path / "sweeps" / "mine" / "cells" / "trial-0000"
    write_begin = search_run._write_begin

    def with_a_file_in_the_way(*arguments):
        write_begin(*arguments)
        (blocked / "mine.txt").parent.mkdir(parents=True)
        (blocked / "mine.txt").touch()

    monkeypatch.setattr(search_run, "_write_begin", with_a_file_in_the_way)
    with pytest.raises(
        RunError, match="the base recipe failed, so that there is nothing to compare with: .*trial-0000"
    ):
        search("mine.yaml")
    monkeypatch.setattr(search_run, "_write_begin", write_begin)
    search("mine.yaml", resume=True)
    trials = trials_of(tmp_path)
    assert list(trials["state"]) == ["finished", "finished"]
    assert trials.loc[0, "training.optimizer.lr"] == 0.003


def test_the_file_is_checked_and_shown_without_running(tmp_path):
    (tmp_path / "mine.yaml").write_text(BASE + SPACE)
    said = imbalkit("sweep", "mine.yaml", "--plan", cwd=tmp_path)
    assert "6 trials for the lowest false alarm rate" in said.stdout
    assert "0.0005 to 0.05, logarithmic" in said.stdout
    assert not (tmp_path / "sweeps").exists()


def test_several_metrics_leave_a_front(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(search_run, "_refit", lambda *arguments: None)
    search_ = "search: {metric: [roc_auc, false_alarm_rate], at: target_recall, trials: 2, sampler: random}\n"
    (tmp_path / "two.yaml").write_text("".join(BASE.splitlines(keepends=True)[:2]) + search_ + SPACE)
    page = (search("two.yaml") / run_folder.REPORT).read_text()
    assert "On the front, where no other trial is better in all metrics: trial" in page
    assert "ended early" not in pd.read_csv(tmp_path / "sweeps" / "two" / "trials.csv")["state"].tolist()


def test_the_refits_of_a_base_recipe_with_a_seed_are_a_sweep_file_that_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    read = []
    monkeypatch.setattr(search_run, "sweep", lambda file, *rest: read.append(read_sweep(file, default_catalogue())))
    head = "".join(BASE.splitlines(keepends=True)[:2]).replace("set: {", "set: {seed: 5, ")
    search_ = "search: {metric: roc_auc, trials: 2, sampler: random, prune: none}\n"
    same = "space: {loss: {choices: {plain: {name: ce, label_smoothing: 0.0}, other: ce}}}\n"  # one recipe in two words
    (tmp_path / "seeded.yaml").write_text(head + search_ + same)
    search("seeded.yaml")
    assert {cell.seed for cell in read[0].cells} == {6, 7, 8}
    check_cells(read[0], default_catalogue(), runtime=False)


def test_data_and_weights_may_move_between_trials_and_must_be_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(search_run, "_refit", lambda *arguments: None)
    random = np.random.default_rng(0)
    for index in range(40):
        file = tmp_path / "photographs" / ("rare" if index % 4 == 0 else "common") / f"{index:03}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(file)
    state = timm.create_model("test_efficientnet").state_dict()
    save_file(state, tmp_path / "before.safetensors")
    (tmp_path / "base.yaml").write_text(
        "data: {name: image_folder, root: photographs}\n"
        "backbone: {name: timm, model: test_efficientnet, weights: before.safetensors}\n"
        "split: {test: 0.25, validation: 0.25}\n"
        "training: {epochs: 1, batch_size: 20, threads: 1}\n"
        "evaluation: {resamples: 0}\n"
    )
    asked = "base: base.yaml\nsearch: {metric: log_loss, trials: 1}\nspace: {training.optimizer.lr: {low: 0.0001, high: 0.1}}\n"
    (tmp_path / "mine.yaml").write_text(asked)
    folder = search("mine.yaml")

    (tmp_path / "photographs").rename(tmp_path / "elsewhere")
    (tmp_path / "before.safetensors").rename(tmp_path / "after.safetensors")
    moved = (tmp_path / "base.yaml").read_text().replace("photographs", "elsewhere").replace("before", "after")
    (tmp_path / "base.yaml").write_text(moved)
    (tmp_path / "mine.yaml").write_text(asked.replace("trials: 1", "trials: 2"))
    search("mine.yaml", resume=True)
    assert len(pd.read_csv(folder / "trials.csv")) == 2

    save_file({name: value + 1 for name, value in state.items()}, tmp_path / "other.safetensors")
    (tmp_path / "base.yaml").write_text(moved.replace("after", "other"))
    with pytest.raises(RunError, match=r"another search .*base\.backbone\.weights: after\.safetensors -> other\.safet"):
        search("mine.yaml", resume=True)
    (tmp_path / "base.yaml").write_text(moved)
    next((tmp_path / "elsewhere" / "common").iterdir()).unlink()
    with pytest.raises(RunError, match="have changed since it began: 1 row is missing"):
        search("mine.yaml", resume=True)
