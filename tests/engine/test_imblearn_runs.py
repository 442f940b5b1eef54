"""imbalanced-learn in runs on tables: what it is given, that no held-out row is among it, and that the seed decides."""

from __future__ import annotations

import json

import imblearn.over_sampling
import imblearn.under_sampling
import numpy as np
import pandas as pd
import pytest

from imbalkit.base.randomness import generator
from imbalkit.engine.options import RunOptions
from imbalkit.engine.run import run
from imbalkit.functional.features import standardised
from imbalkit.recipe.prepare import prepare
from tests.tables import RECIPE, patients

pytestmark = pytest.mark.usefixtures("no_charts")
SAMPLER = {"name": "imblearn", "sampler": "OneSidedSelection"}
STAGE = {"name": "imblearn", "sampler": "SMOTE", "options": {"k_neighbors": 3}, "penalty": 10.0}


def table(folder, spoilt=False):
    """Patients with a split of their own; `spoilt`: with other values in every held-out row."""
    frame = patients(300)
    frame["split"] = np.resize(["train", "train", "train", "train", "validation", "validation", "test", "test"], 300)
    if spoilt:
        held_out = frame["split"] != "train"
        frame.loc[held_out, "age"] = 1e6
        frame.loc[held_out, "site"] = "elsewhere"
    folder.mkdir(exist_ok=True)
    frame.to_csv(folder / "table.csv", index=False)
    columns = ["age", "noise", "site"]
    data = {"name": "features", "file": str(folder / "table.csv"), "label_column": "outcome", "columns": columns}
    return RECIPE | {"data": data | {"split_column": "split"}, "split": {"column": "split"}}


def given(monkeypatch, kind, recipe, folder):
    """What a run gives to a sampler of imbalanced-learn: (features, labels), each time; and its folder."""
    seen, before = [], kind.fit_resample

    def record(self, features, labels):
        seen.append((features.copy(), labels.copy()))
        return before(self, features, labels)

    with monkeypatch.context() as patch:
        patch.setattr(kind, "fit_resample", record)
        run(recipe, options=RunOptions(folder=folder))
    return seen


@pytest.mark.parametrize(
    "kind, change",
    [
        (imblearn.under_sampling.OneSidedSelection, {"samplers": [SAMPLER]}),
        (imblearn.over_sampling.SMOTE, {"stages": [STAGE]}),
    ],
)
def test_held_out_rows_are_never_given_to_it(tmp_path, monkeypatch, kind, change):
    whole = given(monkeypatch, kind, table(tmp_path / "a") | change, tmp_path / "run")
    spoilt = given(monkeypatch, kind, table(tmp_path / "b", spoilt=True) | change, tmp_path / "spoilt")
    assert len(whole) == len(spoilt) == 1
    assert len(whole[0][0]) == 152  # the training rows
    for one, other in zip(whole[0], spoilt[0], strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_plan_is_what_imbalanced_learn_picks_of_the_encoded_columns(tmp_path):
    recipe = table(tmp_path / "a") | {"samplers": [SAMPLER]}
    run(recipe, options=RunOptions(folder=tmp_path / "run"))
    prepared = prepare(recipe)
    train = prepared.split.train
    seed = int(generator(prepared.recipe.seed, "sampler", "imblearn", 0, 0).integers(2**31))
    picker = imblearn.under_sampling.OneSidedSelection(random_state=seed)
    picker.fit_resample(standardised(prepared.columns[train]), prepared.table.labels[train].astype(int))
    audit = pd.read_parquet(tmp_path / "run" / "plan.parquet")
    assert audit[audit.kept].source.tolist() == sorted(train[picker.sample_indices_].tolist())
    assert set(audit[~audit.kept].dropped_by) == {"samplers[0] imblearn OneSidedSelection"}
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["prior"]["exact"] is False
    assert "OneSidedSelection drops rows by their features" in json.dumps(metrics["prior"])
