"""Every rule against brute force over all operating points, also those that predict no row or every row positive;
with weights and ties."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from imbalkit.builtin.thresholds import BestF, BestGMean, Cost, Fixed, TargetRecall, Youden
from imbalkit.decision.decision import Abstention, Decision
from imbalkit.decision.settings import DecisionSettings
from imbalkit.functional.thresholds import NEVER, independent_rows
from imbalkit.kinds import ThresholdRows
from imbalkit_lite.card import Card, Input, Probabilities
from imbalkit_lite.decisions import abstains, decide
from tests.properties import examples

RULES = {  # from recall, false alarm rate and the share of positives to what is largest at the best point
    Youden(): lambda recall, alarms, share: recall - alarms,
    BestGMean(): lambda recall, alarms, share: recall * (1 - alarms),
    BestF(beta=2.0): lambda recall, alarms, share: (
        5 * recall * share / (4 * share + recall * share + alarms * (1 - share))
    ),
    TargetRecall(recall=0.7): lambda recall, alarms, share: recall >= 0.7 - 1e-12,
    **{
        Cost(ratio=ratio): (lambda recall, alarms, share, ratio=ratio: recall * share * ratio - alarms * (1 - share))
        for ratio in (1e-6, 0.05, 0.5, 1.0, 7.0, 1e6)
    },
}


@st.composite
def rows(draw):
    count = draw(st.integers(2, 30))
    positives = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    positives[:2] = True, False
    levels = draw(st.sampled_from([1, 2, 5, 1000]))  # few levels: many ties, and probabilities of exactly 0 and 1
    values = np.array(draw(st.lists(st.integers(0, levels), min_size=count, max_size=count))) / levels
    kind = draw(st.sampled_from([np.float32, np.float64]))
    weights = draw(st.sampled_from([None, "whole", "any"]))
    rng = np.random.default_rng(count)
    if weights is not None:
        weights = rng.integers(1, 4, count).astype(float) if weights == "whole" else rng.random(count) + 0.1
    return positives, values.astype(kind), weights


def rates(positives, probabilities, weights, threshold):
    called = probabilities >= threshold
    return float(weights[positives & called].sum() / weights[positives].sum()), float(
        weights[~positives & called].sum() / weights[~positives].sum()
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.name} {getattr(rule, 'ratio', '')}".strip())
@given(case=rows())
@examples(60)
def test_no_operating_point_is_better(rule, case):
    positives, probabilities, weights = case
    each = np.ones(len(positives)) if weights is None else weights
    share = float(each[positives].sum() / each.sum())
    points = [rates(positives, probabilities, each, t) for t in [*np.unique(probabilities), np.inf]]
    merits = [RULES[rule](*point, share) for point in points]
    chosen = rule.choose(ThresholdRows(positives, probabilities, weights))
    assert 0 <= chosen <= NEVER
    recall, alarms = rates(positives, probabilities, each, chosen)
    best = max(merits)
    scale = max(1.0, abs(best))
    assert RULES[rule](recall, alarms, share) >= best - 1e-9 * scale
    tied = [point for point, merit in zip(points, merits, strict=True) if merit >= best - 1e-9 * scale]
    if weights is None:  # of equals the one of fewest false alarms
        assert alarms == pytest.approx(min(point[1] for point in tied))


@given(case=rows(), groups=st.integers(2, 12), recall=st.sampled_from([0.2, 0.4]))
@examples(60)
def test_a_recall_to_show_takes_the_highest_threshold_that_shows_it(case, groups, recall):
    positives, probabilities, weights = case
    codes = np.arange(len(positives)) % groups
    each = np.ones(len(positives)) if weights is None else weights
    size = independent_rows(None if weights is None else weights[positives], codes[positives], int(positives.sum()))
    rule = TargetRecall(recall=recall, confidence=0.6)
    if rule.check_rows(int(size), 1):
        return
    chosen = rule.choose(ThresholdRows(positives, probabilities, weights, codes))

    def shown(threshold):
        hits = rates(positives, probabilities, each, threshold)[0] * size
        return hits > 0 and beta.ppf(0.4, hits, size - hits + 1) >= recall - 1e-9

    assert shown(chosen)
    lowest = probabilities[probabilities >= chosen].min()
    assert not any(shown(t) for t in [*np.unique(probabilities[probabilities > lowest]), np.inf])


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_case_that_was_found(kind):
    positives = np.array([0] * 95 + [1] * 5, dtype=bool)
    probabilities = np.where(np.arange(100) % 2, 0.3, 0.2).astype(kind)
    chosen = Cost(ratio=1).choose(ThresholdRows(positives, probabilities))
    assert not (probabilities >= chosen).any()
    assert chosen == pytest.approx(0.65)  # half-way to 1
    everybody = Cost(ratio=1000).choose(ThresholdRows(positives, probabilities))
    assert (probabilities >= everybody).all()
    assert everybody == pytest.approx(0.1)  # half-way to 0


@pytest.mark.parametrize("highest", [1.0, 1 - 1e-12, 1 - 1e-9])
def test_nobody_is_called_where_a_probability_is_1(highest):
    """Nor in a model file, whose float32 rounds it to 1."""
    positives, probabilities = np.array([True, False, False]), np.array([0.1, highest, 0.5])
    chosen = Cost(ratio=0.5).choose(ThresholdRows(positives, probabilities))
    assert chosen == NEVER
    for kind in (np.float32, np.float64):
        assert not (probabilities.astype(kind) >= chosen).any()


@pytest.mark.parametrize("threshold", [NEVER, 0.65])
def test_calling_nobody_survives_json_the_card_and_the_band(threshold):
    logits = np.log(np.array([[0.4, 0.6], [0.9, 0.1], [1.0, 1e-300]]))
    decision = Decision(threshold, rule="cost", positive=1, rows=(9, 1), abstention=Abstention("x", band=(0.55, 1.0)))
    again = Decision.from_json(json.loads(json.dumps(decision.to_json(), allow_nan=False)), DecisionSettings())
    assert again == decision
    assert decision.decide(logits).tolist() == [0, 0, 0]
    assert decision.abstains(logits).tolist() == [True, False, False]
    assert np.isfinite(decision.uncertainties(logits)).all()
    card = Card(
        name="x", classes=("a", "b"), positive="b", threshold=decision.threshold, input=Input(8, 8),
        probabilities=Probabilities("as trained"),
    )  # fmt: skip
    card = Card.from_text(card.to_text())
    probabilities = np.array([[0.0, 1.0], [0.5, 0.5]], dtype=np.float32)
    assert decide(probabilities, card).tolist() == [0 if threshold == NEVER else 1, 0]
    assert not abstains(probabilities, card).any()


def test_a_fixed_threshold_keeps_its_value():
    assert Fixed(value=1.0).choose(ThresholdRows(np.array([True, False]), np.array([1.0, 0.0]))) == 1.0
