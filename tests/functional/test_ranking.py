"""Areas and rates against scikit-learn, on rows as they are and on rows that are really repeated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from imbalkit.functional import ranking
from imbalkit.functional.bootstrap import draw_weights
from tests.properties import examples

FIGURES = {
    "roc_auc": ranking.roc_auc,
    "average_precision": ranking.average_precision,
    "partial_auc": lambda p, s, w=None: ranking.partial_auc(p, s, 0.8, w),
    "sensitivity": lambda p, s, w=None: ranking.sensitivity_at_specificity(p, s, 0.75, w),
    "specificity": lambda p, s, w=None: ranking.specificity_at_sensitivity(p, s, 0.6, w),
}


@st.composite
def rows(draw):
    """Positives and scores, with and without ties, of both sorts."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(2, 80))
    positives = rng.random(n) < draw(st.floats(0.05, 0.95))
    positives[:2] = True, False
    scores = rng.normal(size=n) + positives
    return positives, np.round(scores, draw(st.sampled_from([0, 1, 6]))), rng


def isic_partial_auc(positives, scores, min_tpr):
    """As the ISIC 2024 challenge computes it, from scikit-learn's standardised area."""
    if min_tpr == 0:
        return roc_auc_score(positives, scores)
    top = 1 - min_tpr
    scaled = roc_auc_score(~positives, -scores, max_fpr=top)
    least = 0.5 * top**2
    return least + (top - least) / (1.0 - 0.5) * (scaled - 0.5)


def sensitivity_of(positives, scores, specificity):
    alarms, hits, _ = roc_curve(positives, scores, drop_intermediate=False)
    return hits[alarms <= (1 - specificity) * (1 + 1e-12)].max()


def specificity_of(positives, scores, sensitivity):
    alarms, hits, _ = roc_curve(positives, scores, drop_intermediate=False)
    return 1 - alarms[hits >= sensitivity * (1 - 1e-12)].min()


@given(rows(), st.floats(0, 1), st.floats(0, 0.99))
@examples(150)
def test_figures_agree_with_scikit_learn(sample, rate, min_tpr):
    positives, scores, _ = sample
    assert ranking.roc_auc(positives, scores) == pytest.approx(roc_auc_score(positives, scores))
    assert ranking.average_precision(positives, scores) == pytest.approx(average_precision_score(positives, scores))
    assert ranking.partial_auc(positives, scores, min_tpr) == pytest.approx(
        isic_partial_auc(positives, scores, min_tpr), abs=1e-9
    )
    assert ranking.sensitivity_at_specificity(positives, scores, rate) == pytest.approx(
        sensitivity_of(positives, scores, rate)
    )
    assert ranking.specificity_at_sensitivity(positives, scores, rate) == pytest.approx(
        specificity_of(positives, scores, rate)
    )


@given(rows())
@examples(60)
def test_weights_are_repeated_rows(sample):
    positives, scores, rng = sample
    weights = draw_weights(len(scores), 6, rng)
    for name, figure in FIGURES.items():
        expected = [figure(*(np.repeat(part, times.astype(int)) for part in (positives, scores))) for times in weights]
        assert figure(positives, scores, weights) == pytest.approx(np.array(expected), abs=1e-12, nan_ok=True), name


@given(rows(), st.floats(0, 1))
@examples(40)
def test_miss_rates_are_those_of_the_roc_curve(sample, rate):
    positives, scores, rng = sample
    weights = draw_weights(len(scores), 3, rng, positives)
    for found, times in zip(ranking.miss_rate_at(positives, scores, weights, rate), weights.astype(int), strict=True):
        alarms, hits, _ = roc_curve(np.repeat(positives, times), np.repeat(scores, times), drop_intermediate=False)
        assert found == pytest.approx(1 - hits[alarms <= rate * (1 + 1e-12)].max(), abs=1e-12)


@pytest.mark.parametrize("name", FIGURES)
def test_undefined_is_nan(name):
    figure, weights = FIGURES[name], np.array([[1, 1, 1], [2, 1, 0]], dtype=np.float32)
    positives, scores = np.array([False, False, True]), np.array([0.1, 0.2, 0.3])
    found = figure(positives, scores, weights)
    assert np.isfinite(found[0])
    assert np.isnan(found[1])  # the one positive row is not drawn
    assert np.isnan(figure(np.zeros(3, dtype=bool), scores))
    assert np.isnan(figure(positives, np.array([0.1, np.nan, 0.3])))
    assert np.isnan(figure(positives[:0], scores[:0]))
    assert np.isnan(figure(np.ones(3, dtype=bool), scores)) == (name != "average_precision")


def test_means_over_classes_are_over_those_drawn():
    labels = np.array([0, 0, 1, 1, 2])
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), 5)
    weights = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 2, 0]], dtype=np.float32)
    found = ranking.one_vs_rest(ranking.roc_auc, labels, probabilities, None, weights)
    for value, classes, rows in zip(found, ([0, 1, 2], [0, 1]), ([0, 1, 2, 3, 4], [0, 1, 2, 3, 3]), strict=True):
        areas = [roc_auc_score(labels[rows] == code, probabilities[rows][:, code]) for code in classes]
        assert value == pytest.approx(np.mean(areas))


def test_sums_of_many_rows_are_exact():
    """float32 alone cannot hold odd numbers beyond 16,777,216."""
    positives = np.arange(5_000_002) == 0
    weights = np.full((1, len(positives)), 7, dtype=np.float32)
    assert ranking.steps(positives, np.zeros(len(positives)), weights).other.tolist() == [[35_000_007.0]]
