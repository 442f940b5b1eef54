"""Finished runs of two classes with so many errors, and sweeps of them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from imbalkit.decision.decision import Decision
from tests.finished_runs import write_finished_run

RECIPE = {"backbone": {"name": "small_cnn", "width": 8}, "training": {"epochs": 4}, "evaluation": {"resamples": 0}}


def logits_of(rows: int, threshold: float, chosen: int, half: int) -> np.ndarray:
    """Logits [rows, 2] of a class, of which so many are predicted positive at the threshold, and at one half."""
    low, high = sorted((threshold, 0.5))
    least, most = sorted((chosen, half))
    assert (chosen >= half) == (threshold <= 0.5) or chosen == half, "more rows are predicted positive at the lower one"
    probability = np.full(rows, low / 2)
    probability[:most] = (low + high) / 2
    probability[:least] = (high + 1) / 2
    return np.stack([np.zeros(rows), np.log(probability / (1 - probability))], axis=1)


@pytest.fixture
def write_run():
    """Write the run folder of a two-class run: 20 rare and 80 common test samples unless said otherwise."""

    def write(
        folder: Path,
        chosen: tuple[int, int] = (2, 8),
        half: tuple[int, int] | None = None,
        counts: Sequence[int] = (60, 20),
        threshold: float = 0.3,
        tested: Sequence[int] = range(100),
        rare: int = 20,
        finished: bool = True,
        **settings: Any,
    ) -> Path:
        """`chosen`, `half`: misses and false alarms; `counts`: of the last plan; `settings`: a__b of the recipe."""
        (misses, alarms), (half_misses, half_alarms) = chosen, half or chosen
        common = len(tested) - rare
        write_finished_run(
            folder,
            [1] * rare + [0] * common,
            np.concatenate(
                [
                    logits_of(rare, threshold, rare - misses, rare - half_misses),
                    logits_of(common, threshold, alarms, half_alarms),
                ]
            ),
            ("common", "rare"),
            Decision(threshold, rule="youden", positive=1, rows=(1, 1)),
            sources=tested,
            validation=1,
            train_counts=(80, 20),
            stages={"samplers[0] x": counts},
            recipe=RECIPE,
            finished=finished,
        )
        file = folder / "recipe.yaml"
        recipe = yaml.safe_load(file.read_text())
        for key, value in settings.items():  # not checked: a run may have parts that are no longer installed
            *path, last = key.split("__")
            place = recipe
            for step in path:
                place = place[step]
            place[last] = value
        file.write_text(yaml.safe_dump(recipe))
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
