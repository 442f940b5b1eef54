"""`imbalkit audit` of a table without images, of all its rows and of a trial on some, and again after corrections."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer

from imbalkit.engine.options import RunOptions
from imbalkit.engine.run import run
from imbalkit.recipe.prepare import prepare
from imbalkit.runs.results import RunData
from imbalkit.studies.audit.out_of_fold import in_folds, probabilities
from tests.command_line import imbalkit
from tests.without_charts import without_charts

pytest.importorskip("cleanlab", reason="needs cleanlab: pip install 'imbalkit[audit]'")

RECIPE = """\
data: {name: features, file: rows.csv, labels: {0: malignant, 1: benign}}
backbone: {name: mlp, hidden: [16]}
training: {epochs: 10, monitor: last, threads: 1, accelerator: cpu}
split: {folds: 3}
"""
NAMES = {0: "malignant", 1: "benign"}


@pytest.fixture(scope="module")
def flipped(tmp_path_factory):
    """A folder of rows with twenty labels flipped, those labels, and its first audit."""
    folder = tmp_path_factory.mktemp("audit")
    rows, labels = load_breast_cancer(return_X_y=True, as_frame=True)
    wrong = np.random.default_rng(0).choice(len(rows), 20, replace=False)
    labels = labels.to_numpy().copy()
    labels[wrong] = 1 - labels[wrong]
    rows.assign(label=labels).to_csv(folder / "rows.csv", index=False)
    (folder / "r.yaml").write_text(RECIPE)
    with without_charts():
        imbalkit("audit", "r.yaml", "--out", "all", "--no-loss-rank", cwd=folder)
        imbalkit("audit", "r.yaml", "--set", "data.sample=0.5", "--out", "half", "--no-loss-rank", cwd=folder)
    return folder, wrong, labels


def test_flipped_labels_are_named(flipped):
    folder, wrong, _ = flipped
    rows = pd.read_parquet(folder / "all" / "rows.parquet")
    named = set(rows[rows["label_issue"]]["sample"])
    assert len(named & set(wrong)) >= 16
    assert len(named) <= 40
    page = (folder / "all" / "audit.html").read_text()
    assert "Undefined" not in page
    assert "<img" not in page


def test_probabilities_are_at_the_prior_of_the_data(flipped, tmp_path, monkeypatch):
    monkeypatch.chdir(flipped[0])
    found, shifted = [], "loss={name: weighted_ce, weights: {malignant: 5.0}}"
    for prior in ("data", "as_trained"):
        overrides = [shifted, f"decision.prior={prior}", "training.epochs=2"]
        prepared, changed = in_folds("r.yaml", overrides, ())
        with without_charts():
            folder = run("r.yaml", changed, RunOptions(folder=tmp_path / prior))
        found.append(probabilities(folder, prepared))
    np.testing.assert_allclose(found[1][1], found[0][1], atol=1e-6)
    untouched = np.concatenate([RunData(member).split_rows().probabilities for member in RunData(folder).members])
    assert np.abs(untouched.mean(axis=0) - found[0][1].mean(axis=0)).max() > 0.1
    assert found[0][2] == []


@pytest.mark.parametrize("name", ["all", "half"])
def test_corrections_name_rows_of_the_whole_file(flipped, name, monkeypatch):
    folder, _, labels = flipped
    corrections = pd.read_csv(folder / name / "corrections.csv", dtype=str)
    named = corrections["sample"].astype(int).to_numpy()
    assert corrections["label"].tolist() == [NAMES[label] for label in labels[named]]
    assert len(named) > 5


def test_a_second_round_after_rows_were_left_out(flipped, monkeypatch):
    folder, _, labels = flipped
    monkeypatch.chdir(folder)
    first = pd.read_csv("all/corrections.csv", dtype=str)
    first["leave_out"] = ["yes"] * 3 + [""] * (len(first) - 3)
    first.to_csv("first.csv", index=False)
    with without_charts():
        recipe = ["r.yaml", "--set", "data.corrections=first.csv", "--out", "second", "--no-loss-rank"]
        imbalkit("audit", *recipe, cwd=folder)
    second = pd.read_csv("second/corrections.csv", dtype=str)
    named = second["sample"].astype(int).to_numpy()
    assert second["label"].tolist() == [NAMES[label] for label in labels[named]]
    assert not set(named) & set(first["sample"].astype(int)[:3])
    new = second.assign(
        corrected_label=["benign" if label == "malignant" else "malignant" for label in second["label"]]
    )
    pd.concat([first.head(3), new.head(2)]).to_csv("both.csv", index=False)
    table = prepare("r.yaml", ["data.corrections=both.csv"]).table
    assert len(table) == len(labels) - 3
    changed = table.frame["label"] != table.frame["label before corrections"]
    assert sorted(table.origins[changed.to_numpy()]) == sorted(named[:2])
