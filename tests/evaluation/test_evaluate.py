"""evaluate: every figure at once."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from pydantic import ValidationError

from imbalkit.builtin.metrics import METRICS
from imbalkit.errors import DataError
from imbalkit.evaluation.evaluate import evaluate
from imbalkit.evaluation.settings import EvaluationSettings
from imbalkit.kinds import Predictions

CLASSES = ("benign", "malignant")


def test_figures_are_ready_for_json():
    labels, decisions = np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0])
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]], dtype=np.float32)
    figures = evaluate(Predictions(labels, probabilities, decisions, CLASSES, 1), [part() for part in METRICS])
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    assert set(figures) == {"n", "support", "confusion_matrix", *(part.name for part in METRICS)}
    assert figures["n"] == 4
    assert figures["support"] == {"benign": 3, "malignant": 1}
    assert figures["confusion_matrix"] == [[3, 0], [1, 0]]
    assert figures["recall"] == {"benign": 1.0, "malignant": 0.0}
    assert figures["precision"] == {"benign": 0.75, "malignant": None}
    assert figures["mcc"] is None
    assert (figures["roc_auc"], figures["miss_rate"], figures["false_alarm_rate"]) == (1.0, 1.0, 0.0)


def test_no_rows_are_no_error():
    empty = Predictions(np.zeros(0, dtype=np.int64), np.zeros((0, 2)), np.zeros(0, dtype=np.int64), CLASSES, 1)
    figures = evaluate(empty, [part() for part in METRICS])
    assert figures["n"] == 0
    assert figures["roc_auc"] is None


@pytest.mark.parametrize(
    ("labels", "probabilities", "decisions", "message"),
    [
        ([0, 1], np.zeros((2, 3)), [0, 1], r"expected probabilities \[2, 2\]"),
        ([0, 1], np.zeros((2, 2)), [0], r"decisions \[2\], got"),
        ([0, 2], np.zeros((2, 2)), [0, 1], "expected labels as whole numbers from 0 to 1"),
        ([0, 1], np.zeros((2, 2)), [0.0, 1.0], "expected decisions as whole numbers"),
    ],
)
def test_arrays_that_do_not_fit(labels, probabilities, decisions, message):
    with pytest.raises(DataError, match=message):
        evaluate(Predictions(np.array(labels), probabilities, np.array(decisions), CLASSES, 1), [])


def test_all_metrics_of_the_papers_test_set_take_milliseconds():
    rng = np.random.default_rng(0)
    labels = (rng.random(7530) < 0.13).astype(np.int64)
    positive = np.clip(rng.random(7530) * 0.6 + 0.3 * labels, 0, 1)
    predictions = Predictions(
        labels, np.stack([1 - positive, positive], axis=1), (positive > 0.5).astype(np.int64), CLASSES, 1
    )
    metrics = [part() for part in METRICS]
    evaluate(predictions, metrics)
    start = time.process_time()
    for _ in range(5):
        evaluate(predictions, metrics)
    assert (time.process_time() - start) / 5 < 0.05  # 5 ms measured


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"resamples": 99}, "expected 100 resamples or more, or 0 for no intervals, got 99"),
        ({"resamples": -1}, "greater than or equal to 0"),
        ({"level": 0.5}, "greater than 0.5"),
        ({"level": 1.0}, "less than 1"),
        ({"min_subgroup_rows": 0}, "greater than or equal to 1"),
        ({"prevalences": [0.02, 0.0, 1.0]}, "expected shares between 0 and 1, got 0.0, 1.0"),
        ({"subgroup": ["sex"]}, "did you mean 'subgroups'"),
    ],
)
def test_settings_that_make_no_sense(values, message):
    with pytest.raises(ValidationError, match=message):
        EvaluationSettings(**values)


def test_prevalences_of_the_recipe_reach_the_predictive_values():
    predictions = Predictions(
        np.array([0, 0, 1, 1]), np.eye(2)[[0, 1, 1, 1]], np.array([0, 1, 1, 1]), CLASSES, 1, prevalences=(0.1,)
    )
    figures = evaluate(predictions, [part() for part in METRICS])["predictive_values"]
    assert figures == {"ppv at 0.1": pytest.approx(0.1 / 0.55), "npv at 0.1": 1.0, "number_needed at 0.1": 5.5}


def test_rows_can_be_taken_by_position_and_by_mask():
    predictions = Predictions(np.arange(3), np.eye(3), np.array([0, 2, 2]), ("a", "b", "c"), None, (5, 6, 7), (0.1,))
    again = predictions.take(np.array([2, 2, 0]))
    assert again.labels.tolist() == [2, 2, 0]
    assert again.decisions.tolist() == [2, 2, 0]
    assert np.array_equal(again.probabilities, np.eye(3)[[2, 2, 0]])
    assert (again.classes, again.train_counts, again.prevalences) == (("a", "b", "c"), (5, 6, 7), (0.1,))
    assert predictions.take(predictions.labels != 1).labels.tolist() == [0, 2]
