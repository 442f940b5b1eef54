"""What a data set has to say reaches the user: in `init`, `plan`, `run`, `sweep`, the run folder and the report."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from imbalkit.builtin.datasets import Digits, ImageFolder
from imbalkit.data.table import Table
from tests.cli.commands.test_init import image
from tests.command_line import imbalkit

pytestmark = pytest.mark.usefixtures("no_charts")

CAUTION, NOTE = "7 rows have two labels: set data.labels", "the file has a column x that is not used"
SMALL = [f"--set={setting}" for setting in ("training.epochs=1", "training.threads=1", "backbone.width=4")]


@pytest.fixture
def digits(monkeypatch):
    """The recipe `digits` with a table that says something."""
    load = Digits.load
    monkeypatch.setattr(Digits, "load", lambda self: replace(load(self), notes=(NOTE,), cautions=(CAUTION,)))


def test_cautions_come_before_notes():
    assert Table(None, ("a", "b"), notes=("n",), cautions=("c",)).all_notes == ("c", "n")


def test_a_plan_tells_the_notes(digits, tmp_path):
    output = imbalkit("plan", "digits", cwd=tmp_path).stdout
    assert 0 < output.index(f"note: {CAUTION}") < output.index(f"note: {NOTE}")
    assert json.loads(imbalkit("plan", "digits", "--json", cwd=tmp_path).stdout)["notes"] == [CAUTION, NOTE]


def test_a_run_tells_the_notes_before_it_trains_and_keeps_them(digits, tmp_path):
    lines = imbalkit("run", "digits", *SMALL, "--folder", "run", cwd=tmp_path).stderr.splitlines()
    start = lines.index("run folder run")
    assert lines[start + 1 : start + 3] == [f"note: {CAUTION}", f"note: {NOTE}"]
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (facts["data_notes"], facts["data_cautions"]) == ([CAUTION, NOTE], [CAUTION])
    report = (tmp_path / "run" / "report.html").read_text()
    assert report.count(NOTE[1:]) == 1  # in the section on the data
    assert report.count(CAUTION) > 1  # and among the cautions


def test_a_sweep_tells_the_notes_once(digits, tmp_path):
    (tmp_path / "s.yaml").write_text("base: digits\naxes: {loss: [ce, focal]}\n")
    output = imbalkit("sweep", "s.yaml", "--plan", cwd=tmp_path).stdout
    assert output.count(CAUTION) == 1
    assert output.count(NOTE) == 1


def test_init_tells_the_notes(monkeypatch, tmp_path):
    for name in ("a/1.png", "a/2.png", "b/1.png", "b/2.png"):
        image(tmp_path / "photos" / name)
    load = ImageFolder.load
    monkeypatch.setattr(ImageFolder, "load", lambda self: replace(load(self), notes=(NOTE,), cautions=(CAUTION,)))
    lines = imbalkit("init", "photos", cwd=tmp_path).stdout.splitlines()
    assert lines.index(CAUTION) < lines.index(NOTE)


def test_a_class_of_which_no_picture_can_be_read_stops_a_run(tmp_path):
    for number in range(6):
        for name in "ab":
            image(tmp_path / "d" / name / f"{number}.png", 8, 8, number)
        (tmp_path / "d" / "c").mkdir(exist_ok=True)
        (tmp_path / "d" / "c" / f"{number}.png").write_bytes(b"no picture")
    output = imbalkit("init", "d", cwd=tmp_path).stdout
    assert "no image of c can be read: a run stops there" in output
    done = imbalkit("run", "recipe.yaml", "--set=training.epochs=1", cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "error: no picture of 'c' (4) that can be read remains to train on (such as d" in done.stderr
