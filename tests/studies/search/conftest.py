"""Searches over the digits that take seconds."""

from __future__ import annotations

import pytest

from imbalkit.catalogue import default_catalogue
from imbalkit.studies.search.checks import Checked, check_search
from imbalkit.studies.search.file import SearchFile, read_search

pytest.importorskip("optuna", reason="Optuna is not installed (imbalkit[search])")

BASE = """\
base: digits
set: {positive: '9', backbone.width: 8, training.epochs: 4, training.threads: 1, evaluation.resamples: 0}
search: {metric: false_alarm_rate, at: target_recall, trials: 6, startup_trials: 2, warmup_epochs: 0}
"""
SPACE = """\
space:
  training.optimizer.lr: {low: 0.0005, high: 0.05, log: true}
  loss: {choices: {plain: ce, focal: {name: focal, gamma: {low: 0.5, high: 4}}}}
  training.batch_size: {low: 32, high: 128, step: 32}
"""


@pytest.fixture
def write(tmp_path):
    """Writes a search file: `write(space, search, more)`; returns its path."""

    def to_file(space: str = SPACE, search: str | None = None, more: str = "") -> str:
        lines = BASE.splitlines(keepends=True)
        head = "".join(lines[:2]) + (lines[2] if search is None else f"search: {search}\n")
        path = tmp_path / "digits_search.yaml"
        path.write_text(head + more + space)
        return str(path)

    return to_file


@pytest.fixture
def checked(write):
    """Reads and checks a search file as it is before the start; arguments of `write`."""

    def check(*arguments: str, **named: str) -> tuple[SearchFile, Checked]:
        catalogue = default_catalogue()
        found = read_search(write(*arguments, **named), catalogue)
        return found, check_search(found, catalogue)

    return check
