"""The maths of closed-form and solved stages, against scikit-learn and formulas written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax

from imbalkit.functional.class_means import class_means, euclidean_head
from imbalkit.functional.softmax_regression import fit_softmax_regression
from imbalkit.functional.tau_normalisation import best_of, recall_of_classes, tau_normalised


def clouds(counts, width=6, seed=0, apart=1.5):
    """Features [n, width] around a random centre for each class, float32, and labels."""
    rng = np.random.default_rng(seed)
    centres = apart * rng.normal(size=(len(counts), width))
    labels = np.repeat(np.arange(len(counts)), counts)
    return (centres[labels] + rng.normal(size=(len(labels), width))).astype(np.float32), labels


class TestTau:
    weight = np.random.default_rng(0).normal(size=(4, 7))

    def test_the_formula_row_by_row(self):
        for tau in (0.0, 0.3, 1.0, 2.0):
            expected = [row / np.sqrt((row**2).sum()) ** tau for row in self.weight]
            np.testing.assert_allclose(tau_normalised(self.weight, tau), expected, rtol=1e-12)

    def test_its_ends(self):
        np.testing.assert_array_equal(tau_normalised(self.weight, 0.0), self.weight)
        np.testing.assert_allclose(np.linalg.norm(tau_normalised(self.weight, 1.0), axis=1), 1, rtol=1e-12)

    def test_weights_of_0_stay_0(self):
        weight = np.vstack([np.zeros(7), self.weight])
        for tau in (0.0, 0.5, 2.0):
            assert (tau_normalised(weight, tau)[0] == 0).all()
            assert np.isfinite(tau_normalised(weight, tau)).all()

    def test_half_precision_is_computed_in_double(self):
        half = self.weight.astype(np.float16)
        assert tau_normalised(half, 0.7).dtype == np.float64
        np.testing.assert_allclose(tau_normalised(half, 0.7), tau_normalised(half.astype(float), 0.7))

    def test_the_best_is_the_first_of_the_best(self):
        labels = np.array([0, 0, 0, 1])

        def logits(value):  # from 2 on class 1 is found, too
            return np.array([[1.0, 0.0]] * 3 + [[1.0, value]])

        value, found = best_of([0.0, 2.0, 3.0], logits, labels)
        assert (value, found) == (2.0, [0.5, 1.0, 1.0])

    def test_recall_is_that_of_scikit_learn_and_leaves_out_absent_classes(self):
        from sklearn.metrics import recall_score

        rng = np.random.default_rng(1)
        labels, predicted = rng.integers(0, 3, 50), rng.integers(0, 4, 50)
        ours = recall_of_classes(labels, predicted, 4)
        np.testing.assert_allclose(ours[:3], recall_score(labels, predicted, labels=[0, 1, 2], average=None))
        assert np.isnan(ours[3])


class TestMeans:
    def test_euclidean_is_scikit_learns_nearest_centroid(self):
        from sklearn.neighbors import NearestCentroid

        features, labels = clouds((60, 20, 5))
        fitted = NearestCentroid().fit(features, labels)
        means = class_means(features, labels, 3)
        np.testing.assert_allclose(means, fitted.centroids_, rtol=1e-5)
        weight, bias = euclidean_head(means)
        np.testing.assert_array_equal((features @ weight.T + bias).argmax(axis=1), fitted.predict(features))

    def test_logits_are_minus_half_the_squared_distance(self):
        features, labels = clouds((8, 8))
        means = class_means(features, labels, 2)
        weight, bias = euclidean_head(means)
        logits = features @ weight.T + bias - 0.5 * (features.astype(float) ** 2).sum(axis=1, keepdims=True)
        distances = ((features[:, None].astype(float) - means) ** 2).sum(axis=2)
        np.testing.assert_allclose(logits, -distances / 2, rtol=1e-5, atol=1e-5)

    def test_one_row_is_its_own_mean_and_none_has_no_mean(self):
        features, labels = clouds((3, 1))
        means = class_means(features, labels, 3)
        np.testing.assert_allclose(means[1], features[3])
        assert np.isnan(means[2]).all()


def regression(features, labels, classes, weights=None, offset=None, penalty=1.0):
    return fit_softmax_regression(features, labels, classes, [penalty], weights, offset)[0]


class TestSoftmaxRegression:
    @pytest.mark.parametrize("penalty", [0.1, 1.0, 30.0])
    @pytest.mark.parametrize("balanced", [False, True])
    def test_it_is_scikit_learns(self, penalty, balanced):
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        features, labels = clouds((80, 30, 6))
        model = LogisticRegression(
            C=1 / penalty, class_weight="balanced" if balanced else None, tol=1e-10, max_iter=10_000
        )
        theirs = make_pipeline(StandardScaler(), model).fit(features, labels).predict_proba(features)
        counts = np.bincount(labels)
        weights = len(labels) / (3 * counts[labels]) if balanced else None
        weight, bias = regression(features, labels, 3, weights, penalty=penalty)
        ours = np.exp(log_softmax(features @ weight.T + bias, axis=1))
        np.testing.assert_allclose(ours, theirs, atol=2e-4)

    def test_an_offset_is_held_while_it_is_fitted(self):
        """At the least value the slope of bias and weights is 0, by central differences of the objective written out."""
        features, labels = clouds((50, 12, 4), width=3)
        offset = np.log(np.bincount(labels) / len(labels))
        weight, bias = regression(features, labels, 3, offset=offset, penalty=2.0)
        mean, spread = features.astype(float).mean(axis=0), features.astype(float).std(axis=0)

        def objective(weight, bias):
            logits = features.astype(float) @ weight.T + bias + offset
            loss = -log_softmax(logits, axis=1)[np.arange(len(labels)), labels].sum()
            return loss + 2.0 / 2 * ((weight * spread) ** 2).sum()

        least = objective(weight, bias)
        for place in np.ndindex(3, 3):
            step = np.zeros((3, 3))
            step[place] = 1e-3
            assert objective(weight + step, bias - step @ mean) > least
            assert objective(weight - step, bias + step @ mean) > least
        for label in range(3):
            step = np.eye(3)[label] * 1e-3
            assert objective(weight, bias + step) > least
            assert objective(weight, bias - step) > least

    def test_features_that_do_not_vary_get_no_weight(self):
        features, labels = clouds((20, 20))
        features[:, 2], features[:, 3] = 0.0, 7.0
        weight, bias = regression(features, labels, 2)
        assert np.isfinite(weight).all()
        np.testing.assert_allclose(weight[:, 2:4], 0, atol=1e-9)

    def test_the_scale_of_features_does_not_matter(self):
        features, labels = clouds((40, 10))
        weight, bias = regression(features, labels, 2)
        larger, same = regression(1000 * features + 5, labels, 2)
        np.testing.assert_allclose((1000 * features + 5) @ larger.T + same, features @ weight.T + bias, atol=2e-3)

    def test_a_class_without_rows_and_one_row(self):
        features, labels = clouds((10, 1))
        weight, bias = regression(features, labels, 3)
        assert np.isfinite(weight).all()
        assert np.isfinite(bias).all()
        assert ((features @ weight.T + bias).argmax(axis=1) != 2).all()
        weight, bias = regression(features[:1], labels[:1], 2)
        assert np.isfinite([*weight.ravel(), *bias]).all()

    def test_penalties_one_after_the_other_are_those_alone(self):
        features, labels = clouds((50, 12, 4))
        penalties = [100.0, 3.0, 0.5]
        together = fit_softmax_regression(features, labels, 3, penalties)
        for penalty, (weight, bias) in zip(penalties, together, strict=True):
            alone = regression(features, labels, 3, penalty=penalty)
            np.testing.assert_allclose(features @ weight.T + bias, features @ alone[0].T + alone[1], atol=5e-3)
