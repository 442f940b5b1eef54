"""Run folders as `imbalkit run` leaves them, written by hand."""

import copy
import json

import pandas as pd
import pytest
import yaml

RECIPE = {
    "description": "",
    "seed": 0,
    "data": {"name": "table", "file": "labels.csv", "how_to_get": None},
    "positive": "rare",
    "images": {"size": 16, "cache": None},
    "split": {"seed": 0, "folds": None, "fold": None},
    "samplers": [],
    "augment": [],
    "backbone": {"name": "small_cnn", "width": 8},
    "loss": {"name": "ce", "label_smoothing": 0.0},
    "training": {"epochs": 4},
}


def changed(**values):
    """The recipe with "a.b" set."""
    recipe = copy.deepcopy(RECIPE)
    for key, value in values.items():
        *path, last = key.split("__")
        place = recipe
        for step in path:
            place = place[step]
        place[last] = value
    return recipe


def figures(misses, alarms, rare, common):
    return {"confusion_matrix": [[common - alarms, alarms], [misses, rare - misses]]}


@pytest.fixture
def write_run():
    """Write the run folder of a two-class run: 20 rare and 80 common test samples unless said otherwise."""

    def write(
        folder,
        chosen=(2, 8),
        half=None,
        counts=(60, 20),
        threshold=0.3,
        tested=range(100),
        rare=20,
        finished=True,
        **values,
    ):
        folder.mkdir(parents=True)
        (folder / "recipe.yaml").write_text(yaml.safe_dump(changed(**values)))
        (folder / "run.json").write_text(
            json.dumps({"classes": ["common", "rare"], "positive": "rare", "directory": "/x"})
        )
        common = len(tested) - rare
        metrics = {
            "test": figures(*chosen, rare, common),
            "decision": {"threshold": threshold},
            "class_counts": [
                {"stage": "train", "counts": [80, 20]},
                {"stage": "samplers[0] x", "counts": list(counts)},
            ],
            "bad_images": [],
        }
        if half:
            metrics["test_at_one_half"] = figures(*half, rare, common)
        labels = ["rare"] * rare + ["common"] * common
        rows = pd.DataFrame({"source": tested, "split": "test", "label": labels})
        others = pd.DataFrame({"source": [1000], "split": "validation", "label": ["rare"]})
        pd.concat([others, rows]).to_parquet(folder / "predictions.parquet", index=False)
        if finished:
            (folder / "metrics.json").write_text(json.dumps(metrics))
        return folder

    return write


@pytest.fixture
def write_sweep(write_run):
    """Write a sweep folder from cells: (labels, fold, seed, options of write_run); unfinished with finished=False."""

    def write(folder, cells):
        facts = {}
        for labels, fold, seed, options in cells:
            name = "--".join([*labels.values(), *([] if fold is None else [f"fold-{fold}"]), f"seed-{seed}"])
            facts[name] = {"labels": labels, "seed": seed, "fold": fold, "overrides": []}
            folds = {} if fold is None else {"split__folds": 2, "split__fold": fold}
            write_run(folder / "cells" / name, seed=seed, **folds, **options)
        (folder / "cells.json").write_text(json.dumps({"base": "b", "without": [], "cells": facts}))
        return folder

    return write
