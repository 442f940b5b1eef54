"""Small real runs to make ensembles of, each made once a session and only read."""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import only_read
from tests.made_once import made_once
from tests.without_charts import without_charts

RECIPE = {
    "data": {"name": "table", "file": "photographs/labels.csv", "label_column": "kind", "group_column": "patient"},
    "positive": "rare",
    "images": {"size": 16, "cache": "cache"},
    "backbone": {"name": "small_cnn", "width": 4},
    "training": {"epochs": 2, "batch_size": 16, "threads": 1, "accelerator": "cpu", "monitor": "last"},
    "decision": {"prior": "data", "calibrator": "temperature", "threshold": "youden"},
    "evaluation": {"resamples": 100},
}


def train(folder, photographs):
    """`a` and `b` on one split (another seed and loss), and `cv` of three folds, of recipes relative to the folder."""
    from imbalkit import run

    shutil.copytree(photographs, folder / "photographs")
    with pytest.MonkeyPatch.context() as patch, without_charts():
        patch.chdir(folder)
        run(RECIPE, folder="a")
        run(RECIPE, ["seed=1", "loss=inverse_ce"], folder="b")
        run(RECIPE, ["split.folds=3"], folder="cv")


@pytest.fixture(scope="session")
def trained(tmp_path_factory, photographs):
    """A folder with the finished runs a, b and cv."""
    folder = made_once(tmp_path_factory, "ensembles", lambda folder: train(folder, photographs))
    with only_read(folder):
        yield folder


@pytest.fixture
def runs(trained, tmp_path, monkeypatch):
    """A copy of `trained` to work in, as the current folder."""
    folder = tmp_path / "project"
    shutil.copytree(trained, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def ensemble_of_two(tmp_path_factory, trained):
    """The folder of an ensemble of a and b."""
    from imbalkit.studies.ensembles import make_ensemble

    def make(folder):
        with pytest.MonkeyPatch.context() as patch, without_charts():
            patch.chdir(trained)
            make_ensemble(["a", "b"], folder / "ab")

    folder = made_once(tmp_path_factory, "ensemble_of_two", make)
    with only_read(folder):
        yield folder / "ab"
