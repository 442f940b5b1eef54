"""Features of a plan's rows for samplers that compare them: computed once, standardised, of the network as it is frozen."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
from lightning_fabric import Fabric
from sklearn.preprocessing import StandardScaler

import imbalkit
from imbalkit.builtin.backbones import SmallCNN
from imbalkit.builtin.heads import Linear
from imbalkit.builtin.losses import CE
from imbalkit.builtin.ops.horizontal_flip import HorizontalFlip
from imbalkit.builtin.samplers import TomekLinks
from imbalkit.data.image_store import ArrayStore
from imbalkit.engine.resample import RoundScorer
from imbalkit.engine.round_cache import RoundCache
from imbalkit.functional.features import standardised
from imbalkit.plan import Plan
from imbalkit.recipe.prepare import prepare
from imbalkit.recipe.recipe import OptimizerSettings, TrainingSettings
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer

PIXELS = np.random.default_rng(0).integers(0, 255, (60, 8, 8, 1), dtype=np.uint8)


@pytest.fixture
def plan():
    """40 and 20 rows, and a flipped copy of five."""
    source = Plan.from_labels(np.arange(60) % 3 // 2, ["a", "b"])
    return source.append(np.arange(5), [(HorizontalFlip(),)])


@pytest.fixture
def scorer(tmp_path):
    def build(folder="a", **settings):
        training = TrainingSettings(epochs=1, accelerator="cpu", optimizer=OptimizerSettings(lr=0.01), **settings)
        fabric = Fabric(accelerator="cpu", devices=1)
        session = TrainingSession(fabric, ArrayStore(PIXELS), training, seed=3, head=Linear(dropout=0.0))
        trainer = Trainer(session, tmp_path / folder)
        return RoundScorer(trainer, SmallCNN(width=8), RoundCache(None))

    return build


def test_they_are_what_the_head_sees_standardised(scorer, plan):
    found = scorer(batch_size=7)
    features = found.features(plan, TomekLinks(), "tomek_links-0")
    model = found.trainer.network("tomek_links-0", plan, SmallCNN(width=8)).eval()
    pixels = np.concatenate([PIXELS, PIXELS[:5, :, ::-1]])  # the copies are seen as their view shows them
    with torch.no_grad():
        seen = model.features(torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()).float() / 255)
    assert features.dtype == np.float32
    assert features == pytest.approx(StandardScaler().fit_transform(seen.double().numpy()), abs=1e-4)


@pytest.mark.parametrize("settings", [{"batch_size": 65}, {"batch_size": 4}, {"precision": "bf16"}])
def test_batches_and_precision_change_nothing(scorer, plan, settings):
    plain = scorer("plain", batch_size=16).features(plan, TomekLinks(), "tomek_links-0")
    assert scorer("other", **settings).features(plan, TomekLinks(), "tomek_links-0") == pytest.approx(plain, abs=1e-4)


@pytest.mark.parametrize("epochs", [0, 2])
def test_a_resumed_run_reads_them(scorer, plan, epochs, monkeypatch):
    sampler = TomekLinks(epochs=epochs, loss=CE())
    first = scorer().features(plan, sampler, "tomek_links-0")
    again = scorer()
    for name in ("fit", "features"):
        monkeypatch.setattr(Trainer, name, None)
    assert np.array_equal(again.features(plan, sampler, "tomek_links-0"), first)


def test_a_trained_network_has_other_features(scorer, plan):
    frozen = scorer("a").features(plan, TomekLinks(), "tomek_links-0")
    trained = scorer("b").features(plan, TomekLinks(epochs=2, loss=CE()), "tomek_links-0")
    assert not np.allclose(frozen, trained, atol=0.1)


def test_a_feature_that_does_not_vary_is_zero():
    features = np.float32([[1e6, 0.0, 3.0], [1e6, 0.0, 5.0]])
    assert standardised(features).tolist() == [[0, 0, -1], [0, 0, 1]]
    assert standardised(np.zeros((0, 3), dtype=np.float32)).shape == (0, 3)
    assert standardised(features[:1]).tolist() == [[0, 0, 0]]


@pytest.mark.usefixtures("no_charts")
def test_a_run_drops_training_rows_alone_and_keeps_who_dropped_them(tmp_path):
    rounds = tmp_path / "rounds"
    recipe = {"base": "digits", "samplers": [{"name": "tomek_links", "epochs": 1}], "training": {"epochs": 1}}
    run = imbalkit.run(recipe, folder=tmp_path / "run", rounds=rounds)
    audit = pd.read_parquet(tmp_path / "run" / "plan.parquet")
    prepared = prepare(recipe)
    assert set(audit.source) == set(prepared.split.train.tolist())
    dropped = audit[~audit.kept]
    assert len(dropped) > 0
    assert set(dropped.dropped_by) == {"samplers[0] tomek_links"}
    counts = json.loads((tmp_path / "run" / "metrics.json").read_text())["class_counts"]
    assert counts[1]["counts"] == audit[audit.kept].label.value_counts(sort=False).tolist()
    assert run.metrics["prior"]["exact"] is False
    assert len(list(rounds.glob("*.npy"))) == 1
