"""Small runs that teach others: their pictures and recipes, and what a training is given of its teacher."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file

from imbalkit.engine.options import RunOptions
from imbalkit.engine.run import run
from imbalkit.training.trainer import Trainer

BASE = {
    "images": {"size": 16},
    "backbone": {"name": "small_cnn", "width": 4},
    "training": {"epochs": 1, "batch_size": 16, "threads": 1, "accelerator": "cpu", "monitor": "last"},
    "evaluation": {"resamples": 0},
}

FOLDS = {"folds": 3, "validation": 0.2}

BIAS = [-1.0, 0.5, 2.0]  # of the rare class, by fold: what each member says of every picture


def make_project(home):
    """`labels.csv` with 60 pictures, `folds`, a cross-validation whose members each say one thing, and `single`, one run."""
    from PIL import Image

    random = np.random.default_rng(0)
    rows = []
    for index in range(60):
        name = "rare" if index % 4 == 0 else "common"
        pixels = random.integers(0, 160, (20, 20, 3), dtype=np.uint8)
        pixels[..., 0 if name == "rare" else 2] += 80
        path = home / "photos" / f"{index:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path)
        rows.append((str(path), name, f"P{index // 2:02}"))
    pd.DataFrame(rows, columns=["path", "label", "group"]).to_csv(home / "labels.csv", index=False)
    for fold in range(3):
        folder = run(
            recipe(home, split=FOLDS | {"fold": fold}), options=RunOptions(folder=home / "folds" / f"fold-{fold}")
        )
        weights = load_file(folder / "model.safetensors")
        weights["head.weight"][:] = 0
        weights["head.bias"][:] = [0, BIAS[fold]]  # common, rare
        save_file(weights, folder / "model.safetensors")
    (home / "folds" / "run.json").write_text((folder / "run.json").read_text())
    (home / "folds" / "metrics.json").write_text(json.dumps({"folds": 3, "test": {}}))
    run(recipe(home), options=RunOptions(folder=home / "single"))


def recipe(home, loss="ce", **more):
    data = {"name": "table", "file": str(home / "labels.csv"), "group_column": "group"}
    return BASE | {"data": data, "positive": "rare", "loss": loss} | more


def distill(home, teacher="folds", **more):
    return {"name": "distill", "teacher": str(home / teacher)} | more


def tables(monkeypatch):
    """What trainings are given of their teachers, as they begin."""
    found, fit = [], Trainer.fit_network

    def kept(self, stage, plan, model, phases, *rest, **named):
        found.extend((stage, plan, phase) for phase in phases)
        return fit(self, stage, plan, model, phases, *rest, **named)

    monkeypatch.setattr(Trainer, "fit_network", kept)
    return found


def metrics_of(folder):
    return json.loads((folder / "metrics.json").read_text())
