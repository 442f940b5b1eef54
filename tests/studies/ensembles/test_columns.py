"""An ensemble of networks that take table columns beside the image, each scaled by its own training rows."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from imbalkit import run
from imbalkit.errors import RunError
from imbalkit.runs.restore import restore
from imbalkit.studies.ensembles import make_ensemble
from tests.command_line import imbalkit
from tests.made_once import made_once
from tests.studies.ensembles.conftest import RECIPE
from tests.without_charts import without_charts

pytestmark = pytest.mark.slow
COLUMNS = {"columns": ["age", "site"]}


def train(folder, photographs):
    """`cv` of three folds and `a` with two columns, of which one has gaps and a value that not all folds meet often."""
    shutil.copytree(photographs, folder / "photographs")
    table = pd.read_csv(folder / "photographs/labels.csv")
    random = np.random.default_rng(0)
    table["age"] = random.integers(20, 90, len(table)).astype(float)
    table.loc[random.random(len(table)) < 0.1, "age"] = np.nan
    table.loc[table.index[:15:2], "site"] = "west"
    table.to_csv(folder / "photographs/labels.csv", index=False)
    with pytest.MonkeyPatch.context() as patch, without_charts():
        patch.chdir(folder)
        run({**RECIPE, "inputs": COLUMNS}, ["split.folds=3"], folder="cv")
        run({**RECIPE, "inputs": {"columns": ["age"]}}, folder="a")


@pytest.fixture(scope="session")
def trained(tmp_path_factory, photographs):
    return made_once(tmp_path_factory, "column_ensembles", lambda folder: train(folder, photographs))


@pytest.fixture
def runs(trained, tmp_path, monkeypatch):
    folder = tmp_path / "project"
    shutil.copytree(trained, folder)
    monkeypatch.chdir(folder)
    return folder


def mean_of_members(ensemble):
    """The mean of the members' restored probabilities of all rows, each by its own network and scaling, [n, C]."""
    table, images = ensemble.prepared.table, ensemble.images()
    cells = table.frame[["age", "site"]].to_dict("records")
    parts = [
        member.decision.probabilities(member.logits(images, columns=member.encoding.encode(cells)))
        for member in ensemble.members
    ]
    return np.mean(parts, axis=0), images, ensemble.encoding.encode(cells)


@pytest.mark.parametrize("made", [True, False])
def test_each_member_sees_the_columns_as_it_was_trained_on_them(made, runs):
    folder = make_ensemble(["cv"], "both") if made else runs / "cv"
    ensemble = restore(folder)
    assert len({str(member.encoding) for member in ensemble.members}) == 3
    expected, images, columns = mean_of_members(ensemble)
    found = np.exp(ensemble.logits(images, columns=columns))
    assert found == pytest.approx(expected, abs=1e-5)


def test_it_predicts_from_a_table_and_from_its_file(runs):
    pytest.importorskip("onnx")
    make_ensemble(["cv"], "both")
    said = imbalkit("export", "both", "--to", "onnx", cwd=runs).stdout
    assert "0 decided otherwise" in said
    for model, out in (("both", "run.csv"), ("both/model.onnx", "file.csv")):
        imbalkit("predict", model, "photographs/labels.csv", "--out", out, cwd=runs)
    by_run, by_file = (pd.read_csv(runs / name)["probability_rare"] for name in ("run.csv", "file.csv"))
    assert by_file.to_numpy() == pytest.approx(by_run.to_numpy(), abs=1e-5)
    ensemble = restore("both")
    expected = ensemble.decision.probabilities(np.log(mean_of_members(ensemble)[0]))[:, 1]
    assert by_run.to_numpy() == pytest.approx(expected, abs=1e-5)
    named = {entry["name"]: entry for entry in json.loads((runs / "both/columns.json").read_text())["columns"]}
    assert set(named["site"]["values"]) >= {"north", "south"}


def test_members_with_other_columns_are_refused(runs):
    with pytest.raises(
        RunError, match=r"take different columns beside the image: age \(number\), site \(category\); age \(number\)"
    ):
        make_ensemble(["cv/fold-0", "a"], "both")
