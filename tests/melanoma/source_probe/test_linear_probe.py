"""The linear probe and the areas by source, on features and scores whose truth is known."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from imbalkit_melanoma.source_probe import linear_probe as module
from imbalkit_melanoma.source_probe.linear_probe import auc_by_source, linear_probe, score_by_source, within_classes
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.preprocessing import StandardScaler

from imbalkit.errors import DataError
from imbalkit.functional.bootstrap import weight_blocks


def features_of(n, width, seed, **shifts):
    """Normal features float32; `shifts` adds to the first columns."""
    features = np.random.default_rng(seed).standard_normal((n, width))
    for column, shift in enumerate(shifts.values()):
        features[:, column] += shift
    return features.astype(np.float32)


def confounded(n=600, seed=0):
    """Sources 2019 and 2020, labels; nine in ten positives are of 2019, one in ten negatives is."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.4).astype(np.int64)
    return np.where(rng.random(n) < np.where(labels == 1, 0.9, 0.1), 2019, 2020), labels


# --- what a probe finds -------------------------------------------------------------------------------------------------


def test_a_source_that_shifts_the_features_is_recognised():
    sources = np.random.default_rng(0).integers(2019, 2021, 300)
    probe = linear_probe(features_of(300, 16, 1, year=4.0 * (sources == 2019)), sources)
    assert probe.sources.tolist() == [2019, 2020]
    assert probe.counts == tuple(np.bincount(sources - 2019))
    assert probe.auc.value > 0.98
    assert 0.96 < probe.auc.low < probe.auc.value <= probe.auc.high <= 1
    assert probe.balanced_accuracy.value > 0.95
    assert probe.guessing == 0.5


def test_balanced_accuracy_is_resampled_with_its_own_rows(monkeypatch):
    """The first source has too few rows and is left out; the others' intervals come from the rows that are really drawn."""
    monkeypatch.setattr(module, "_widening", lambda folds: 1.0)
    sources = np.array([7] * 3 + [8] * 40 + [9] * 60)
    probe = linear_probe(features_of(103, 4, 2, year=1.0 * (sources == 9)), sources, seed=5)
    assert probe.sources.tolist() == [8, 9]
    predicted = np.where(probe.fold >= 0, probe.sources[np.nan_to_num(probe.scores).argmax(axis=1)], 7)
    drawn = []
    for times in np.concatenate(list(weight_blocks(103, 1000, np.random.default_rng(5), np.arange(103)))).astype(int):
        rows = np.repeat(np.arange(103), times * (sources != 7))
        drawn.append(balanced_accuracy_score(sources[rows], predicted[rows]))
    found = probe.balanced_accuracy
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])))


def test_the_areas_are_what_theory_says():
    """Two normal classes d apart: AUC = Phi(d / sqrt 2), and the best balanced accuracy is Phi(d / 2)."""
    sources = np.random.default_rng(3).integers(0, 2, 4000)
    probe = linear_probe(features_of(4000, 4, 4, year=1.2 * sources), sources)
    assert probe.auc.value == pytest.approx(NormalDist().cdf(1.2 / 2**0.5), abs=0.015)
    assert probe.balanced_accuracy.value == pytest.approx(NormalDist().cdf(0.6), abs=0.015)
    assert probe.auc.low < NormalDist().cdf(1.2 / 2**0.5) < probe.auc.high


def test_without_an_effect_the_interval_holds_one_half(monkeypatch):
    """Of 40 intervals of 95 %, 38 are expected to hold 0.5; without the widening 34 do here."""
    monkeypatch.setattr(module, "PENALTIES", (0.01,))
    held, values = 0, []
    for seed in range(40):
        sources = np.random.default_rng(100 + seed).integers(0, 2, 150)
        probe = linear_probe(features_of(150, 6, seed), sources, seed=seed)
        held += probe.auc.low <= 0.5 <= probe.auc.high
        values.append(probe.auc.value)
    assert held >= 36
    assert np.mean(values) == pytest.approx(0.5, abs=0.03)  # fold by fold, no bias against the truth


def test_rows_of_a_group_share_a_fold():
    """Features know the patient, the patient decides the year, and no other patient can tell: 0.5, not 1."""
    rng = np.random.default_rng(5)
    groups = np.repeat(np.arange(60), 5)
    sources = rng.integers(0, 2, 60)[groups]
    features = 5 * rng.standard_normal((60, 64))[groups] + 0.1 * rng.standard_normal((300, 64))
    grouped, blind = linear_probe(features, sources, groups), linear_probe(features, sources)
    assert all(len(set(grouped.fold[groups == group])) == 1 for group in range(60))
    assert blind.auc.value > 0.9
    assert grouped.auc.low < 0.5 < grouped.auc.high
    assert grouped.auc.value < 0.7


def test_a_difference_of_classes_alone_is_not_recognised_within_a_class():
    sources, labels = confounded()
    features = features_of(600, 12, 6, disease=3.0 * labels)
    pooled = linear_probe(features, sources)
    assert pooled.auc.low > 0.75  # reads the class
    probes = {label: linear_probe(features[labels == label], sources[labels == label]) for label in (0, 1)}
    for probe in probes.values():
        assert probe.auc.low < 0.5 < probe.auc.high
    both = within_classes(probes, sources, labels)
    assert both.low < 0.5 < both.high
    assert both.value == pytest.approx(0.5, abs=0.1)


def test_a_difference_of_sources_is_recognised_within_each_class():
    sources, labels = confounded()
    features = features_of(600, 12, 6, disease=3.0 * labels, year=3.0 * (sources == 2020))
    probes = {label: linear_probe(features[labels == label], sources[labels == label]) for label in (0, 1)}
    both = within_classes(probes, sources, labels)
    assert both.low > 0.9
    assert min(p.auc.value for p in probes.values()) <= both.value <= max(p.auc.value for p in probes.values())
    alone = within_classes({1: probes[1]}, sources, labels)
    assert alone.value == pytest.approx(probes[1].auc.value)
    assert np.isnan(within_classes({}, sources, labels).value)


def test_many_sources_and_those_too_small():
    rng = np.random.default_rng(8)
    sources = rng.choice([2016, 2017, 2018, 2019], 400, p=[0.01, 0.33, 0.33, 0.33])
    assert 0 < (sources == 2016).sum() < 5
    shift = {"a": 3.0 * (sources == 2017), "b": 3.0 * (sources == 2018)}
    probe = linear_probe(features_of(400, 8, 9, **shift), sources)
    assert probe.sources.tolist() == [2017, 2018, 2019]
    assert probe.guessing == pytest.approx(1 / 3)
    small = sources == 2016
    assert (probe.fold[small] == -1).all()
    assert np.isnan(probe.scores[small]).all()
    np.testing.assert_allclose(probe.scores[~small].sum(axis=1), 1, atol=1e-6)
    predicted = probe.sources[probe.scores[~small].argmax(axis=1)]
    assert probe.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(sources[~small], predicted))
    areas = []
    for index, code in enumerate(probe.sources):
        of_fold = [(sources[rows] == code, probe.scores[rows, index]) for rows in (probe.fold == f for f in range(5))]
        pairs_of = [own.sum() * (~own).sum() for own, _ in of_fold]
        areas.append(np.average([roc_auc_score(own, scores) for own, scores in of_fold], weights=pairs_of))
    assert probe.auc.value == pytest.approx(np.mean(areas), abs=1e-9)
    assert probe.auc.value > 0.9


def test_scores_are_those_of_a_fit_on_other_folds(monkeypatch):
    """Against scikit-learn by hand, with one penalty."""
    monkeypatch.setattr(module, "PENALTIES", (0.01,))
    sources = np.random.default_rng(0).integers(0, 2, 200)
    features = features_of(200, 10, 1, year=1.0 * sources) * 50 + 7
    probe = linear_probe(features, sources)
    for fold in range(5):
        test = probe.fold == fold
        scaler = StandardScaler().fit(features[~test])
        model = LogisticRegression(C=0.01, class_weight="balanced", tol=1e-8, max_iter=1000)
        model.fit(scaler.transform(features[~test]), sources[~test])
        expected = model.predict_proba(scaler.transform(features[test]))
        np.testing.assert_allclose(probe.scores[test], expected, atol=2e-3)


def test_the_penalty_is_chosen_without_the_fold_that_is_tested():
    """Many noisy columns: a weak penalty alone would do worse."""
    sources = np.random.default_rng(0).integers(0, 2, 240)
    features = features_of(240, 200, 1, a=1.0 * sources, b=1.0 * sources)
    chosen = linear_probe(features, sources).auc.value
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PENALTIES", (1.0,))
        weak = linear_probe(features, sources).auc.value
    assert chosen > weak


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sources": np.zeros(40, dtype=int)}, "two sources or more with 5 groups each, .*; there is one source"),
        ({"sources": np.arange(40) // 37}, "two sources or more with 5 groups each, one for each fold; 1 of 2 have"),
        ({"groups": None, "sources": np.arange(40) // 37}, "two sources or more with 5 rows each"),
        ({"groups": np.arange(40) % 20 // 5}, "; 0 of 2 have"),
        ({"features": np.full((40, 3), np.nan)}, "the features are not finite"),
        ({"features": np.zeros((39, 3))}, r"expected features \[n, F\], .*got \[39, 3\], \[40\] and \[40\]"),
        ({"folds": 2}, "expected 3 folds or more"),
    ],
)
def test_what_cannot_be_probed_is_refused(change, message):
    given = {"features": np.zeros((40, 3)), "sources": np.arange(40) % 2, "groups": np.arange(40), "folds": 5} | change
    with pytest.raises(DataError, match=message):
        linear_probe(**given)


def test_features_that_are_all_alike_tell_nothing():
    probe = linear_probe(np.ones((60, 4)), np.arange(60) % 2)
    assert probe.auc.value == 0.5


# --- areas by source ---------------------------------------------------------------------------------------------------


def test_the_area_of_all_rows_is_a_mean_over_pairs():
    rng = np.random.default_rng(0)
    labels, sources = (rng.random(300) < 0.4).astype(int), rng.integers(0, 3, 300)
    positive = np.round(rng.normal(labels + 0.5 * sources, 1.0), 1)
    probabilities = np.stack([-positive, positive], axis=1)
    found = auc_by_source(labels, probabilities, sources, positive=1)
    assert found["all"].value == pytest.approx(roc_auc_score(labels, positive))
    for code in range(3):
        rows = sources == code
        assert found[code].value == pytest.approx(roc_auc_score(labels[rows], positive[rows]))
    above = (positive[labels == 1][:, None] > positive[labels == 0]) + 0.5 * (
        positive[labels == 1][:, None] == positive[labels == 0]
    )
    together = sources[labels == 1][:, None] == sources[labels == 0]
    assert found["one source"].value == pytest.approx(above[together].mean())
    assert found["two sources"].value == pytest.approx(above[~together].mean())
    assert all(e.low < e.value < e.high for e in found.values())


def test_a_model_that_knows_the_year_alone():
    """The answer is the year: 0.5 within a year, far more across, as in a merge of one benign and one malignant archive."""
    sources, labels = confounded()
    answer = (sources == 2019).astype(float)
    found = auc_by_source(labels, np.stack([1 - answer, answer], axis=1), sources, positive=1)
    assert found["one source"].value == 0.5
    assert found[2019].value == found[2020].value == 0.5
    assert found["all"].low > 0.8
    assert found["two sources"].value > found["all"].value
    merge = np.where(labels == 0, 2020, sources)  # no benign row of 2019
    found = auc_by_source(labels, np.stack([1 - answer, answer], axis=1), merge, positive=1)
    assert np.isnan(found[2019].value)
    assert not np.isnan(found[2020].value)


def test_without_a_positive_class_the_classes_are_averaged():
    rng = np.random.default_rng(1)
    labels, sources = rng.integers(0, 3, 300), np.repeat([0, 1], 150)
    labels[:150] = labels[:150] % 2  # the third class is absent from a source
    probabilities = rng.dirichlet(np.ones(3), 300) + 0.4 * np.eye(3)[labels]
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    found = auc_by_source(labels, probabilities, sources)
    assert found["all"].value == pytest.approx(roc_auc_score(labels, probabilities, multi_class="ovr"))
    expected = [roc_auc_score(labels[:150] == code, probabilities[:150, code]) for code in (0, 1)]
    assert found[0].value == pytest.approx(np.mean(expected))


def test_the_answer_by_source():
    rng = np.random.default_rng(2)
    sources = rng.integers(2018, 2021, 300)
    scores = rng.normal(0.8 * (sources == 2020), 1.0)
    found = score_by_source(scores, sources)
    assert list(found) == [2018, 2019, 2020]
    for code, estimate in found.items():
        assert estimate.value == pytest.approx(roc_auc_score(sources == code, scores))
    assert found[2020].low > 0.5
    assert found[2018].high < 0.5
