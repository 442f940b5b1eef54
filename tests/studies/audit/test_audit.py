"""`imbalkit audit`: labels flipped on purpose are found, nothing is changed by itself, and corrections are read back."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from imbalkit.errors import MissingExtraError
from imbalkit.recipe.prepare import prepare
from imbalkit.studies.audit import findings
from tests.command_line import imbalkit
from tests.without_charts import without_charts

pytest.importorskip("cleanlab", reason="needs cleanlab: pip install 'imbalkit[audit]'")

RECIPE = """\
data: {name: table, file: photographs/labels.csv, label_column: kind}
images: {size: 32, cache: cache}
backbone: {name: small_cnn, width: 8}
training: {epochs: 8, batch_size: 16, monitor: last, optimizer: {lr: 0.01}, threads: 1, accelerator: cpu}
split: {folds: 3}
"""


@pytest.fixture(scope="module")
def project(photographs, tmp_path_factory):
    """An audit of the photographs: six labels are flipped, and a copy of one picture has the other label."""
    folder = tmp_path_factory.mktemp("audit")
    shutil.copytree(photographs, folder / "photographs")
    table = pd.read_csv(folder / "photographs" / "labels.csv")
    flips = [1, 2, 5, 40, 44, 48]
    table.loc[flips, "kind"] = table.loc[flips, "kind"].map({"common": "rare", "rare": "common"})
    shutil.copy(folder / "photographs" / table["path"][10], folder / "photographs" / "copy.png")
    table.loc[len(table)] = {"path": "copy.png", "kind": "rare", "patient": "P99", "site": "north"}
    table.to_csv(folder / "photographs" / "labels.csv", index=False)
    (folder / "r.yaml").write_text(RECIPE)
    with without_charts():
        done = imbalkit("audit", "r.yaml", "--out", "a", cwd=folder)
    return folder, [*flips, 120], done


@pytest.fixture
def rows(project):
    return pd.read_parquet(project[0] / "a" / "rows.parquet")


def test_flipped_labels_are_named_first(project, rows):
    _, wrong, _ = project
    assert sorted(rows["sample"]) == list(range(121))
    named = set(rows[rows["label_issue"]]["sample"])
    assert len(named & set(wrong)) >= 5
    assert len(named) <= 14
    assert set(rows.head(len(named))["sample"]) == named  # the most suspect ones


def test_a_copy_with_another_label_is_a_contradiction(rows):
    pair = rows[rows["sample"].isin([10, 120])].set_index("sample")
    assert pair["duplicate_of"].to_dict() == {10: 120, 120: 10}
    assert (rows["duplicate_of"] >= 0).sum() == 2


def test_loss_rank_drops_as_many_and_how_they_agree(project, rows):
    summary = json.loads((project[0] / "a" / "audit.json").read_text())
    agreed = summary["agreement_with_loss_rank"]
    assert rows["loss_rank"].sum() == rows["label_issue"].sum() == summary["label_issues"]
    assert agreed["both"] == (rows["loss_rank"] & rows["label_issue"]).sum()
    assert agreed["by_chance"] == pytest.approx(summary["label_issues"] ** 2 / 121)
    assert rows["loss"].notna().all()


def test_the_page_shows_them(project):
    page = (project[0] / "a" / "audit.html").read_text()
    assert page.count("<img") >= 8
    assert "copy" in page
    assert "Undefined" not in page


def test_corrections_are_read_back_and_stay(project, tmp_path):
    folder = tmp_path / "p"
    shutil.copytree(project[0], folder)
    file = folder / "a" / "corrections.csv"
    table = pd.read_csv(file, dtype=str)
    assert {"sample", "path", "label", "corrected_label", "leave_out", "why"} <= set(table)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        before = prepare("r.yaml").table
        same = prepare("r.yaml", ["data.corrections=a/corrections.csv"]).table
        assert same.frame["label"].tolist() == before.frame["label"].tolist()  # nothing by itself
        table.loc[0, "corrected_label"] = {"common": "rare", "rare": "common"}[table.loc[0, "label"]]
        table.loc[1, "leave_out"] = "yes"
        table.to_csv(file, index=False)
        corrected = prepare("r.yaml", ["data.corrections=a/corrections.csv"]).table
    assert len(corrected) == len(before) - 1
    changed = corrected.frame[corrected.frame["label"] != corrected.frame["label before corrections"]]
    assert changed["path"].tolist() == [table.loc[0, "path"]]
    with without_charts():
        done = imbalkit("audit", "r.yaml", "--out", "a", "--no-pictures", cwd=folder)  # from its finished trainings
    assert "is being filled in and stays" in done.stderr
    assert pd.read_csv(file, dtype=str)["leave_out"].notna().sum() == 1
    assert (folder / "a" / "corrections-new.csv").exists()


def test_label_issues_of_confident_probabilities():
    """A class without rows does not matter; a row that every probability contradicts is flagged, and its suggestion is right."""
    random = np.random.default_rng(0)
    true = random.integers(0, 2, 400) * 2  # classes 0 and 2 of three
    labels = true.copy()
    wrong = random.choice(400, 20, replace=False)
    labels[wrong] = 2 - labels[wrong]
    sure = np.where(np.arange(3) == true[:, None], 0.9, 0.05)
    found = findings.label_issues(labels, sure)
    assert sorted(np.flatnonzero(found.flagged)) == sorted(wrong)
    assert found.suggested[wrong].tolist() == true[wrong].tolist()


def test_agreement_counts():
    one, other = np.array([1, 1, 0, 0], dtype=bool), np.array([1, 0, 1, 0], dtype=bool)
    assert findings.agreement(one, other) == {"both": 1, "first": 1, "second": 1, "by_chance": 1.0}


def test_without_cleanlab_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(findings.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"imbalkit\[audit\]"):
        findings.check_cleanlab()
