"""`imbalkit audit` of a table with three classes of awkward names, categories and groups, five folds by itself, cut off once."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from imbalkit.engine import cross_validation
from imbalkit.recipe.prepare import prepare
from imbalkit.runs.results import RunData
from imbalkit.studies.audit import audit
from tests.without_charts import without_charts

pytest.importorskip("cleanlab", reason="needs cleanlab: pip install 'imbalkit[audit]'")

CLASSES = ("=1+1", "<b>é&", 'a "b", c')
RECIPE = {
    "data": {"name": "features", "file": "rows.csv", "label_column": "kind", "group_column": "plant"},
    "backbone": {"name": "mlp", "hidden": [8]},
    "training": {"epochs": 6, "monitor": "last", "threads": 1, "accelerator": "cpu", "optimizer": {"lr": 0.02}},
    "evaluation": {"resamples": 0},
}


def cut_off(folds):
    """Two folds, then Ctrl-C."""
    yield next(folds)
    yield next(folds)
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The audit, and the table as it was written: plants of two rows, in file order, six labels flipped."""
    folder = tmp_path_factory.mktemp("audit")
    rows, labels = load_iris(return_X_y=True, as_frame=True)
    kinds = labels.to_numpy().copy()
    kinds[[0, 20, 60, 80, 110, 140]] = (kinds[[0, 20, 60, 80, 110, 140]] + 1) % 3
    table = rows.assign(
        kind=[CLASSES[code] for code in kinds],
        colour=np.where(np.arange(150) % 3 == 0, "red", "<i>"),
        plant=[f"<u>{row // 2}" for row in range(150)],
    )
    table.to_csv(folder / "rows.csv", index=False)
    with pytest.MonkeyPatch.context() as patch, without_charts():
        patch.chdir(folder)
        run_all = cross_validation.run_all
        patch.setattr(cross_validation, "run_all", lambda pool, works: cut_off(run_all(pool, works)))
        with pytest.raises(KeyboardInterrupt):
            audit(RECIPE, folder / "a")
        patch.setattr(cross_validation, "run_all", run_all)
        done = folder / "a/folds/fold-0/metrics.json"
        written = done.stat().st_mtime_ns
        result = audit(RECIPE, folder / "a")
        assert done.stat().st_mtime_ns == written
    return folder, table, result


def test_five_folds_that_keep_groups_together(found):
    folder, table, result = found
    members = RunData(folder / "a" / "folds").members
    assert len(members) == 5
    tested = [set(table["plant"][RunData(member).split_rows().frame["source"]]) for member in members]
    assert sum(map(len, tested)) == len(set().union(*tested)) == 75
    assert sorted(result.rows["sample"]) == list(range(150))


def test_what_is_named(found):
    folder, _, result = found
    named = set(result.rows[result.rows["label_issue"]]["sample"])
    assert len(named & {0, 20, 60, 80, 110, 140}) >= 4
    assert [sorted(group) for group in result.groups] == [[row, row + 1] for row in (0, 20, 60, 80, 110, 140)]
    assert result.rows["loss_rank"].sum() == len(named)
    summary = json.loads((folder / "a" / "audit.json").read_text())
    assert set(summary["label_issues_by_label"]) <= set(CLASSES)


def test_names_are_text_on_the_page(found):
    page = (found[0] / "a" / "audit.html").read_text()
    assert "&lt;b&gt;é&amp;" in page
    for markup in ("<b>", "<u>", "<i>", "Undefined", "<img"):
        assert markup not in page.split("<body")[1]


def test_corrections_go_round_through_a_spreadsheet(found, monkeypatch):
    folder, table, _ = found
    monkeypatch.chdir(folder)
    rows = pd.read_csv(folder / "a" / "corrections.csv", dtype=str)
    for place, name in enumerate(CLASSES):
        rows.loc[place, "corrected_label"] = name
    rows.to_csv("edited.csv", index=False, sep=";", encoding="utf-8-sig", lineterminator="\r\n")
    data = {**RECIPE["data"], "corrections": "edited.csv"}
    corrected = prepare({**RECIPE, "data": data}).table.frame["label"]
    expected = table["kind"].copy()
    expected[rows["sample"][:3].astype(int).to_numpy()] = CLASSES
    assert corrected.tolist() == expected.tolist()
