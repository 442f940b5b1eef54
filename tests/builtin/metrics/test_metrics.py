"""Metrics against scikit-learn and imbalanced-learn, on made and on arbitrary predictions."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given
from hypothesis import strategies as st
from imblearn.metrics import geometric_mean_score
from pydantic import ValidationError

from imbalkit.builtin.metrics import METRICS
from imbalkit.functional.metrics import confusion_matrix, operating_points, softmax
from imbalkit.functional.ranking import roc_auc
from imbalkit.kinds import Predictions
from tests.properties import examples

PARTS = {part.name: part() for part in METRICS}


def predictions_of(labels, probabilities, decisions=None, positive=None) -> Predictions:
    probabilities = np.asarray(probabilities, dtype=np.float64)
    decisions = probabilities.argmax(axis=1) if decisions is None else np.asarray(decisions)
    classes = tuple(f"class_{code}" for code in range(probabilities.shape[1]))
    return Predictions(np.asarray(labels), probabilities, decisions, classes, positive)


def compute(name: str, predictions: Predictions):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return PARTS[name].compute(predictions)


@st.composite
def any_predictions(draw, fewest=2, most=5, every_class=False):
    """Random predictions, with ties among the probabilities, and often with classes absent."""
    count, rows = draw(st.integers(fewest, most)), draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = rng.integers(0, draw(st.integers(1, count)), rows)
    if every_class:
        labels = np.concatenate([labels, np.arange(count)])
    logits = rng.integers(-2, 3, (len(labels), count)) + rng.integers(0, 3) * np.eye(count)[labels]
    positive = draw(st.sampled_from([None, 0, 1])) if count == 2 else None
    return predictions_of(labels, softmax(logits), rng.integers(0, count, len(labels)), positive)


@given(any_predictions())
@examples(80)
def test_figures_of_decisions_agree_with_scikit_learn(p):
    present = np.unique(p.labels)
    every = range(len(p.classes))
    truth, called = p.labels, p.decisions
    assert np.array_equal(
        confusion_matrix(truth, called, len(p.classes)), reference.confusion_matrix(truth, called, labels=every)
    )
    assert compute("accuracy", p) == pytest.approx(reference.accuracy_score(truth, called))
    with warnings.catch_warnings():  # scikit-learn warns where it makes a number up
        warnings.simplefilter("ignore")
        balanced = reference.balanced_accuracy_score(truth, called)
        f1 = reference.f1_score(truth, called, labels=present, average="macro")
        mcc = reference.matthews_corrcoef(truth, called)
    assert compute("balanced_accuracy", p) == pytest.approx(balanced)
    assert compute("macro_f1", p) == pytest.approx(f1)
    assert compute("g_mean", p) == pytest.approx(
        geometric_mean_score(truth, called, labels=present, average="multiclass")
    )
    ours = compute("mcc", p)
    if len(present) == 1 or len(np.unique(called)) == 1:
        assert math.isnan(ours)
    else:
        assert ours == pytest.approx(mcc, abs=1e-12)
    for name, function in (("recall", reference.recall_score), ("precision", reference.precision_score)):
        expected = function(truth, called, labels=every, average=None, zero_division=np.nan)
        assert list(compute(name, p)) == list(p.classes)
        assert list(compute(name, p).values()) == pytest.approx(expected, nan_ok=True)
    recalls = [reference.recall_score(truth, called, labels=[code], average="macro") for code in present]
    assert compute("worst_class_recall", p) == pytest.approx(min(recalls))


@given(any_predictions(most=2, every_class=True))
@examples(60)
def test_two_class_figures_agree_with_scikit_learn(p):
    positive = 1 if p.positive is None else p.positive
    truth, scores = p.labels == positive, p.probabilities[:, positive]
    assert compute("roc_auc", p) == pytest.approx(reference.roc_auc_score(truth, scores))
    areas = [reference.average_precision_score(p.labels == code, p.probabilities[:, code]) for code in (0, 1)]
    expected = np.mean(areas) if p.positive is None else areas[p.positive]
    assert compute("pr_auc", p) == pytest.approx(expected)
    assert compute("brier", p) == pytest.approx(reference.brier_score_loss(truth, scores))
    if p.positive is None:
        assert math.isnan(compute("miss_rate", p))
        assert math.isnan(compute("false_alarm_rate", p))
    else:
        recall = reference.recall_score(truth, p.decisions == positive)
        specificity = reference.recall_score(truth, p.decisions == positive, pos_label=False)
        assert compute("miss_rate", p) == pytest.approx(1 - recall)
        assert compute("false_alarm_rate", p) == pytest.approx(1 - specificity)


@given(any_predictions(fewest=3, every_class=True))
@examples(60)
def test_areas_of_many_classes_agree_with_scikit_learn(p):
    expected = reference.roc_auc_score(p.labels, p.probabilities, multi_class="ovr", average="macro")
    assert compute("roc_auc", p) == pytest.approx(expected)
    codes = np.eye(len(p.classes))[p.labels]
    expected = reference.average_precision_score(codes, p.probabilities, average="macro")
    assert compute("pr_auc", p) == pytest.approx(expected)
    one_hot = ((p.probabilities - codes) ** 2).sum(axis=1).mean()
    assert compute("brier", p) == pytest.approx(one_hot)


@given(any_predictions())
@examples(60)
def test_log_loss_agrees_with_scikit_learn(p):
    expected = reference.log_loss(p.labels, p.probabilities, labels=range(len(p.classes)))
    assert compute("log_loss", p) == pytest.approx(expected)


def test_absent_classes_do_not_count_in_averages():
    # Class 2 never occurs; one row of class 1 is called it.
    p = predictions_of([0, 0, 0, 0, 1, 1], np.eye(3)[[0, 0, 0, 1, 1, 2]])
    assert compute("recall", p) == pytest.approx({"class_0": 0.75, "class_1": 0.5, "class_2": math.nan}, nan_ok=True)
    assert compute("precision", p) == pytest.approx({"class_0": 1.0, "class_1": 0.5, "class_2": 0.0})
    assert compute("balanced_accuracy", p) == pytest.approx(0.625)
    assert compute("g_mean", p) == pytest.approx(math.sqrt(0.375))
    assert compute("macro_f1", p) == pytest.approx((6 / 7 + 1 / 2) / 2)
    assert compute("worst_class_recall", p) == compute("minority_recall", p) == pytest.approx(0.5)
    assert compute("roc_auc", p) == pytest.approx(
        np.mean([roc_auc(p.labels == c, p.probabilities[:, c]) for c in (0, 1)])
    )


def test_minority_recall_averages_equally_rare_classes():
    p = predictions_of([0, 0, 0, 1, 1, 2, 2], np.eye(3)[[1, 1, 1, 1, 1, 2, 0]])
    assert compute("minority_recall", p) == pytest.approx(0.75)
    assert compute("worst_class_recall", p) == 0.0
    assert compute("g_mean", p) == 0.0


def test_false_alarms_of_many_classes_are_of_all_other_rows():
    p = predictions_of([0, 0, 1, 2, 2, 2], np.eye(3)[[0, 1, 0, 0, 2, 2]], positive=0)
    assert compute("miss_rate", p) == pytest.approx(1 / 2)
    assert compute("false_alarm_rate", p) == pytest.approx(2 / 4)


@pytest.mark.parametrize("positive", [None, 1])
def test_undefined_is_nan_without_a_warning(positive):
    one_class = predictions_of([0, 0], [[0.6, 0.4], [0.7, 0.3]], positive=positive)
    empty = predictions_of(np.zeros(0, dtype=int), np.zeros((0, 2)), positive=positive)
    for name in PARTS:
        value = compute(name, empty)
        values = value.values() if isinstance(value, dict) else [value]
        assert all(math.isnan(item) for item in values), name
    of_both = {"roc_auc", "partial_auc", "sensitivity_at_specificity", "specificity_at_sensitivity", "mcc"}
    undefined = of_both | ({"miss_rate", "pr_auc"} if positive else {"miss_rate", "false_alarm_rate"})
    for name in set(PARTS) - {"recall", "precision", "predictive_values", "net_benefit"}:
        assert math.isnan(compute(name, one_class)) is (name in undefined), name
    assert math.isnan(compute("recall", one_class)["class_1"])
    assert math.isnan(compute("precision", one_class)["class_1"])
    assert all(math.isnan(value) for value in compute("predictive_values", one_class).values())
    assert all(math.isnan(value) is (positive is None) for value in compute("net_benefit", one_class).values())


def test_probabilities_that_are_nan_or_zero():
    bad = predictions_of([0, 1], [[np.nan, np.nan], [0.5, 0.5]], decisions=[0, 1], positive=1)
    names = ("roc_auc", "pr_auc", "partial_auc", "sensitivity_at_specificity", "log_loss", "brier", "ece")
    for name in (*names, "specificity_at_sensitivity"):
        assert math.isnan(compute(name, bad)), name
    assert all(math.isnan(value) for value in compute("net_benefit", bad).values())
    sure = predictions_of([0, 1], [[0.0, 1.0], [0.0, 1.0]], positive=1)
    assert compute("log_loss", sure) == pytest.approx(-np.log(np.finfo(np.float64).eps) / 2)


@pytest.mark.parametrize("classes", [2, 4, 6])
def test_confusion_matrices_of_resamples_are_weighted(classes):
    rng = np.random.default_rng(0)
    labels, decisions = rng.integers(0, classes, (2, 80))
    weights = rng.integers(0, 4, (3, 80)).astype(np.float32)
    for found, times in zip(confusion_matrix(labels, decisions, classes, weights), weights, strict=True):
        expected = reference.confusion_matrix(labels, decisions, labels=range(classes), sample_weight=times)
        assert np.array_equal(found, expected)


def test_operating_points_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    truth, scores = rng.random(500) < 0.3, np.round(rng.random(500), 2)
    thresholds, hits, alarms = operating_points(truth, scores)
    far, tpr, expected = reference.roc_curve(truth, scores, drop_intermediate=False)
    assert np.array_equal(thresholds, expected[1:])
    assert hits / truth.sum() == pytest.approx(tpr[1:])
    assert alarms / (~truth).sum() == pytest.approx(far[1:])


def test_softmax_of_large_logits():
    assert softmax(np.array([[1000.0, 1000.0, -1000.0]], dtype=np.float32)) == pytest.approx(np.array([[0.5, 0.5, 0]]))


def test_areas_of_one_class_among_many_are_against_the_rest():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 90)
    p = predictions_of(labels, softmax(rng.normal(size=(90, 3)) + np.eye(3)[labels]), positive=2)
    assert compute("roc_auc", p) == pytest.approx(reference.roc_auc_score(labels == 2, p.probabilities[:, 2]))
    assert compute("pr_auc", p) == pytest.approx(reference.average_precision_score(labels == 2, p.probabilities[:, 2]))


def test_predictive_values_are_precisions_and_bayes():
    labels = np.array([1] * 10 + [0] * 90)
    decisions = np.array([1] * 8 + [0] * 2 + [1] * 9 + [0] * 81)  # sensitivity .8, specificity .9
    p = predictions_of(labels, np.eye(2)[decisions], decisions, positive=1)
    expected = {"ppv": 8 / 17, "npv": 81 / 83, "number_needed": 17 / 8}
    assert compute("predictive_values", p) == pytest.approx(expected)
    precision = compute("precision", p)
    assert (precision["class_1"], precision["class_0"]) == pytest.approx((8 / 17, 81 / 83))
    stated = compute("predictive_values", replace(p, prevalences=(0.02, 0.5)))
    at_2 = 0.8 * 0.02 / (0.8 * 0.02 + 0.1 * 0.98)
    assert stated["ppv at 0.02"] == pytest.approx(at_2)
    assert stated["number_needed at 0.02"] == pytest.approx(1 / at_2)
    assert stated["npv at 0.5"] == pytest.approx(0.9 / (0.9 + 0.2))
    assert list(stated) == [f"{name} at {share}" for share in (0.02, 0.5) for name in expected]
    nobody = predictions_of(labels, np.eye(2)[0 * labels], 0 * labels, positive=1)
    assert compute("predictive_values", nobody) == pytest.approx(
        {"ppv": math.nan, "npv": 0.9, "number_needed": math.nan}, nan_ok=True
    )


def test_net_benefit_is_that_of_vickers_and_elkin():
    rng = np.random.default_rng(1)
    labels, probability = rng.integers(0, 2, 200), np.round(rng.random(200), 1)
    p = predictions_of(labels, np.stack([1 - probability, probability], axis=1), positive=1)
    found = PARTS["net_benefit"].model_copy(update={"thresholds": [0.2, 0.5]}).compute(p)
    for threshold in (0.2, 0.5):
        called = probability >= threshold
        hits, alarms = (called & (labels == 1)).sum(), (called & (labels == 0)).sum()
        expected = hits / 200 - alarms / 200 * threshold / (1 - threshold)
        assert found[f"at {threshold}"] == pytest.approx(expected)


@pytest.mark.parametrize("thresholds", [[], [0.0], [0.5, 1.0]])
def test_net_benefit_refuses_thresholds_without_odds(thresholds):
    with pytest.raises(ValidationError, match="expected probabilities between 0 and 1"):
        type(PARTS["net_benefit"])(thresholds=thresholds)


@pytest.mark.parametrize("positive", [None, 1])
def test_ece_is_that_of_the_formula_bin_by_bin(positive):
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 300)
    probabilities = softmax(rng.normal(size=(300, 2)) + 1.0 * np.eye(2)[labels])
    probabilities[:3] = [[0.0, 1.0], [1.0, 0.0], [0.4, 0.6]]  # ends and an edge of the bins
    labels[:3] = 0
    p = predictions_of(labels, probabilities, positive=positive)
    said = probabilities[:, 1] if positive else probabilities.max(axis=1)
    true = labels == 1 if positive else labels == probabilities.argmax(axis=1)
    expected = 0.0
    for low in np.arange(5) / 5:
        own = (said >= low) & ((said < low + 0.2 - 1e-12) | (low == 0.8))
        if own.any():
            expected += own.mean() * abs(said[own].mean() - true[own].mean())
    assert PARTS["ece"].model_copy(update={"bins": 5}).compute(p) == pytest.approx(expected)


def test_minority_is_the_class_with_the_fewest_training_rows_where_they_are_known():
    labels = np.array([0, 0, 1, 1])
    decisions = np.array([0, 0, 1, 0])
    p = Predictions(labels, np.eye(2)[decisions], decisions, ("a", "b"), None, train_counts=(50, 3))
    assert compute("minority_recall", p) == pytest.approx(0.5)
