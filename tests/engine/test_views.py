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
