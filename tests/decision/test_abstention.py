"""Rows that a decision leaves undecided."""

from __future__ import annotations

import numpy as np
import pytest

from imbalkit.builtin.thresholds.fixed import Fixed
from imbalkit.decision.fit import fit_decision
from imbalkit.functional.metrics import softmax
from imbalkit.kinds import PriorShift
from tests.decision.made_up import chosen, ledger, validation_rows


@pytest.mark.parametrize("coverage", [0.5, 0.9, 0.99])
def test_coverage_leaves_the_most_uncertain_rows(coverage):
    logits, labels = validation_rows(1000)
    decision = fit_decision(logits, labels, chosen(threshold=Fixed(value=0.2), abstain={"coverage": coverage}), 1)
    left = decision.abstains(logits)
    assert 1 - left.mean() == pytest.approx(coverage)
    low, high = decision.abstention.band
    p = softmax(logits)[:, 1]
    assert low < 0.2 < high
    assert np.array_equal(left, (p >= low) & (p < high))
    # What is as uncertain: a false alarm costs 0.2, a miss 0.8 (Elkan 2001).
    assert low * 0.8 == pytest.approx((1 - high) * 0.2)
    uncertainties = decision.uncertainties(logits)
    assert uncertainties[left].min() > uncertainties[~left].max()


def test_coverage_is_that_of_the_stated_prevalence():
    logits, labels = validation_rows(1000)
    even = ledger(PriorShift((1.0, 1.0), True, ""), rows=(800, 200))
    settings = chosen(prior={"mel": 0.9}, abstain={"coverage": 0.7})
    decision = fit_decision(logits, labels, settings, 1, even, classes=("benign", "mel"))
    decided = ~decision.abstains(logits)
    share = 0.1 * decided[labels == 0].mean() + 0.9 * decided[labels == 1].mean()
    assert share == pytest.approx(0.7, abs=0.005)
    assert decided.mean() != pytest.approx(0.7, abs=0.02)
    assert "0.7 of the validation rows, weighed to the stated class prior, are decided" in decision.abstention.rule


def test_coverage_without_a_threshold():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(200, 3)), rng.integers(0, 3, 200)
    decision = fit_decision(logits, labels, chosen(abstain={"coverage": 0.8}), None)
    left = decision.abstains(logits)
    assert left.sum() == 40
    top = softmax(logits).max(axis=1)
    assert top[left].max() < top[~left].min()


def test_a_band_beside_the_threshold_is_noted():
    logits, labels = validation_rows()
    inside = fit_decision(logits, labels, chosen(abstain={"band": [0.3, 0.7]}), 1)
    assert (inside.abstention.band, inside.notes) == ((0.3, 0.7), ())
    outside = fit_decision(logits, labels, chosen(abstain={"band": [0.6, 0.7]}), 1)
    assert "the threshold 0.5 lies outside the band [0.6, 0.7]" in outside.notes[0]
    none = fit_decision(logits, labels, chosen(abstain={"band": [0.3, 0.7]}), None)
    assert (none.abstention, none.notes) == (None, ("abstain.band needs a positive class: every row is decided",))
