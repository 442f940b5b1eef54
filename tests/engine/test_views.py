"""A run whose recipe averages views: what is averaged, what is not, and that afterwards it answers as it did."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file

from imbalkit.engine.options import RunOptions
from imbalkit.engine.run import run as run_recipe
from imbalkit.errors import RecipeError, RunError
from imbalkit.functional.paired import delong_test
from imbalkit.recipe.prepare import prepare
from imbalkit.runs.restore import restore
from tests.functional.test_views import numpy_views, softmax

pytestmark = pytest.mark.usefixtures("no_charts")

RECIPE = {
    "data": {"name": "digits", "imbalance": 20},
    "positive": "8",
    "split": {"column": "split"},
    "backbone": {"name": "small_cnn", "width": 4},
    "training": {"epochs": 4, "batch_size": 64, "optimizer": {"lr": 0.02}, "threads": 1, "accelerator": "cpu"},
    "decision": {"threshold": "youden", "calibrator": "temperature"},
    "evaluation": {"resamples": 200},
}


def views(name):
    return RECIPE | {"predict": {"views": name}}


def read(folder, split):
    frame = pd.read_parquet(folder / "predictions.parquet")
    rows = frame[frame["split"] == split]
    return rows, rows[[name for name in rows if name.startswith("logit_")]].to_numpy(np.float64)


def log_of(folder):
    lines = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
    return [{key: value for key, value in line.items() if not key.endswith(("seconds", "_second"))} for line in lines]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The same training, predicted without and with views."""
    root, found = tmp_path_factory.mktemp("views"), {}
    for name in ("none", "dihedral"):
        found[name] = run_recipe(views(name), options=RunOptions(folder=root / name, rounds=root / "rounds"))
    return found


@pytest.mark.parametrize("split", ["validation", "test"])
def test_what_is_predicted_is_the_mean_over_the_views(runs, split):
    plain, folder = restore(runs["none"]), runs["dihedral"]
    rows, logits = read(folder, split)
    pixels = plain.images().take(rows["source"].to_numpy())
    each = [softmax(plain.logits(view).astype(np.float64)) for view in numpy_views(pixels, "dihedral")]
    np.testing.assert_allclose(softmax(logits), np.mean(each, axis=0), atol=1e-5)
    assert np.abs(softmax(logits) - each[0]).max() > 0.02


def test_epochs_are_validated_on_plain_pictures_and_the_training_is_shared(runs):
    assert log_of(runs["none"]) == log_of(runs["dihedral"])
    weights = [load_file(folder / "model.safetensors") for folder in runs.values()]
    assert all((weights[0][name] == weights[1][name]).all() for name in weights[0])
    assert len(list((runs["none"].parent / "rounds").glob("*.pt"))) == 1


def test_the_decision_is_fitted_on_what_is_predicted(runs):
    """A threshold by Youden's index is where the averaged probabilities of the validation rows say."""
    folder = runs["dihedral"]
    restored, (rows, logits) = restore(folder), read(folder, "validation")
    probability = restored.decision.probabilities(logits)[:, restored.positive]
    is_positive = (rows["label"] == "8").to_numpy()

    def youden(threshold):
        return (probability[is_positive] >= threshold).mean() - (probability[~is_positive] >= threshold).mean()

    assert youden(restored.decision.threshold) == pytest.approx(max(youden(each) for each in probability))


def test_a_run_answers_afterwards_as_it_did(runs):
    restored = restore(runs["dihedral"])
    rows, logits = read(runs["dihedral"], "test")
    pixels = restored.images().take(rows["source"].to_numpy())
    np.testing.assert_allclose(restored.logits(pixels), logits, atol=1e-5)
    turned = restored.logits(np.ascontiguousarray(np.rot90(pixels, 1, (1, 2))))
    np.testing.assert_allclose(turned, logits, atol=1e-4)
    plain = restore(runs["none"])
    np.testing.assert_array_equal(restored.features(pixels), plain.features(pixels))  # of the plain picture


def metrics_of(folder):
    return json.loads((folder / "metrics.json").read_text())


def test_the_gain_is_that_over_the_run_without_views(runs):
    """On validation rows, each with the decision that its own run has."""
    plain, facts = metrics_of(runs["none"]), metrics_of(runs["dihedral"])
    assert "views" not in plain
    found = facts["views"]
    assert (found["views"], found["count"], found["rows"]) == ("dihedral", 8, 200)
    assert [entry["metric"] for entry in found["gain"]] == ["balanced_accuracy", "log_loss", "roc_auc"]
    for entry in found["gain"]:
        assert entry["plain"] == pytest.approx(plain["validation"][entry["metric"]], abs=1e-6)
        assert entry["averaged"] == pytest.approx(facts["validation"][entry["metric"]], abs=1e-6)
        assert entry["difference"] == pytest.approx(entry["averaged"] - entry["plain"])
        assert entry["low"] < entry["difference"] < entry["high"]
    before, after = (validated(runs[name]) for name in ("none", "dihedral"))
    exact = delong_test(is_positive(runs["none"]), before, after)
    area = next(entry for entry in found["gain"] if entry["metric"] == "roc_auc")
    assert area["test"] == "DeLong"
    assert (area["low"], area["high"]) == pytest.approx((exact.low, exact.high), abs=1e-6)


def validated(folder):
    """Probabilities of the positive class of the validation rows."""
    restored, (_, logits) = restore(folder), read(folder, "validation")
    return restored.decision.probabilities(logits)[:, restored.positive]


def is_positive(folder):
    return (read(folder, "validation")[0]["label"] == "8").to_numpy()


def test_the_time_of_a_picture_is_a_fact_of_the_run_and_the_report_shows_both(runs):
    took = json.loads((runs["dihedral"] / "run.json").read_text())["milliseconds_of_a_picture"]
    assert took["plain"] > 0 < took["averaged"]  # which is longer: not to be tested on a busy machine
    assert "milliseconds_of_a_picture" not in json.loads((runs["none"] / "run.json").read_text())
    page = (runs["dihedral"] / "report.html").read_text()
    assert 'id="views"' in page
    assert "the mean over 8 views of the picture" in page
    assert "on plain pictures without averaged views" in page
    assert f"{took['averaged']:.2f} ms with the views" in page
    assert 'id="views"' not in (runs["none"] / "report.html").read_text()


@pytest.mark.parametrize(
    ("overrides", "gained"),
    [
        (["evaluation.resamples=0"], ["balanced_accuracy", "log_loss", "roc_auc"]),
        (["split={column: null, validation: 0.0}", "decision={}", "training.monitor=last"], []),
    ],
)
def test_without_resamples_there_is_no_interval_and_without_validation_no_gain(tmp_path, overrides, gained):
    short = ["training.epochs=1", *overrides]
    folder = run_recipe(views("flips"), short, RunOptions(folder=tmp_path / "run"))
    found = metrics_of(folder)["views"]
    assert [entry["metric"] for entry in found["gain"]] == gained
    assert not any("low" in entry for entry in found["gain"])
    assert "This section could not be made" not in (folder / "report.html").read_text()


def test_dihedral_is_refused_for_pictures_that_are_not_square():
    with pytest.raises(
        RecipeError, match=r"predict.views.*dihedral turns images by a quarter.*flips does not.*\[8, 10\]"
    ):
        prepare(views("dihedral"), ["images.size=[8,10]"])
    assert prepare(views("flips"), ["images.size=[8,10]"]).recipe.predict.views == "flips"


def test_a_run_goes_on_with_its_own_views_alone(runs):
    folder = runs["dihedral"]
    assert run_recipe(views("dihedral"), options=RunOptions(folder=folder, resume=True)) == folder
    with pytest.raises(RunError, match="predict.views"):
        run_recipe(views("flips"), options=RunOptions(folder=folder, resume=True))
