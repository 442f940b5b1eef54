"""Whole runs on tables without images: what they learn, and that every stage of the engine takes them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from imbalkit.engine.options import RunOptions
from imbalkit.engine.run import run
from imbalkit.errors import DataError, RunError
from imbalkit.functional.ranking import roc_auc
from imbalkit.recipe.prepare import prepare
from imbalkit.runs.restore import restore
from imbalkit.runs.results import RunData
from imbalkit.training.trainer import Trainer
from tests.tables import RECIPE, patients, write_patients

pytestmark = pytest.mark.usefixtures("no_charts")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_patients(tmp_path_factory.mktemp("table"), rows=600)


def run_in(folder, data, epochs=2, **more):
    training = RECIPE["training"] | {"epochs": epochs} | more.pop("training", {})
    return run(RECIPE | {"data": data, "training": training} | more, options=RunOptions(folder=folder, resume=True))


def logits_of(folder):
    table = pd.read_parquet(folder / "predictions.parquet")
    return table, table.filter(regex="^logit_").to_numpy()


@pytest.fixture(scope="module")
def finished(tmp_path_factory, data):
    return run_in(tmp_path_factory.mktemp("features") / "run", data, 20, training={"monitor": "log_loss"})


def test_it_learns_and_the_report_shows_rows_in_place_of_pictures(finished):
    table, logits = logits_of(finished)
    assert roc_auc((table["label"] == "ill").to_numpy(), logits[:, 0] - logits[:, 1]) > 0.75
    report = (finished / "report.html").read_text(encoding="utf-8")
    assert "could not be made" not in report
    assert "Images as the network sees them" not in report
    assert '<th scope="col">age</th><th scope="col">noise</th><th scope="col">site</th>' in report
    assert "beside the image" not in report
    assert "numbers are standardised" in report


def test_it_is_restored_from_its_folder(finished):
    restored = restore(finished)
    assert restored.encoding == RunData(finished).encoding
    assert not RunData(finished).has_images
    table, logits = logits_of(finished)
    found = restored.logits(restored.images(), table["source"], restored.columns)
    np.testing.assert_allclose(found, logits, rtol=1e-4, atol=1e-4)


def test_the_same_seed_gives_the_same_bytes(tmp_path, data, finished):
    again = run_in(tmp_path / "again", data, 20, training={"monitor": "log_loss"})
    for name in ("model.safetensors", "predictions.parquet"):
        assert (again / name).read_bytes() == (finished / name).read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"samplers": ["random_over"], "mixer": "mixup", "loss": "logit_adjusted"},
        {"samplers": ["random_under"], "head": "cosine", "loss": "ldam", "order": "balanced"},
        {"samplers": [{"name": "loss_rank", "classes": ["well"], "drop": 20, "which": "highest", "warm_start": False}]},
        {"mixer": "balanced_mixup", "stages": [{"name": "retrain", "epochs": 1}]},
        {"stages": ["smote"]},
        {
            "stages": ["tau_normalisation"],
            "decision": {"calibrator": "temperature", "threshold": "youden", "prior": "data"},
        },
    ],
    ids=lambda change: " ".join(change),
)
def test_every_kind_of_part_works_on_rows(tmp_path, data, change):
    folder = run_in(tmp_path / "run", data, **change)
    assert json.loads((folder / "metrics.json").read_text())["test"]["n"] > 0
    assert "could not be made" not in (folder / "report.html").read_text(encoding="utf-8")


def test_a_sampler_that_compares_rows_compares_them_by_their_columns(tmp_path, data, monkeypatch):
    pytest.importorskip("imblearn")
    from imbalkit.builtin.samplers.row_pickers import TomekLinks

    seen = []
    before = TomekLinks.resample
    monkeypatch.setattr(TomekLinks, "resample", lambda self, *given: (seen.append(given[1]), before(self, *given))[1])
    recipe = RECIPE | {"data": data, "samplers": ["tomek_links"]}
    run_in(tmp_path / "run", data, samplers=["tomek_links"])
    prepared = prepare(recipe)
    columns = prepared.columns[prepared.split.train]
    spread = columns.std(axis=0)
    expected = (columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1)
    np.testing.assert_allclose(seen[0], expected, atol=1e-3)


def test_it_goes_on_where_it_stopped(tmp_path, data, monkeypatch):
    whole, cut = run_in(tmp_path / "whole", data, 3), tmp_path / "cut"
    (before, calls) = (Trainer.predict, [])

    def fail(self, *given, **named):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("power cut")
        return before(self, *given, **named)

    monkeypatch.setattr(Trainer, "predict", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        run_in(cut, data, 3)
    monkeypatch.undo()
    run_in(cut, data, 3)
    assert (cut / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_values_that_changed_are_noticed(tmp_path):
    data = write_patients(tmp_path)
    folder = run_in(tmp_path / "run", data)
    frame = patients()
    frame.loc[3, "noise"] = 99.0
    frame.to_csv(data["file"], index=False)
    with pytest.raises(DataError, match="1 value of noise has changed"):
        restore(folder).images()


@pytest.mark.slow
def test_folds_and_their_ensemble(tmp_path, data):
    from imbalkit.studies.ensembles.make import make_ensemble

    folds = run_in(tmp_path / "folds", data, split={"folds": 2})
    assert RunData(folds).encoding.names == ("age", "noise", "site")
    ensemble = make_ensemble([folds], tmp_path / "both")
    assert RunData(ensemble).encoding is not None
    with pytest.raises(RunError, match="has no features"):
        restore(ensemble).features(np.zeros((1, 1, 1, 0), np.uint8), columns=RunData(ensemble).encoding.missing())


def test_rows_of_a_table_are_predicted(tmp_path, finished, data):
    from imbalkit import Run

    table = pd.read_parquet(finished / "predictions.parquet")
    names = {"outcome": "label", "patient": "group"}
    rows = patients(600).iloc[table["source"]].rename(columns=names).reset_index(drop=True)
    found = Run.load(finished).predict(rows)
    np.testing.assert_allclose(found["probability_ill"], table["probability_ill"], atol=1e-5)
    assert found["decision"].tolist() == table["decision"].tolist()
    assert found["row"].tolist()[:2] == ["1", "2"]
    from_file = Run.load(finished).predict(data["file"])
    np.testing.assert_allclose(from_file["probability_ill"][table["source"]], table["probability_ill"], atol=1e-5)


def test_what_is_no_such_table_is_refused(tmp_path, finished):
    from imbalkit import Run

    run = Run.load(finished)
    (tmp_path / "other.csv").write_text("size\n3\n")
    with pytest.raises(DataError, match="has none of the columns that the model takes"):
        run.predict(tmp_path / "other.csv")
    with pytest.raises(DataError, match="takes rows of a table: expected a .csv"):
        run.predict(tmp_path / "a.jpg")
    with pytest.raises(DataError, match="expected a DataFrame"):
        run.predict(np.zeros((1, 4, 4), np.uint8))
    (tmp_path / "part.csv").write_text("age,site\n70,leg\nold,nose\n")
    with pytest.warns(UserWarning, match="takes age, noise and site, and the input has no noise|no number|no category"):
        assert len(run.predict(tmp_path / "part.csv")) == 2
