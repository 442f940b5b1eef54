"""The stage `imblearn` against imbalanced-learn called directly on the same features, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from imblearn import combine, over_sampling

from imbalkit.builtin.stages import Imblearn, Smote
from imbalkit.errors import RecipeError, TrainingError
from imbalkit.functional.softmax_regression import fit_softmax_regression
from imbalkit.kinds import BuildContext, FeatureRows
from imbalkit.plan import Counts
from imbalkit.recipe.prepare import prepare
from imbalkit.testing.samplers import features_of, plan_of

CLASSES, COUNTS = ("a", "b"), (60, 12)
CONTEXT = BuildContext(CLASSES, COUNTS, seed=7)


@pytest.fixture
def rows():
    plan = plan_of(COUNTS, CLASSES)
    return FeatureRows(features_of(plan), plan.label.astype(np.int64))


def test_with_smote_it_is_the_stage_smote(rows):
    one = Smote(neighbours=3, penalty=10.0).solve(rows, rows, {}, CONTEXT)
    other = Imblearn(sampler="SMOTE", options={"k_neighbors": 3}, penalty=10.0).solve(rows, rows, {}, CONTEXT)
    for name, values in one.state.items():
        np.testing.assert_array_equal(values, other.state[name])
    assert one.facts == other.facts == {"rows": 120}


@pytest.mark.parametrize("kind", [over_sampling.ADASYN, combine.SMOTEENN])
def test_the_head_is_fitted_to_the_rows_of_imbalanced_learn(rows, kind):
    found = Imblearn(sampler=kind.__name__, penalty=10.0).solve(rows, rows, {}, CONTEXT)
    features, labels = kind(random_state=7).fit_resample(rows.features, rows.labels)
    [(weight, bias)] = fit_softmax_regression(features, labels, 2, [10.0])
    np.testing.assert_array_equal(found.state["weight"], weight)
    np.testing.assert_array_equal(found.state["bias"], bias)
    assert found.facts == {"rows": len(labels)}


def test_the_shares_that_it_makes_are_known_where_it_only_adds():
    counts = Counts.exact(CLASSES, COUNTS)
    smote = Imblearn(sampler="SMOTE", options={"sampling_strategy": {"b": 30}})
    assert smote.prior_shift(CONTEXT).factors == (1.0, 2.5)
    assert not smote.prior_shift(CONTEXT).exact
    assert Imblearn(sampler="SMOTEENN").prior_shift(CONTEXT).factors is None
    assert smote.check_counts(counts) == ""


@pytest.mark.parametrize(
    "part, message",
    [
        ({"sampler": "SMOT"}, "imbalanced-learn has no sampler 'SMOT'"),
        ({"sampler": "SMOTENC"}, "SMOTENC is for categories"),
        ({"sampler": "SMOTE", "options": {"k": 3}}, "SMOTE has no option 'k'.*options: sampling_strategy, k_neighbors"),
        ({"sampler": "SMOTE", "options": {"k_neighbors": 12}}, "12 neighbours, and 'b' has 12: set k_neighbors to 11"),
        ({"sampler": "SMOTE", "options": {"sampling_strategy": {"a": 5}}}, "refuses these class counts"),
    ],
)
def test_what_cannot_be_is_refused_before_a_run(part, message):
    import re

    assert re.search(message, Imblearn(**part).check_counts(Counts.exact(CLASSES, COUNTS)))


def test_a_recipe_is_refused_with_the_place():
    with pytest.raises(RecipeError, match=r"stages\[0\].*has no sampler 'SMOT'"):
        prepare("digits", ["stages=[{name: imblearn, sampler: SMOT}]"])
    with pytest.raises(RecipeError, match=r"stages\[0\].*the data have no class"):
        prepare("digits", ["stages=[{name: imblearn, sampler: SMOTE, options: {sampling_strategy: [x]}}]"])


def test_rows_that_it_refuses_are_said_in_its_own_words(rows):
    few = FeatureRows(rows.features[:8], np.repeat([0, 1], 4))
    with pytest.raises(TrainingError, match="SVMSMOTE refuses these 8 rows"):
        Imblearn(sampler="SVMSMOTE", options={"sampling_strategy": {"a": 6}}).solve(few, few, {}, CONTEXT)
