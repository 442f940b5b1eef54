"""The report of a search, from a study and runs that are made up; in a browser as wide as a phone."""

from __future__ import annotations

import pandas as pd
import pytest

from imbalkit.catalogue import default_catalogue
from imbalkit.studies.search.checks import check_search
from imbalkit.studies.search.file import read_search
from imbalkit.studies.search.fresh import REFITS
from imbalkit.studies.search.outcome import read_outcome, write_tables
from imbalkit.studies.search.report import write_search_report
from imbalkit.studies.search.study import ask, counting, open_study, quiet, retry_failed
from tests.report.html import Page
from tests.report.made_up import run_of, scored

pytest.importorskip("optuna", reason="Optuna is not installed (imbalkit[search])")

FILE = """\
base: digits
set: {positive: '9'}
search: {metric: false_alarm_rate, at: target_recall, trials: 30, startup_trials: 5}
space:
  training.optimizer.lr: {low: 0.0005, high: 0.02, log: true}
  loss: {choices: {plain: ce, focal: {name: focal, gamma: {low: 0.5, high: 4}}}}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A search of 30 trials, with fresh seeds: folder, file, checks, study."""
    folder = tmp_path_factory.mktemp("search")
    (folder / "sweep.yaml").write_text(FILE)
    catalogue = default_catalogue()
    found = read_search(folder / "sweep.yaml", catalogue)
    checked = check_search(found, catalogue)
    with quiet():
        study = open_study(folder, found, checked)
        for number in range(30):
            trial = ask(study, found, checked, 1)
            value = (
                0.1 + abs(trial.params["training.optimizer.lr"] - 0.006) * 10 + 0.02 * (trial.params["loss"] == "plain")
            )
            trial.set_user_attr("budget", 8)
            if number == 7:
                trial.set_user_attr("error", "out of memory")
                study.tell(trial, state=_state("FAIL"))
                continue
            trial.report(value + 0.1, 2)
            early = number > 5 and number % 4 == 0
            trial.set_user_attr("epochs", 2 if early else 8)
            study.tell(trial, **({"state": _state("PRUNED")} if early else {"values": value}))
        write_tables(folder, read_outcome(study, found, checked))
        winner = read_outcome(study, found, checked).winner_label
        rows = []
        for label, lead in (("base", 0.0), (winner, 0.05)):
            for seed in (1, 2, 3):
                labels, logits = scored(300, 40, seed=seed)
                logits[:, 1] += lead * (labels - 0.5)
                cell = f"{label}--seed-{seed}"
                run_of(folder / REFITS / "cells" / cell, labels, logits)
                rate = 0.2 - lead + 0.01 * seed
                metrics = {
                    "false_alarm_rate": rate,
                    "validation.false_alarm_rate": rate,
                    "miss_rate": 0.1,
                    "validation.miss_rate": 0.1,
                }
                rows.append({"cell": cell, "candidate": label, "seed": seed, "state": "finished", **metrics})
        pd.DataFrame(rows).to_parquet(folder / REFITS / "sweep.parquet")
        write_search_report(folder, found, checked, study)
    return folder, found, checked, study


def _state(name):
    from optuna.trial import TrialState

    return TrialState[name]


def test_it_says_how_many_trials_there_were_and_what_the_gain_is_worth(made):
    text = (made[0] / "report.html").read_text()
    sections = Page(made[0] / "report.html").texts
    assert list(sections) == ["summary", "fresh", "rates", "history", "space", "trials", "files"]
    for said in (
        "30 trials by TPE looked for the lowest false alarm rate on 200 validation rows, decided by target_recall",
        "The best of 30 trials is biased upward",
        "1 trial failed",
        "95 % interval over seeds; better on 3 of 3 seeds",
        "more than seeds alone give",
        "+0.0500",
        "PED-ANOVA",
    ):
        assert said in text
    assert "6 ended early" in text
    assert "out of memory" in sections["trials"]
    assert "0.0005 to 0.02, logarithmic" in sections["space"]


def test_no_gain_is_called_what_it_is(made, tmp_path):
    folder, found, checked, study = made
    frame = pd.read_parquet(folder / REFITS / "sweep.parquet")
    noisy = frame.assign(false_alarm_rate=[0.2, 0.25, 0.3, 0.25, 0.2, 0.28])
    noisy.to_parquet(tmp_path / "sweep.parquet")
    try:
        (tmp_path / "sweep.parquet").replace(folder / REFITS / "sweep.parquet")
        with quiet():
            text = write_search_report(folder, found, checked, study).read_text()
    finally:
        frame.to_parquet(folder / REFITS / "sweep.parquet")
    assert "within what seeds alone give: the search has not shown that it is better" in text


def test_before_the_fresh_runs_it_speaks_of_trials_alone(made):
    folder, found, checked, study = made
    (folder / REFITS).rename(folder / "elsewhere")
    try:
        with quiet():
            text = write_search_report(folder, found, checked, study).read_text()
    finally:
        (folder / "elsewhere").rename(folder / REFITS)
        with quiet():
            write_search_report(folder, found, checked, study)
    assert "The runs with fresh seeds are not there yet" in text
    assert 'id="rates"' not in text


def test_a_failed_trial_is_put_in_line_once(made):
    study = made[3]
    with quiet():
        before = len(counting(study))
        assert (retry_failed(study), retry_failed(study)) == (1, 0)
        assert len(counting(study)) == before - 1


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1200])
def test_it_fits_a_phone_and_a_desk(made, visit, width):
    page = visit(made[0] / "report.html", viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for chart in ("search-history", "search-importance", "search-rates"):
        box = page.locator(f"#{chart}").bounding_box()
        assert box["width"] > 300
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert page.locator(f"#{chart} title").text_content()
