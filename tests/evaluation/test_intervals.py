"""Intervals of an evaluation: which method where, what they are made of, and how often they hold the truth."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from imbalkit.builtin.metrics import METRICS
from imbalkit.evaluation.intervals import interval_facts, repeated_groups, units
from imbalkit.evaluation.settings import EvaluationSettings
from imbalkit.functional.delong import delong_interval
from imbalkit.functional.proportions import geometric_mean_of_shares, mean_of_shares, wilson
from imbalkit.kinds import Metric, Predictions
from tests.benchmarks.coverage import draw, flat

CLASSES = ("benign", "malignant")
EVERY = [part() for part in METRICS]
PARTS = {part.name: part for part in EVERY}


def sample(n=200, groups=0, seed=0, classes=2, positive=1):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.3).astype(np.int64) if classes == 2 else rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes)) + 1.5 * np.eye(classes)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = CLASSES if classes == 2 else tuple(f"class_{code}" for code in range(classes))
    predictions = Predictions(labels, probabilities, probabilities.argmax(axis=1), names, positive)
    return (predictions, rng.integers(0, groups, n)) if groups else predictions


def limits(facts):
    return facts["low"], facts["high"]


@pytest.mark.parametrize(("classes", "positive"), [(2, 1), (4, None), (4, 2)])
def test_every_metric_has_its_interval_around_its_figure(classes, positive):
    predictions, groups = sample(300, 100, classes=classes, positive=positive)
    for of, method in ((groups, {"cluster bootstrap"}), (None, {"bootstrap", "Wilson", "DeLong", "MOVER"})):
        facts = interval_facts(predictions, EVERY, of, EvaluationSettings(resamples=300))
        assert json.loads(json.dumps(facts, allow_nan=False)) == facts
        assert list(facts) == [metric.name for metric in EVERY]
        for metric in EVERY:
            value, found = metric.compute(predictions), facts[metric.name]
            values, found = (value, found) if isinstance(value, dict) else ({"": value}, {"": found})
            assert list(found) == list(values)
            for name, own in found.items():
                if metric.name == "ece":
                    assert own == {"low": None, "high": None, "method": None}
                elif np.isnan(values[name]):
                    assert limits(own) == (None, None)
                else:
                    assert own["low"] < values[name] < own["high"], metric.name
                    assert own["method"] in method


def test_closed_forms_where_rows_are_independent():
    predictions = sample()
    facts = interval_facts(predictions, EVERY, None, EvaluationSettings(resamples=200, level=0.9))
    labels, decisions = predictions.labels, predictions.decisions
    assert limits(facts["roc_auc"]) == pytest.approx(delong_interval(labels == 1, predictions.probabilities[:, 1], 0.9))
    hits, rows = int(((labels == 1) & (decisions == 1)).sum()), int((labels == 1).sum())
    assert limits(facts["recall"]["malignant"]) == pytest.approx(wilson(hits, rows, 0.9))
    assert limits(facts["miss_rate"]) == pytest.approx(wilson(rows - hits, rows, 0.9))
    assert limits(facts["accuracy"]) == pytest.approx(wilson((labels == decisions).sum(), 200, 0.9))
    assert limits(facts["precision"]["malignant"]) == pytest.approx(wilson(hits, (decisions == 1).sum(), 0.9))
    assert [facts[name]["method"] for name in ("roc_auc", "miss_rate", "pr_auc")] == ["DeLong", "Wilson", "bootstrap"]
    right, every = (np.bincount(labels[rows], minlength=2) for rows in (labels == decisions, labels >= 0))
    assert limits(facts["balanced_accuracy"]) == pytest.approx(mean_of_shares(right, every, 0.9))
    assert limits(facts["g_mean"]) == pytest.approx(geometric_mean_of_shares(right, every, 0.9))
    assert facts["minority_recall"] == facts["recall"]["malignant"]
    known = replace(predictions, train_counts=(5, 9))  # the smallest class of the training rows
    facts = interval_facts(known, EVERY, None, EvaluationSettings(resamples=200, level=0.9))
    assert facts["minority_recall"] == facts["recall"]["benign"]
    many = interval_facts(sample(classes=3, positive=None), EVERY, None, EvaluationSettings(resamples=200))
    assert many["roc_auc"]["method"] == "bootstrap"  # a mean over classes has no variance of DeLong's


def test_a_predictive_value_at_the_rows_own_prevalence_is_a_precision():
    predictions, groups = sample(300, 100)
    facts = interval_facts(predictions, EVERY, groups, EvaluationSettings(resamples=300))
    for name, of in (("ppv", "malignant"), ("npv", "benign")):
        assert limits(facts["predictive_values"][name]) == pytest.approx(limits(facts["precision"][of]))


def test_groups_of_one_row_each_are_no_groups():
    predictions = sample()
    settings = EvaluationSettings(resamples=200)
    alone = np.random.default_rng(0).permutation(200)
    assert interval_facts(predictions, EVERY, alone, settings) == interval_facts(predictions, EVERY, None, settings)
    assert repeated_groups(alone) is None
    assert (units(200, alone), units(200, None)) == (("row", 200), ("row", 200))
    alone[0] = alone[1]
    assert units(200, alone) == ("group", 199)
    assert interval_facts(predictions, [PARTS["recall"]], alone, settings)["recall"]["benign"]["method"].startswith(
        "cluster"
    )


def test_copies_of_a_row_in_its_group_tell_nothing_new():
    predictions = sample()
    rows = np.repeat(np.arange(200), 4)
    settings = EvaluationSettings(resamples=1000)
    for name in ("roc_auc", "recall", "balanced_accuracy", "brier", "pr_auc"):
        single = Metric.resampled(PARTS[name], predictions, np.ones((1, 200)))  # the figure itself
        found = interval_facts(predictions.take(rows), [PARTS[name]], rows, settings)[name]
        blind = interval_facts(predictions.take(rows), [PARTS[name]], None, settings)[name]
        plain = interval_facts(predictions, [PARTS[name]], None, settings)[name]
        if name == "recall":
            single, found, blind, plain = (of["malignant"] for of in (single, found, blind, plain))
        width, narrow, expected = (own["high"] - own["low"] for own in (found, blind, plain))
        assert found["low"] < single[0] < found["high"]
        assert width == pytest.approx(expected, rel=0.1), name
        assert narrow < 0.65 * width, name


def test_the_seed_decides_and_the_order_of_rows_of_no_figure_does():
    predictions, groups = sample(150, 60)
    settings = EvaluationSettings(resamples=200)
    first = interval_facts(predictions, EVERY, groups, settings, seed=1)
    assert first == interval_facts(predictions, EVERY, groups, settings, seed=1)
    assert first != interval_facts(predictions, EVERY, groups, settings, seed=2)
    assert interval_facts(predictions, [PARTS["mcc"]], groups, settings, seed=1) == {"mcc": first["mcc"]}


def test_a_figure_at_its_bound_has_no_interval_of_no_width():
    labels = np.array([1] * 12 + [0] * 60)
    probabilities = np.stack([1 - labels, labels], axis=1) * 0.8 + 0.1
    predictions = Predictions(labels, probabilities, labels, CLASSES, 1)
    groups = np.concatenate([np.arange(12) // 3, 10 + np.arange(60) // 2])  # 4 of malignant, 30 of benign
    facts = interval_facts(predictions, EVERY, groups, EvaluationSettings(resamples=200))
    four, thirty = (binomtest(count, count).proportion_ci(0.95).low for count in (4, 30))
    every = binomtest(34, 34).proportion_ci(0.95).low
    assert limits(facts["recall"]["malignant"]) == pytest.approx((four, 1.0))
    assert limits(facts["recall"]["benign"]) == pytest.approx((thirty, 1.0))
    assert limits(facts["false_alarm_rate"]) == pytest.approx((0.0, 1 - thirty))
    few_trained = interval_facts(
        replace(predictions, train_counts=(3, 9)), EVERY, groups, EvaluationSettings(resamples=200)
    )
    assert limits(few_trained["minority_recall"]) == pytest.approx((thirty, 1.0))
    assert limits(facts["accuracy"]) == pytest.approx((every, 1.0))
    assert limits(facts["roc_auc"]) == limits(facts["balanced_accuracy"]) == pytest.approx((four, 1.0))
    assert limits(facts["partial_auc"]) == pytest.approx((0.2 * four, 0.2))
    assert limits(facts["mcc"]) == pytest.approx((2 * four - 1, 1.0))
    ppv, npv = facts["predictive_values"]["ppv"], facts["predictive_values"]["npv"]
    share = 12 / 72
    assert limits(ppv) == pytest.approx((four * share / (four * share + (1 - thirty) * (1 - share)), 1.0))
    assert limits(npv) == pytest.approx((thirty * (1 - share) / (thirty * (1 - share) + (1 - four) * share), 1.0))
    assert limits(facts["predictive_values"]["number_needed"]) == pytest.approx((1.0, 1 / ppv["low"]))
    alone = interval_facts(predictions, EVERY, None, EvaluationSettings(resamples=200))
    assert limits(alone["roc_auc"]) == pytest.approx((binomtest(12, 12).proportion_ci(0.95).low, 1.0))
    assert limits(alone["recall"]["malignant"]) == pytest.approx(wilson(12, 12))


def test_what_most_resamples_leave_undefined_has_no_interval():
    predictions = sample(40, classes=2)
    rows = np.concatenate([np.flatnonzero(predictions.labels == 0), np.flatnonzero(predictions.labels == 1)[:1]])
    predictions = predictions.take(np.repeat(rows, 2))
    facts = interval_facts(predictions, EVERY, np.repeat(np.arange(len(rows)), 2), EvaluationSettings(resamples=300))
    assert limits(facts["pr_auc"]) == (None, None)
    assert facts["pr_auc"]["method"] == "cluster bootstrap"


class Rightness(Metric):
    """A third party's metric: `compute` alone, by name."""

    name = "rightness"

    def compute(self, predictions):
        right = predictions.labels == predictions.decisions
        return {"share": float(right.mean()), "count": float(right.sum())}


def test_a_metric_that_only_computes_has_intervals_too():
    predictions, groups = sample(120, 50)
    facts = interval_facts(predictions, [Rightness(), PARTS["accuracy"]], groups, EvaluationSettings(resamples=400))
    assert limits(facts["rightness"]["share"]) == pytest.approx(limits(facts["accuracy"]), abs=0.02)
    assert facts["rightness"]["count"]["low"] > 40


def test_no_resamples_or_rows_no_intervals():
    assert interval_facts(sample(), EVERY, None, EvaluationSettings(resamples=0)) == {}
    assert interval_facts(sample().take(np.zeros(0, dtype=int)), EVERY, None, EvaluationSettings()) == {}


@pytest.mark.parametrize(("groups", "least"), [(0, 0.9), (60, 0.88)])
def test_intervals_hold_the_truth_about_as_often_as_they_say(groups, least):
    """The quick version of tests/benchmarks/coverage.py: of 60 repeats, 57 are expected to hold it."""
    names = ("roc_auc", "miss_rate", "balanced_accuracy", "brier")
    metrics = [PARTS[name] for name in names]
    whole = draw(np.random.default_rng(0), 300_000, 60_000 if groups else 0, 0.2, 2.0)[0]
    truth = {metric.name: metric.compute(whole) for metric in metrics}
    held = dict.fromkeys(names, 0)
    for seed in range(60):
        rows, of = draw(np.random.default_rng([2, seed]), 300, groups, 0.2, 2.0)
        facts = interval_facts(rows, metrics, of, EvaluationSettings(resamples=300), seed)
        for metric in metrics:
            low, high = limits(facts[metric.name])
            held[metric.name] += low <= truth[metric.name] <= high
    assert min(held.values()) >= least * 60 - 3, held
    assert np.mean(list(held.values())) >= least * 60


@pytest.mark.parametrize(("rows", "prevalence"), [(400, 0.02), (400, 0.05), (40, 0.2)])
def test_intervals_from_few_rows_of_a_class_hold_the_truth(rows, prevalence):
    """Of 200 repeats 190 are expected, with a standard deviation of 3; DeLong's interval held it 174 times at 2 %."""
    metrics = [PARTS[name] for name in ("roc_auc", "balanced_accuracy", "g_mean", "net_benefit")]
    whole = draw(np.random.default_rng(0), 300_000, 0, prevalence, 1.2)[0]
    truth = flat({metric.name: metric.compute(whole) for metric in metrics})
    held = dict.fromkeys(truth, 0)
    for seed in range(200):
        drawn, _ = draw(np.random.default_rng([3, seed]), rows, 0, prevalence, 1.2)
        if drawn.labels.sum() < 2:
            held = {name: count + 1 for name, count in held.items()}
            continue
        for name, (low, high) in flat(interval_facts(drawn, metrics, None, EvaluationSettings(resamples=100))).items():
            held[name] += low <= truth[name] <= high
    assert min(held.values()) >= 0.93 * 200 - 3, held


def test_few_groups_of_a_class_widen_what_weighs_classes_alike():
    """Student's t of 40 groups, or of the 4 of the rare class, which is what the figure's spread comes from."""
    rng = np.random.default_rng(0)
    labels = np.repeat([1, 0], [16, 160])
    groups = np.arange(176) // 4
    chance = np.clip(0.4 + 0.2 * labels + rng.normal(0, 0.15, 176), 0.01, 0.99)
    predictions = Predictions(
        labels, np.stack([1 - chance, chance], axis=1), (chance > 0.5).astype(int), ("benign", "malignant"), 1
    )
    assert PARTS["accuracy"].units(predictions, groups) == 44
    for name in ("balanced_accuracy", "roc_auc", "pr_auc", "macro_f1"):
        assert 4 < PARTS[name].units(predictions, groups) < 6, name
    many = replace(predictions, labels=np.arange(176) % 44, classes=tuple(map(str, range(44))), positive=None)
    assert PARTS["balanced_accuracy"].units(many, np.arange(176)) == 1 + 44 * 3


def test_two_thousand_resamples_of_the_papers_test_set_take_seconds():
    predictions, groups = draw(np.random.default_rng(0), 7530, 2000, 0.136, 2.0)
    start = time.process_time()
    interval_facts(predictions, EVERY, groups, EvaluationSettings(resamples=200))
    assert (time.process_time() - start) < 1.0  # a tenth of the resamples: 0.2 s measured
