"""The comparison's script on a small stand-in: its figures against scikit-learn, and runs that share their first epochs."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, recall_score

from imbalkit.base.files import read_json
from imbalkit.recipe.prepare import prepare
from imbalkit.runs.results import RunData
from tests.benchmarks import longtail
from tests.benchmarks._longtail_tables import write_tables
from tests.longtail.conftest import CLASSES

pytestmark = pytest.mark.usefixtures("no_charts")
SMALL = "training: {epochs: 5, precision: fp32}\nbackbone: {name: resnet32, depth: 20}\nevaluation: {resamples: 0}\n"


METHODS = {
    "ce": "",
    "ce_deferred": "deferred: {loss: class_balanced}\n",
    "tau_normalisation": "stages: [tau_normalisation]\n",
}


@pytest.fixture
def study(cifar10_lt, tmp_path, monkeypatch):
    """A study of 5 epochs: ce, a method that begins as ce, and one that follows it."""
    monkeypatch.setenv("CIFAR10_LT", str(cifar10_lt))
    base = longtail.recipe_file("cifar10-100/quick", "ce")
    for name, keys in METHODS.items():
        (tmp_path / f"{name}.yaml").write_text(f"base: {base}\n{SMALL}{keys}")
    monkeypatch.setattr(longtail, "recipe_file", lambda study, method: tmp_path / f"{method}.yaml")
    monkeypatch.setattr(longtail, "CELLS", tmp_path / "cells.csv")
    return tmp_path


def test_cells_are_kept_and_a_method_goes_on_where_it_begins_to_differ(study):
    longtail.main(["run", "cifar10-100/quick", "--runs", str(study), "--methods", *METHODS])
    cells = longtail.read_cells()
    assert [(row["method"], row["network"], row["epochs"]) for row in cells] == [
        *(("ce", network, "5") for network in ("chosen", "last")),
        *(("ce_deferred", network, "5") for network in ("chosen", "last")),
        ("tau_normalisation", "last", "5"),
    ]
    first, deferred, staged = (RunData(study / "cifar10-100-quick" / f"{name}--seed-0") for name in METHODS)
    assert first.log[:4] == deferred.log[:4]  # to the second: not trained again
    assert first.log[4]["loss"] != deferred.log[4]["loss"]
    assert first.log == staged.log[:5]
    assert deferred.recipe["deferred"]["loss"]["name"] == "class_balanced"

    before = (study / "cells.csv").read_text()
    longtail.main(["run", "cifar10-100/quick", "--runs", "/nowhere", "--methods", *METHODS])
    assert (study / "cells.csv").read_text() == before

    page = study / "page.md"
    page.write_text("<!-- cells: cifar10-100/quick -->\n<!-- end -->\n<!-- cells: ham10000 -->\n<!-- end -->\n")
    write_tables(page, cells)
    text = page.read_text()
    assert "| cross entropy, post-hoc adjustment | 1 |" in text
    assert "No cell of this study has been run yet." in text


def test_a_run_that_goes_on_is_the_run_from_the_start(study):
    """The shared epochs change nothing: the same figures as a run of all of its epochs."""
    longtail.main(["run", "cifar10-100/quick", "--runs", str(study / "shared"), "--methods", "ce", "ce_deferred"])
    shared = [row for row in longtail.read_cells() if row["method"] == "ce_deferred"]
    (study / "cells.csv").unlink()
    longtail.main(["run", "cifar10-100/quick", "--runs", str(study / "alone"), "--methods", "ce_deferred"])
    times = {"seconds", "gap_low", "gap_high", "balanced_gap_low", "balanced_gap_high"}
    for row, other in zip(shared, longtail.read_cells(), strict=True):
        assert {key: row[key] for key in row if key not in times} == {
            key: other[key] for key in other if key not in times
        }


def test_figures_of_both_networks(study):
    longtail.main(["run", "cifar10-100/quick", "--runs", str(study), "--methods", "ce"])
    chosen, last = sorted(longtail.read_cells(), key=lambda row: row["network"])
    folder = study / "cifar10-100-quick" / "ce--seed-0"
    assert read_json(folder / "metrics.json")["test"]["accuracy"] == pytest.approx(float(chosen["accuracy"]), abs=1e-5)

    kept = np.load(folder / "logits.npz")
    labels, decided = kept["labels"], kept["logits"].argmax(1)
    assert float(last["accuracy"]) == pytest.approx(accuracy_score(labels, decided), abs=1e-5)
    assert float(last["mean_recall"]) == pytest.approx(balanced_accuracy_score(labels, decided), abs=1e-5)
    recalls = recall_score(labels, decided, average=None, labels=range(10))
    kept_recalls = dict(pair.split("=") for pair in last["recalls"].split())
    assert list(kept_recalls) == CLASSES
    assert list(map(float, kept_recalls.values())) == pytest.approx(recalls, abs=1e-4)
    for part, where in (("many", slice(3)), ("medium", slice(3, 7)), ("few", slice(7, None))):
        assert float(last[part]) == pytest.approx(recalls[where].mean(), abs=1e-5)
    counts = prepare(study / "ce.yaml").table.counts(prepare(study / "ce.yaml").split.train)
    adjusted = (kept["logits"] - np.log(counts)).argmax(1)  # Menon et al. 2021, eq. 9
    assert float(last["balanced_accuracy"]) == pytest.approx(accuracy_score(labels, adjusted), abs=1e-5)
