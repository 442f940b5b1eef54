"""Which rows a file is compared on, and which int8 is fitted on."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from imbalkit.errors import DataError
from imbalkit.export.rows import evenly, in_proportion, rows_of_run, synthetic_rows
from imbalkit.runs.restore import restore

LABELS = np.repeat([0, 1, 2], [70, 20, 10])[np.random.default_rng(0).permutation(100)]


@pytest.mark.parametrize("most", [10, 33, 50, 100])
def test_every_beginning_has_the_classes_in_proportion(most):
    chosen = in_proportion(LABELS, seed=3)[:most]
    assert len(set(chosen)) == most
    counts = np.bincount(LABELS[chosen], minlength=3)
    assert np.abs(counts - np.array([0.7, 0.2, 0.1]) * most).max() < 1


def test_every_beginning_is_even_as_long_as_a_class_lasts():
    order = evenly(LABELS, seed=3)
    assert sorted(order) == list(range(100))
    assert np.bincount(LABELS[order[:30]]).tolist() == [10, 10, 10]
    assert np.bincount(LABELS[order[:50]]).tolist() == [20, 20, 10]


def test_orders_are_random_within_a_class_and_follow_the_seed():
    first = in_proportion(LABELS, seed=1)
    assert np.array_equal(first, in_proportion(LABELS, seed=1))
    assert not np.array_equal(first, in_proportion(LABELS, seed=2))
    own = first[LABELS[first] == 0]
    assert not np.array_equal(own, np.sort(own))


def test_rows_of_a_run_are_its_validation_rows(finished_run):
    restored = restore(finished_run)
    predicted = pd.read_parquet(finished_run / "predictions.parquet").query("split == 'validation'")
    rows = rows_of_run(restored, most=1000)
    assert rows.kind == "validation"
    assert len(rows) == len(predicted)
    pixels = restored.images().take(predicted["source"])
    by_content = {image.tobytes(): label for image, label in zip(pixels, predicted["label"], strict=True)}
    assert [by_content[image.tobytes()] for image in rows.pixels] == [restored.classes[code] for code in rows.labels]
    assert len(rows_of_run(restored, most=7)) == 7


def test_a_run_without_validation_is_compared_on_training_rows(finished_run, tmp_path):
    from imbalkit import run

    recipe = {
        "split": {"validation": 0.0},
        "training": {"epochs": 1},
        "decision": {"calibrator": None, "threshold": "fixed"},
    }
    sets = [f"{a}.{b}={json.dumps(value)}" for a, inner in recipe.items() for b, value in inner.items()]
    project = shutil.copytree(finished_run.parent, tmp_path / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        run("recipe.yaml", sets, folder="other")
    restored = restore(project / "other")
    rows = rows_of_run(restored, most=50)
    assert rows.kind == "train"
    assert len(rows) == 50


def test_data_that_are_gone_are_said_to_be_needed(finished_run, tmp_path):
    moved = shutil.copytree(finished_run, tmp_path / "run")
    facts = json.loads((moved / "run.json").read_text())
    (moved / "run.json").write_text(json.dumps(facts | {"directory": str(tmp_path)}))
    with pytest.raises(
        DataError, match=r"cannot be read again(.|\n)*With --synthetic it is compared on synthetic images"
    ):
        rows_of_run(restore(moved), most=10)


def test_synthetic_rows_are_pictures_of_the_right_size_that_differ(finished_run):
    rows = synthetic_rows(restore(finished_run), 9)
    assert rows.pixels.shape == (9, 32, 24, 3)
    assert rows.pixels.dtype == np.uint8
    assert rows.labels is None
    spread = rows.pixels.reshape(9, -1).std(axis=1)
    assert spread[-1] > 3 * spread[0] > 30
    assert np.array_equal(rows.pixels, synthetic_rows(restore(finished_run), 9).pixels)
