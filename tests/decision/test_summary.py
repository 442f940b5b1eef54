"""What metrics.json says of a decision, against scikit-learn and by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from imbalkit.decision.decision import Decision
from imbalkit.decision.fit import fit_decision
from imbalkit.decision.settings import DecisionSettings
from imbalkit.decision.summary import abstention_facts, calibration_facts
from imbalkit.functional.metrics import softmax


def rows(classes: int, count: int = 400):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, count)
    return rng.normal(size=(count, classes)) * 3 + np.eye(classes)[labels], labels


def ece(hits, p, bins=15):
    """Guo et al. 2017, eq. 3, bin by bin."""
    total = 0.0
    for low in np.arange(bins) / bins:
        inside = (p >= low) & ((p < low + 1 / bins) | (low + 1 / bins > 1 - 1e-9))
        if inside.any():
            total += inside.sum() / len(p) * abs(hits[inside].mean() - p[inside].mean())
    return total


def test_each_stage_at_the_prior_of_the_data():
    logits, labels = rows(2)
    wanted = DecisionSettings.model_validate({"prior": {"mel": 0.05}, "calibrator": "temperature"})
    decision = fit_decision(logits, labels, wanted, 1, classes=("benign", "mel"))
    facts = calibration_facts(decision, logits, labels, ("benign", "mel"))
    assert [stage["stage"] for stage in facts] == ["as trained", "prior restored", "calibrated"]
    for stage, p in ((facts[0], softmax(logits)), (facts[-1], decision.at_data_prior(logits))):
        assert stage["brier"] == pytest.approx(brier_score_loss(labels, p[:, 1]))
        assert stage["log_loss"] == pytest.approx(log_loss(labels, p))
        assert stage["ece"] == pytest.approx(ece(labels == 1, p[:, 1]))
        (curve,) = stage["reliability"]
        assert curve["class"] == "mel"
        assert sum(entry["n"] * entry["observed"] for entry in curve["bins"]) == pytest.approx((labels == 1).sum())
    assert facts[-1]["log_loss"] < facts[0]["log_loss"]
    json.dumps(facts, allow_nan=False)


def test_without_a_positive_class_every_class_has_bins():
    logits, labels = rows(3)
    (stage,) = calibration_facts(Decision(None, rows=(1, 1, 1)), logits, labels, ("a", "b", "c"))
    assert [curve["class"] for curve in stage["reliability"]] == ["a", "b", "c"]
    p = softmax(logits)
    assert stage["ece"] == pytest.approx(ece(labels == p.argmax(axis=1), p.max(axis=1)))


def test_without_rows_there_is_nothing_to_say():
    logits, labels = np.zeros((0, 2)), np.zeros(0, dtype=int)
    assert calibration_facts(Decision(), logits, labels, ("a", "b")) == []
    decision = fit_decision(*rows(2), DecisionSettings.model_validate({"abstain": {"coverage": 0.9}}), 1)
    assert abstention_facts(decision, logits, labels, ("a", "b")) is None
    assert abstention_facts(Decision(), *rows(2), ("a", "b")) is None


def test_rows_left_undecided_are_counted_by_class():
    logits, labels = rows(2)
    wanted = DecisionSettings.model_validate(
        {"threshold": {"name": "fixed", "value": 0.3}, "abstain": {"band": [0.1, 0.6]}}
    )
    decision = fit_decision(logits, labels, wanted, 1)
    p = softmax(logits)[:, 1]
    left = (p >= 0.1) & (p < 0.6)
    facts = abstention_facts(decision, logits, labels, ("benign", "mel"))
    assert facts["coverage"] == pytest.approx(1 - left.mean())
    assert facts["rejected"] == {"benign": int((left & (labels == 0)).sum()), "mel": int((left & (labels == 1)).sum())}
