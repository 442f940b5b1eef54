"""One row among 100,000: a ratio and shares that are not shown as 0, or as all."""

from __future__ import annotations

import json

import numpy as np
from click.testing import CliRunner

from imbalkit.cli.main import root


def test_a_plan_of_one_in_100_000(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    labels = np.zeros(300_000, dtype=np.int64)
    labels[:3] = 1
    np.savez("t.npz", images=np.zeros((300_000, 1, 1), dtype=np.uint8), labels=labels)
    (tmp_path / "recipe.yaml").write_text("data: {name: arrays, file: t.npz}\nsamplers: [random_over]\n")
    shown = CliRunner().invoke(root, ["plan", "recipe.yaml"], catch_exceptions=False).output
    assert "1 : 99,999" in shown  # of all samples
    assert "0.000 " not in shown
    assert "0.00056%" in shown  # share in the data: one of 179,999
    assert "99.99944%" in shown
    assert "x 179,998" in shown
    facts = json.loads(CliRunner().invoke(root, ["plan", "recipe.yaml", "--json"], catch_exceptions=False).output)
    ratios = [side["balance_ratio"] for side in (*facts["split"].values(), *facts["class_counts"])]
    assert all(ratio > 0 for ratio in ratios), ratios
