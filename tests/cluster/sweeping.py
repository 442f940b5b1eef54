"""A small sweep that is watched from outside while a cluster's parts fail."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from tests.command_line import environment

EPOCHS = 40
GRID = """\
base: digits
set: {training.epochs: %d, training.threads: 1, training.accelerator: cpu, evaluation.resamples: 0, samplers: []}
seeds: [0, 1, 2]
launcher: %s
"""
SEARCH = """\
base: digits
set: {training.epochs: 2, training.threads: 1, training.accelerator: cpu, evaluation.resamples: 0, samplers: []}
search: {metric: balanced_accuracy, trials: 3, startup_trials: 2, fresh_seeds: 3, at_once: 2, prune: none}
space: {training.optimizer.lr: {low: 0.001, high: 0.05, log: true}}
launcher: %s
"""


def search_with(folder: Path, launcher: str, variables: Mapping[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run a small search of digits to its report: its trials, and the runs with fresh seeds."""
    (folder / "search.yaml").write_text(SEARCH % launcher)
    words = [sys.executable, "-m", "imbalkit", "sweep", "search.yaml"]
    environ = {**os.environ, **environment(folder), **variables}
    done = subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (folder / "sweeps" / "search" / "report.html").exists()
    refits = pd.read_parquet(folder / "sweeps" / "search" / "refits" / "sweep.parquet")
    assert set(refits["state"]) == {"finished"}
    return pd.read_csv(folder / "sweeps" / "search" / "trials.csv"), refits


class Sweep:
    """Three cells of digits in `folder`, run by a launcher."""

    def __init__(self, folder: Path, launcher: str, variables: Mapping[str, str]):
        self.folder, self.path = folder, folder / "sweeps" / "grid"
        self.variables = {**os.environ, **environment(folder), **variables}
        (folder / "grid.yaml").write_text(GRID % (EPOCHS, launcher))

    def start(self, *options: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "imbalkit", "sweep", "grid.yaml", *options]
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        return subprocess.Popen(words, cwd=self.folder, env=self.variables, text=True, **pipes)

    def epochs(self, seed: int) -> list[int]:
        """What the log of a cell has, line by line."""
        log = self.path / "cells" / f"seed-{seed}" / "log.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        return [json.loads(line)["epoch"] for line in lines if line.endswith("}")]

    def printed(self, seed: int) -> str:
        return (self.path / "logs" / f"seed-{seed}.txt").read_text()

    def jobs(self) -> dict[str, str]:
        """The ids of the cells at work."""
        file = self.path / "jobs.json"
        return json.loads(file.read_text())["jobs"] if file.exists() else {}

    def until(self, true: Callable[[], bool], what: str, seconds: float = 300) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"{what}: {[self.epochs(seed) for seed in range(3)]}"
            time.sleep(0.1)

    def assert_whole(self) -> None:
        """Every cell is finished, and no epoch but one that was cut short by a kill was done twice."""
        frame = pd.read_parquet(self.path / "sweep.parquet")
        assert list(frame["state"]) == ["finished"] * 3
        for seed in range(3):
            epochs = self.epochs(seed)
            assert sorted(set(epochs)) == list(range(1, EPOCHS + 1))
            assert len(epochs) <= EPOCHS + 1
        assert not (self.path / "jobs.json").exists()

    def assert_went_on(self, seed: int, logged: int) -> None:
        """A cell that was killed after `logged` epochs repeats at most the one whose checkpoint the kill prevented."""
        went_on = re.findall(rf"{EPOCHS} epochs, (\d+) of them done before", self.printed(seed))
        assert went_on in ([str(logged)], [str(logged - 1)]), self.printed(seed)  # an epoch is logged, then kept
        assert len(self.epochs(seed)) == EPOCHS + logged - int(went_on[0])
