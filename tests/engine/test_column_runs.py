"""Whole runs with table columns beside the image: what they learn, restore, mix, resume, and refuse."""

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
from tests.people import RECIPE, write_people

pytestmark = pytest.mark.usefixtures("no_charts")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_people(tmp_path_factory.mktemp("people"), rows=400)


def run_in(folder, data, epochs=2, **more):
    training = RECIPE["training"] | {"epochs": epochs} | more.pop("training", {})
    recipe = RECIPE | {"data": data, "training": training} | more
    return run(recipe, options=RunOptions(folder=folder, resume=True))


def logits_of(folder):
    table = pd.read_parquet(folder / "predictions.parquet")
    return table, table.filter(regex="^logit_").to_numpy()


@pytest.fixture(scope="module")
def finished(tmp_path_factory, data):
    return run_in(
        tmp_path_factory.mktemp("columns") / "run", data, 12, training={"monitor": "last", "optimizer": {"lr": 0.01}}
    )


def test_it_learns_what_the_images_do_not_show(finished):
    table, logits = logits_of(finished)
    ill = (table["label"] == "ill").to_numpy()
    assert roc_auc(ill, logits[:, 0] - logits[:, 1]) > 0.75


def test_it_is_restored_with_what_was_fitted(finished, data):
    restored = restore(finished)
    assert restored.encoding == RunData(finished).encoding == prepare(RECIPE | {"data": data}).encoding
    table, logits = logits_of(finished)
    found = restored.logits(restored.images(), table["source"], restored.columns)
    np.testing.assert_allclose(found, logits, rtol=1e-4, atol=1e-4)
    features = restored.features(restored.images(), [0, 1], restored.columns)
    assert features.shape == (2, restored.model.width)


def test_logits_without_the_columns_are_refused(finished):
    restored = restore(finished)
    with pytest.raises(
        DataError, match=r"takes age, sex, site beside the image: expected `columns` \[400, 11\], got none"
    ):
        restored.logits(restored.images())


def test_the_report_says_that_it_uses_them(finished):
    page = (finished / "report.html").read_text()
    assert "The model uses age, sex and site beside the image" in page
    assert "Inputs beside the image" in page
    assert "age: number, mean " in page
    assert "this network has no feature maps" not in page
    assert "the network failed" not in page


def test_a_damaged_columns_json_is_one_sentence(finished, tmp_path):
    import shutil

    copy = shutil.copytree(finished, tmp_path / "run")
    (copy / "columns.json").write_text('{"columns": [{"kind": "number"}]}')
    with pytest.raises(RunError, match="columns.json cannot be read"):
        restore(copy)
    (copy / "columns.json").unlink()
    with pytest.raises(RunError, match="columns.json cannot be read"):
        restore(copy)


def test_values_that_changed_are_found(finished, data, tmp_path):
    table = pd.read_csv(data["file"])
    table.loc[7, "age"] = 33.0
    moved = tmp_path / "people.csv"
    table.to_csv(moved, index=False)
    recipe = (finished / "recipe.yaml").read_text().replace(data["file"], str(moved))
    recipe = recipe.replace("root: null", f"root: {data['file'].removesuffix('/people.csv')}")
    import shutil

    copy = shutil.copytree(finished, tmp_path / "run")
    (copy / "recipe.yaml").write_text(recipe)
    with pytest.raises(DataError, match="1 value of age has changed"):
        _ = restore(copy).prepared


def test_parts_of_a_batch_change_nothing(data, tmp_path):
    """Accumulation: the same columns go with the same images, whatever the parts; there is no batch norm to differ."""
    same = {
        "backbone": {"name": "small_cnn", "width": 8, "norm": "group"},
        "inputs": RECIPE["inputs"] | {"dropout": 0.0},
    }
    plain = {"optimizer": {"name": "sgd", "lr": 0.01}}
    one = run_in(tmp_path / "one", data, 1, **same, training=plain)
    three = run_in(tmp_path / "three", data, 1, **same, training=plain | {"micro_batches": 3})
    np.testing.assert_allclose(logits_of(one)[1], logits_of(three)[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "mixer", ["mixup", "cutmix", "balanced_mixup", {"name": "cmo", "first_epochs_off": 0, "last_epochs_off": 1}]
)
def test_mixers_mix_columns_in_the_share_of_the_images(data, tmp_path, monkeypatch, mixer):
    from imbalkit.training.mixing import Part

    seen = []
    render = Part.render

    def watched(self, *arguments):
        rows = render(self, *arguments)
        seen.append((self.batch.columns, rows))
        return rows

    monkeypatch.setattr(Part, "render", watched)
    run_in(tmp_path / "run", data, 2, mixer=mixer)
    raw, rows = next((raw, rows) for raw, rows in seen if rows.share is not None and (rows.share < 1).any())
    count = len(rows.labels)
    own, everyone = raw[:count].double(), raw.double()
    share = rows.share.double()[:, None]
    least = [
        ((share[i] * own[i] + (1 - share[i]) * everyone - rows.columns[i].double()).abs().amax(1)).min()
        for i in range(count)
    ]
    assert max(least) < 1e-6  # each row is a mixture of its own columns and one partner's


STAGES = [
    {"name": "retrain", "epochs": 2},
    "tau_normalisation",
    {"name": "retrain", "body": "trained", "head": "kept", "epochs": 1},
]
MORE = {
    "stages": {"stages": STAGES},
    "scored": {
        "samplers": [{"name": "loss_rank", "drop": 10, "which": "lowest", "warm_start": True, "rounds": 2, "epochs": 1}]
    },
    "features": {"samplers": [{"name": "tomek_links", "epochs": 1}]},
    "sam": {"training": {"sam": {"radius": 0.05}, "ema": 0.9}},
    "views": {"predict": {"views": "flips"}},
    "frozen": {"training": {"freeze_epochs": 1}, "loss": "rce"},
    "margin": {"loss": "auc_margin", "training": {"micro_batches": 2}},
}


@pytest.mark.parametrize("more", MORE.values(), ids=MORE)
def test_they_work_with_everything_else(data, tmp_path, more):
    """A run and its restored network agree on what the columns make of an image."""
    folder = run_in(tmp_path / "run", data, 2, **more)
    restored, (table, logits) = restore(folder), logits_of(folder)
    found = restored.logits(restored.images(), table["source"], restored.columns)
    np.testing.assert_allclose(found, logits, rtol=1e-4, atol=1e-4)
    unknown = restored.logits(restored.images(), table["source"], restored.encoding.missing(400))
    assert not np.allclose(found, unknown, atol=1e-3)


def test_a_stopped_run_goes_on_as_if_it_had_not_been(data, tmp_path, monkeypatch):
    more = {"stages": STAGES}
    whole = run_in(tmp_path / "whole", data, 3, **more)
    calls = []
    real = Trainer.fit_network

    def stopping(self, stage, *arguments, **options):
        calls.append(stage)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(self, stage, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "fit_network", stopping)
        with pytest.raises(KeyboardInterrupt):
            run_in(tmp_path / "stopped", data, 3, **more)
    resumed = run_in(tmp_path / "stopped", data, 3, **more)
    np.testing.assert_array_equal(logits_of(resumed)[1], logits_of(whole)[1])
    assert (resumed / "columns.json").read_bytes() == (whole / "columns.json").read_bytes()


def test_rounds_are_shared_only_by_runs_with_the_same_columns(data, tmp_path):
    """A cached round knows the columns' values, too, not their names alone."""
    table = pd.read_csv(data["file"])
    table["age"] = table["age"].sample(frac=1, random_state=1).to_numpy()
    root = data["file"].removesuffix("/people.csv")
    table.to_csv(tmp_path / "people.csv", index=False)
    other = data | {"file": str(tmp_path / "people.csv"), "root": root}
    recipe = RECIPE | {"samplers": MORE["scored"]["samplers"]}
    for name, source in (("one", data), ("two", other)):
        run(recipe | {"data": source}, options=RunOptions(folder=tmp_path / name, rounds=tmp_path / "rounds"))
    assert len(list((tmp_path / "rounds").glob("*.npy"))) == 4


@pytest.mark.slow
def test_two_processes_give_what_one_gives(data, tmp_path):
    same = {"backbone": {"name": "small_cnn", "width": 8, "norm": "group"}, "head": {"name": "linear", "dropout": 0.0}}
    same["inputs"] = RECIPE["inputs"] | {"dropout": 0.0}
    plain = {"optimizer": {"name": "sgd", "lr": 0.01}, "monitor": "last"}
    found = [
        run_in(tmp_path / str(devices), data, 1, **same, training=plain | {"devices": devices}) for devices in (1, 2)
    ]
    np.testing.assert_allclose(*(logits_of(folder)[1] for folder in found), rtol=1e-4, atol=1e-5)


def test_without_them_nothing_is_written(data, tmp_path):
    folder = run(
        {k: v for k, v in RECIPE.items() if k != "inputs"} | {"data": data}, options=RunOptions(folder=tmp_path / "run")
    )
    assert not (folder / "columns.json").exists()
    assert "inputs" not in (folder / "recipe.yaml").read_text()
    assert "input_age" not in pd.read_parquet(folder / "data.parquet")
    assert "inputs" not in json.loads((folder / "metrics.json").read_text())
