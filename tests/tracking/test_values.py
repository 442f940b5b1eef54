"""What of a run goes to a tracker."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imbalkit_tracking.record import read_parent, read_record, write_record
from imbalkit_tracking.values import (
    allowed_names,
    class_rows,
    document_files,
    epoch_numbers,
    final_numbers,
    model_files,
    parameters,
)

from tests.properties import examples


def test_a_recipe_is_flat_and_lists_of_parts_count_their_positions():
    recipe = {
        "seed": 0,
        "positive": None,
        "data": {"name": "table", "labels": {}},
        "samplers": [{"name": "loss_rank", "warm_start": True}, {"name": "random_over", "to": "majority"}],
        "images": {"size": [32, 24]},
        "augment": [],
    }
    assert parameters(recipe) == {
        "seed": "0",
        "data.name": "table",
        "data.labels": "{}",
        "samplers.0.name": "loss_rank",
        "samplers.0.warm_start": "true",
        "samplers.1.name": "random_over",
        "samplers.1.to": "majority",
        "images.size": "[32, 24]",
        "augment": "[]",
    }


def test_numbers_of_an_epoch_and_of_the_end_have_their_paths_and_nothing_undefined():
    entry = {
        "stage": "final",
        "epoch": 2,
        "loss": 0.5,
        "validation": {"recall": {"a": 0.9, "b": None}, "matrix": [[1]]},
    }
    assert epoch_numbers("final", entry) == {"final/loss": 0.5, "final/validation/recall/a": 0.9}
    metrics = {
        "test": {"recall": {"a": 0.8}, "miss_rate": None},
        "intervals": {"test": {"recall": {"a": {"low": 0.7, "high": 0.9, "method": "Wilson"}}}},
        "decision": {"threshold": 0.25, "rows": [1, 2]},
        "prior": {"data": {"a": 0.1}},
    }
    assert final_numbers(metrics) == {
        "test/recall/a": 0.8,
        "intervals/test/recall/a/low": 0.7,
        "intervals/test/recall/a/high": 0.9,
        "decision/threshold": 0.25,
    }


@pytest.mark.parametrize(
    "name, allowed",
    [
        ("test/recall/benign", "test/recall/benign"),
        ("test/recall/grade [3]", "test/recall/grade _3_"),
        ("net_benefit/at 0.1", "net_benefit/at 0.1"),
        ("recall/naïve", "recall/naïve"),
        ("recall/..", "recall/_2"),
        ("recall//x", "recall/_0/x"),
        ("recall/a:b", "recall/a_b"),
    ],
)
def test_names_become_those_that_mlflow_takes(name, allowed):
    assert allowed_names([name]) == {name: allowed}


def test_no_two_names_become_one():
    assert allowed_names(["a[", "a]", "a_"]) == {"a[": "a_", "a]": "a__2", "a_": "a__3"}
    long = ["x" * 300 + end for end in "ab"]
    assert [len(name) for name in allowed_names(long).values()] == [250, 242]
    assert len(set(allowed_names(long).values())) == 2


@examples(200)
@given(st.lists(st.text(min_size=1, max_size=30), unique=True, max_size=8))
def test_any_names_are_told_apart_and_taken(classes):
    names = allowed_names([f"recall/{name}" for name in classes])
    assert len(set(names.values())) == len(classes)
    try:
        from mlflow.utils.validation import _validate_metric_name as check
    except ImportError:
        return
    for name in names.values():
        check(name)


def test_files_are_those_without_samples_and_the_model(tmp_path):
    for name in ("recipe.yaml", "metrics.json", "report.html", "plan.parquet", "predictions.parquet", "data.parquet"):
        (tmp_path / name).touch()
    for name in ("model.safetensors", "columns.json", "model.onnx", "model.onnx.json", "parity.json"):
        (tmp_path / name).touch()
    assert [path.name for path in document_files(tmp_path)] == ["recipe.yaml", "metrics.json", "report.html"]
    assert [path.name for path in model_files(tmp_path, {})] == ["model.safetensors", "columns.json"]
    exported = {"export": {"model.onnx": {}}}
    assert [path.name for path in model_files(tmp_path, exported)] == ["model.onnx", "model.onnx.json", "parity.json"]


def test_rows_of_each_class_by_stage(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"classes": ["a", "b"]}))
    counts = [{"stage": "train", "counts": [9, 1]}, {"stage": "samplers[0] random_over", "counts": [9, 9]}]
    rows = class_rows(tmp_path, {"class_counts": counts})
    assert rows == [{"rows/a": 9, "rows/b": 1}, {"rows/a": 9, "rows/b": 9}]
    assert class_rows(tmp_path, {}) == []


def test_each_tracker_keeps_its_own_record_and_cells_find_their_sweeps(tmp_path):
    sweep, cell = tmp_path / "grid", tmp_path / "grid" / "cells" / "seed-0"
    cell.mkdir(parents=True)
    write_record(sweep, "mlflow", {"run": "parent"})
    write_record(sweep, "wandb", {"group": "g"})
    assert read_record(sweep, "mlflow") == {"run": "parent"}
    assert read_parent(cell, "mlflow") == {"run": "parent"}
    assert read_parent(cell, "wandb") == {"group": "g"}
    write_record(cell, "mlflow", {"run": "child"})
    assert read_parent(cell / "fold-0", "mlflow") == {"run": "child"}
    assert read_parent(tmp_path, "mlflow") == {}
    assert read_record(tmp_path, "mlflow") == {}
