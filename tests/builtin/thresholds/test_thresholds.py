"""Thresholds against brute force over every possible one, and against scikit-learn's ROC curve."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import beta, binom, norm
from sklearn.metrics import roc_curve

from imbalkit.builtin.thresholds.best_f import BestF
from imbalkit.builtin.thresholds.best_g_mean import BestGMean
from imbalkit.builtin.thresholds.fixed import Fixed
from imbalkit.builtin.thresholds.target_recall import TargetRecall
from imbalkit.builtin.thresholds.youden import Youden
from imbalkit.errors import DataError
from imbalkit.functional.thresholds import independent_rows, least_rows
from imbalkit.kinds import ThresholdRows
from tests.properties import examples


def rates(positives, probabilities, threshold):
    """Exact recall and false alarm rate."""
    called = probabilities >= threshold
    hits, alarms = int((called & positives).sum()), int((called & ~positives).sum())
    return Fraction(hits, int(positives.sum())), Fraction(alarms, int((~positives).sum()))


def every_operating_point(positives, probabilities):
    """Rates at each distinct probability, and with nothing called positive."""
    return [rates(positives, probabilities, value) for value in [*np.unique(probabilities), np.inf]]


@st.composite
def rows(draw):
    count = draw(st.integers(2, 40))
    positives = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    positives[:2] = True, False
    levels = draw(st.sampled_from([2, 5, 1000]))  # few levels: many ties
    values = draw(st.lists(st.integers(0, levels), min_size=count, max_size=count))
    kind = draw(st.sampled_from([np.float32, np.float64]))
    return positives, (np.array(values) / levels).astype(kind)


@given(rows())
@examples(300)
def test_youden_is_the_best_of_all(case):
    positives, probabilities = case
    chosen = Youden().choose(ThresholdRows(*case))
    recall, alarms = rates(positives, probabilities, chosen)
    best = max(point[0] - point[1] for point in every_operating_point(positives, probabilities))
    assert recall - alarms == best
    if best > 0:
        equal = [point[1] for point in every_operating_point(*case) if point[0] - point[1] == best]
        assert alarms == min(equal)


@given(rows())
@examples(300)
def test_best_g_mean_is_the_best_of_all(case):
    recall, alarms = rates(*case, BestGMean().choose(ThresholdRows(*case)))
    best = max(point[0] * (1 - point[1]) for point in every_operating_point(*case))
    assert recall * (1 - alarms) == best
    if best > 0:
        assert alarms == min(p[1] for p in every_operating_point(*case) if p[0] * (1 - p[1]) == best)


@given(rows(), st.sampled_from([0.01, 0.25, 0.5, 0.7, 0.9, 1.0]))
@examples(300)
def test_target_recall_has_the_fewest_false_alarms(case, target):
    recall, alarms = rates(*case, TargetRecall(recall=target).choose(ThresholdRows(*case)))
    assert float(recall) >= target
    assert alarms == min(point[1] for point in every_operating_point(*case) if float(point[0]) >= target)


def test_target_recall_is_exact_at_a_round_share():
    positives = np.array([True] * 100 + [False] * 100)
    probabilities = np.concatenate([np.linspace(0.99, 0.5, 100), np.linspace(0.4, 0.1, 100)])
    for hundredth in range(1, 101):
        chosen = TargetRecall(recall=hundredth / 100).choose(ThresholdRows(positives, probabilities))
        assert (probabilities[:100] >= chosen).sum() == hundredth


def test_youden_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    positives = rng.random(2000) < 0.1
    probabilities = np.clip(rng.normal(0.4, 0.15, 2000) + 0.2 * positives, 0, 1)
    false_alarms, recall, thresholds = roc_curve(positives, probabilities, drop_intermediate=False)
    best = thresholds[np.argmax(recall - false_alarms)]
    chosen = Youden().choose(ThresholdRows(positives, probabilities))
    assert np.array_equal(probabilities >= chosen, probabilities >= best)


def test_the_threshold_lies_half_way_to_the_next_lower_row():
    positives = np.array([True, True, False, False])
    assert Youden().choose(ThresholdRows(positives, np.array([0.9, 0.8, 0.4, 0.1]))) == pytest.approx(0.6)
    assert TargetRecall(recall=1.0).choose(ThresholdRows(~positives, np.array([0.9, 0.8, 0.4, 0.3]))) == pytest.approx(
        0.15
    )
    assert TargetRecall(recall=1.0).choose(ThresholdRows(~positives, np.array([0.9, 0.8, 0.4, 0.0]))) == 0.0


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_neighbouring_floats_are_told_apart(kind):
    low = kind(0.3)
    high = np.nextafter(low, kind(1))
    probabilities = np.array([high, low], dtype=kind)
    chosen = Youden().choose(ThresholdRows(np.array([True, False]), probabilities))
    assert (probabilities >= chosen).tolist() == [True, False]


def test_fixed_ignores_the_rows():
    assert Fixed().choose(ThresholdRows(np.zeros(0, dtype=bool), np.zeros(0))) == 0.5
    assert Fixed(value=0.2).choose(ThresholdRows(np.array([True]), np.array([0.9]))) == 0.2
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        Fixed(value=1.5)
    with pytest.raises(ValidationError, match="greater than 0"):
        TargetRecall(recall=0)


@pytest.mark.parametrize(
    "part", [Youden(), BestGMean(), TargetRecall(), BestF(), TargetRecall(recall=0.4, confidence=0.55)]
)
def test_rows_that_cannot_be_chosen_from(part):
    with pytest.raises(DataError, match="rows of both classes; got 2 positive and 0 negative"):
        part.choose(ThresholdRows(np.array([True, True]), np.array([0.1, 0.2])))
    with pytest.raises(DataError, match="got 0 positive and 0 negative"):
        part.choose(ThresholdRows(np.zeros(0, dtype=bool), np.zeros(0)))
    for bad in (np.nan, 1.2, -0.1):
        with pytest.raises(DataError, match=r"probabilities in 0\.\.1"):
            part.choose(ThresholdRows(np.array([True, False]), np.array([bad, 0.2])))


@given(rows(), st.sampled_from([0.5, 1.0, 2.0]))
@examples(200)
def test_best_f_is_the_best_of_all(case, weight):
    positives, probabilities = case

    def score(threshold):
        called = probabilities >= threshold
        hits, alarms = int((called & positives).sum()), int((called & ~positives).sum())
        square = Fraction(weight) ** 2
        return (1 + square) * hits / (square * int(positives.sum()) + hits + alarms) if called.any() else 0

    chosen = BestF(beta=weight).choose(ThresholdRows(*case))
    assert float(score(chosen)) == pytest.approx(float(max(score(value) for value in np.unique(probabilities))))


# --- weights -------------------------------------------------------------------------------------------------------------


@given(rows(), st.sampled_from([Youden(), BestGMean(), BestF(beta=2.0), TargetRecall(recall=0.7)]), st.integers(0, 99))
@examples(300)
def test_whole_weights_are_rows_repeated(case, part, seed):
    positives, probabilities = case
    weights = np.random.default_rng(seed).integers(0, 4, len(positives))
    weights[:2] = 1  # a row of each class
    repeated = np.repeat(np.arange(len(positives)), weights)
    expected = part.choose(ThresholdRows(positives[repeated], probabilities[repeated]))
    chosen = part.choose(ThresholdRows(positives, probabilities, weights=weights * 0.37))
    counted = weights > 0
    assert np.array_equal((probabilities >= chosen)[counted], (probabilities >= expected)[counted])


def test_weights_of_one_class_alone_are_refused():
    with pytest.raises(DataError, match="got 0 positive and 1 negative"):
        Youden().choose(ThresholdRows(np.array([True, False]), np.array([0.9, 0.1]), weights=np.array([0.0, 1.0])))


# --- a recall that must be shown -----------------------------------------------------------------------------------------


def test_the_lower_bound_of_the_recall_reaches_the_target():
    """One-sided Clopper-Pearson: the largest recall under which as many hits or more have a chance of 5 % at most."""
    rng = np.random.default_rng(0)
    positives = np.arange(400) < 100
    probabilities = np.where(positives, rng.beta(4, 2, 400), rng.beta(2, 4, 400))
    chosen = TargetRecall(recall=0.85, confidence=0.95).choose(ThresholdRows(positives, probabilities))
    hits = int((probabilities[positives] >= chosen).sum())
    assert beta.ppf(0.05, hits, 100 - hits + 1) >= 0.85 > beta.ppf(0.05, hits - 1, 100 - hits + 2)
    assert binom.sf(hits - 1, 100, 0.85) <= 0.05 < binom.sf(hits - 2, 100, 0.85)
    assert chosen < TargetRecall(recall=0.85).choose(ThresholdRows(positives, probabilities))


def test_groups_count_as_one_row_each():
    rng = np.random.default_rng(0)
    positives = np.arange(800) < 200
    probabilities = np.where(positives, rng.beta(4, 2, 800), rng.beta(2, 4, 800))
    part = TargetRecall(recall=0.85, confidence=0.95)
    pairs = part.choose(ThresholdRows(positives, probabilities, groups=np.arange(800) // 2))
    assert pairs < part.choose(ThresholdRows(positives, probabilities))
    share = (probabilities[positives] >= pairs).mean()
    assert beta.ppf(0.05, share * 100, 100 - share * 100 + 1) >= 0.85
    assert part.choose(ThresholdRows(positives, probabilities, groups=np.arange(800))) == part.choose(
        ThresholdRows(positives, probabilities)
    )
    # Class weights (another prevalence) make the rows of a class count neither more nor less.
    weighted = part.choose(ThresholdRows(positives, probabilities, weights=np.where(positives, 0.1, 3.0)))
    assert weighted == part.choose(ThresholdRows(positives, probabilities))


def test_models_at_the_bound_keep_the_recall_elsewhere_nineteen_times_in_twenty():
    rng = np.random.default_rng(0)
    kept = {None: 0, 0.95: 0}
    for _ in range(300):
        positives = np.arange(200) < 80
        probabilities = np.clip(rng.normal(0.4, 0.15, 200) + 0.25 * positives, 0, 1)
        for confidence in kept:
            chosen = TargetRecall(recall=0.9, confidence=confidence).choose(ThresholdRows(positives, probabilities))
            recall = (np.clip(rng.normal(0.65, 0.15, 20_000), 0, 1) >= chosen).mean()
            kept[confidence] += recall >= 0.9
    assert kept[0.95] / 300 >= 0.93
    assert kept[None] / 300 < 0.65


def test_rows_of_one_patient_that_are_alike_need_the_groups():
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(60), 4)
    positives, kept = patient < 40, {"rows": 0, "groups": 0}
    for _ in range(300):
        own = rng.normal(0, 0.13, 60)[patient]
        probabilities = np.clip(0.4 + 0.25 * positives + own + rng.normal(0, 0.075, 240), 0, 1)
        for counted in kept:
            groups = patient if counted == "groups" else None
            chosen = TargetRecall(recall=0.9, confidence=0.95).choose(
                ThresholdRows(positives, probabilities, groups=groups)
            )
            kept[counted] += norm.sf((chosen - 0.65) / np.hypot(0.13, 0.075)) >= 0.9
    assert kept["rows"] / 300 < 0.93
    assert kept["groups"] / 300 > 0.97


@pytest.mark.parametrize(
    ("recall", "confidence", "rows"), [(0.9, 0.95, 29), (0.95, 0.95, 59), (0.99, 0.95, 299), (0.5, 0.75, 2)]
)
def test_too_few_rows_to_show_a_recall(recall, confidence, rows):
    part = TargetRecall(recall=recall, confidence=confidence)
    assert least_rows(recall, confidence) == rows
    assert part.check_rows(rows, 5) is None
    assert f"takes {rows} independent positive validation rows" in part.check_rows(rows - 1, 5)
    positives = np.arange(rows + 3) < rows
    chosen = part.choose(ThresholdRows(positives, np.linspace(1, 0, rows + 3)))
    assert np.linspace(1, 0, rows + 3)[rows - 1] >= chosen
    with pytest.raises(DataError, match=f"there are {rows - 1}: aim lower"):
        part.choose(ThresholdRows(positives[1:], np.linspace(1, 0, rows + 2)))


def test_a_recall_of_1_cannot_be_shown():
    with pytest.raises(ValidationError, match="no number of rows shows a recall of 1"):
        TargetRecall(recall=1.0, confidence=0.9)
    assert TargetRecall(recall=1.0).check_rows(1, 1) is None


def test_independent_rows():
    assert independent_rows(None, None, 7) == 7
    assert independent_rows(np.full(7, 0.3), None, 7) == pytest.approx(7)
    assert independent_rows(np.array([1.0, 1.0, 0.0]), None, 3) == pytest.approx(2)
    assert independent_rows(np.ones(4), np.array([0, 0, 1, 2]), 4) == 3
