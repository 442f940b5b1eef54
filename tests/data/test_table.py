"""What a data set left out, and what keeps a run from starting: from the table to the plan, the run folder and the report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from imbalkit import run
from imbalkit.builtin.datasets import Digits
from imbalkit.cli.commands.plan import command as plan
from imbalkit.cli.tables.plan import plan_facts, removed_lines
from imbalkit.data.table import Table
from imbalkit.errors import RecipeError
from imbalkit.recipe.prepare import prepare

pytestmark = pytest.mark.usefixtures("no_charts")

REMOVED = pd.DataFrame(
    {"label": ["3", "1", "3", "x"], "reason": ["twice", "unsure", "twice", "unsure"], "digits_row": [7, 8, 9, 10]}
)


def test_counts_of_what_was_left_out():
    frame = pd.DataFrame({"label": ["a", "b"], "path": ["1.png", "2.png"]})
    table = Table.build(frame)
    assert table.removed is None
    assert table.removed_counts() == {}
    removed = pd.DataFrame({"label": ["b", "c", "b", "a"], "reason": ["y", "x", "y", "x"]})
    table = Table.build(frame, removed=removed)
    expected = {"y": {"a": 0, "b": 2, "c": 0}, "x": {"a": 1, "b": 0, "c": 1}}  # reasons in the order of the rows
    assert table.removed_counts() == expected
    assert list(table.removed_counts()) == ["y", "x"]
    assert removed_lines(expected)[0] == "left out by y: 2 samples (a: 0, b: 2, c: 0)"


@pytest.fixture
def digits(monkeypatch):
    """The recipe `digits` with a table that left rows out, or that cannot run."""
    load = Digits.load

    def change(**fields):
        monkeypatch.setattr(Digits, "load", lambda self: replace(load(self), **fields))

    return change


def test_the_plan_says_what_was_left_out(digits):
    assert "left out" not in CliRunner().invoke(plan, ["digits"]).output
    digits(removed=REMOVED)
    output = CliRunner().invoke(plan, ["digits", "--set", "data.minority=3"]).output
    assert "left out by twice: 2 samples (rest: 0, 3: 2, 1: 0, x: 0)" in output
    assert "left out by unsure: 2 samples (rest: 0, 3: 0, 1: 1, x: 1)" in output
    facts = plan_facts(prepare("digits"))
    assert facts["removed"]["twice"]["3"] == 2


def test_a_run_writes_what_was_left_out(digits, tmp_path):
    small = ["training.epochs=1", "training.threads=1", "backbone.width=4"]
    folder = Path(run("digits", small, runs=tmp_path))
    assert not (folder / "removed.csv").exists()
    digits(removed=REMOVED)
    folder = Path(run("digits", small, runs=tmp_path))
    pd.testing.assert_frame_equal(pd.read_csv(folder / "removed.csv", dtype={"label": str}), REMOVED, check_dtype=False)
    assert "Left out by twice: 2 samples (" in (folder / "report.html").read_text()
    assert not list(folder.glob(".removed*"))


def test_what_a_run_cannot_live_with_is_for_runs_alone(digits, tmp_path):
    digits(problems=("3 of 9 image files are not there",))
    assert len(prepare("digits").table) == len(np.unique(prepare("digits").table.frame["digits_row"]))
    with pytest.raises(RecipeError, match=r"digits.yaml:\d+: data: 3 of 9 image files are not there"):
        prepare("digits", runtime=True)
    with pytest.raises(RecipeError, match="3 of 9 image files"):
        run("digits", runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
