"""The sampler `imblearn` against imbalanced-learn called directly on the same features; what it foresees, and what it refuses."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imblearn import over_sampling, under_sampling

from imbalkit.base.randomness import generator
from imbalkit.builtin.imbalanced_learn import known_samplers, makes_rows
from imbalkit.builtin.samplers import Imblearn, NearMiss, TomekLinks
from imbalkit.errors import MissingExtraError, PlanError, RecipeError
from imbalkit.plan import Counts, Plan
from imbalkit.recipe.prepare import prepare
from imbalkit.testing.samplers import features_of, plan_of
from tests.properties import examples
from tests.tables import RECIPE, write_patients

CLASSES = ("a", "b", "c")
PICKERS = sorted(name for name, kind in known_samplers().items() if not makes_rows(kind))


def rng(seed=0):
    return generator(seed, "sampler", "imblearn", 0, 0)


def by_hand(kind, plan: Plan, **options) -> list[int]:
    """Sources of the rows that imbalanced-learn itself picks, in order of value."""
    if "random_state" in kind().get_params():
        options["random_state"] = int(rng().integers(2**31))
    picker = kind(**options)
    picker.fit_resample(features_of(plan), plan.label.astype(int))
    return sorted(plan.source[picker.sample_indices_].tolist())


def picked(sampler: Imblearn, plan: Plan) -> Plan:
    return sampler.resample(plan, features_of(plan), rng())


# --- the rows that imbalanced-learn picks --------------------------------------------------------------------------------


def test_every_picker_of_imbalanced_learn_is_known():
    assert len(PICKERS) >= 11
    assert {"RandomOverSampler", "OneSidedSelection", "NeighbourhoodCleaningRule", "AllKNN"} <= set(PICKERS)
    assert not {"SMOTE", "SMOTETomek", "ClusterCentroids", "ADASYN"} & set(PICKERS)


@pytest.mark.parametrize("counts", [(60, 12), (60, 30, 20)])
@pytest.mark.parametrize("name", PICKERS)
def test_it_picks_the_rows_of_imbalanced_learn(name, counts):
    source = plan_of(counts, CLASSES[: len(counts)])
    plan = Plan.from_labels(source.label, source.classes)  # keys in the order of the rows
    after = picked(Imblearn(sampler=name), plan)
    assert sorted(after.source.tolist()) == by_hand(known_samplers()[name], plan)
    assert len(after) != len(plan)


def test_classes_are_named_in_sampling_strategy():
    plan = Plan.from_labels(np.repeat([0, 1, 2], (60, 30, 12)), CLASSES)
    options = {"sampling_strategy": {"a": 25, "b": 20}}
    after = picked(Imblearn(sampler="RandomUnderSampler", options=options), plan)
    assert after.counts() == (25, 20, 12)
    assert sorted(after.source.tolist()) == by_hand(
        under_sampling.RandomUnderSampler, plan, sampling_strategy={0: 25, 1: 20}
    )
    after = picked(Imblearn(sampler="TomekLinks", options={"sampling_strategy": ["c", "a"]}), plan)
    assert sorted(after.source.tolist()) == by_hand(under_sampling.TomekLinks, plan, sampling_strategy=[0, 2])


def test_copies_are_rows_of_their_own():
    plan = Plan.from_labels(np.repeat([0, 1], (9, 3)), CLASSES[:2])
    after = picked(Imblearn(sampler="RandomOverSampler"), plan)
    assert after.counts() == (9, 9)
    assert after.source[:12].tolist() == list(range(12))
    assert sorted(after.source.tolist()) == by_hand(over_sampling.RandomOverSampler, plan)
    assert len(set(after.key.tolist())) == 18


@pytest.mark.parametrize("own, name", [(TomekLinks(), "TomekLinks"), (NearMiss(version=2), "NearMiss")])
def test_the_samplers_with_names_of_their_own_are_the_same(own, name):
    plan = plan_of((60, 30, 12), CLASSES)
    options = {"version": 2} if name == "NearMiss" else {}
    assert own.resample(plan, features_of(plan), rng()) == picked(Imblearn(sampler=name, options=options), plan)


def test_the_seed_decides():
    plan, sampler = plan_of((60, 12), CLASSES[:2]), Imblearn(sampler="RandomUnderSampler")
    features = features_of(plan)
    assert sampler.resample(plan, features, rng(1)) == sampler.resample(plan, features, rng(1))
    assert sampler.resample(plan, features, rng(1)) != sampler.resample(plan, features, rng(2))


# --- what is foreseen ----------------------------------------------------------------------------------------------------


@examples(120)
@given(
    st.lists(st.integers(0, 25), min_size=2, max_size=3),
    st.sampled_from([name for name in PICKERS if name != "InstanceHardnessThreshold"]),  # trains a forest each time
    st.sampled_from([None, "auto", "all", "majority", "not minority", "not majority", {"a": 7}, ["b"], 0.5]),
)
def test_the_counts_lie_within_what_is_foreseen(counts, name, strategy):
    plan = plan_of(tuple(counts), CLASSES[: len(counts)])
    sampler = Imblearn(sampler=name, options={} if strategy is None else {"sampling_strategy": strategy})
    try:
        foreseen = sampler.preview(Counts.of(plan))
    except PlanError:
        with pytest.raises(PlanError):
            picked(sampler, plan)
        return
    try:
        after = picked(sampler, plan)
    except PlanError:
        assert not foreseen.is_exact or foreseen.low == plan.counts()
        return
    for low, rows, high in zip(foreseen.low, after.counts(), foreseen.high, strict=True):
        assert low <= rows <= high
    unsure = sampler.preview(Counts(plan.classes, (0,) * len(counts), plan.counts(), plan.majority))
    for low, rows, high in zip(unsure.low, after.counts(), unsure.high, strict=True):
        assert low <= rows <= high


def test_the_prior_is_not_restored_by_counts():
    before = Counts.exact(CLASSES[:2], (60, 12))
    for name in PICKERS:
        sampler = Imblearn(sampler=name)
        shift = sampler.prior_shift(before, sampler.preview(before))
        assert not shift.exact
        assert shift.why.startswith(name)
    assert Imblearn(sampler="RandomUnderSampler").prior_shift(before, Counts.exact(CLASSES[:2], (12, 12))).factors == (
        0.2,
        1,
    )


# --- what is refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sampler, counts, message",
    [
        ({"sampler": "TomekLink"}, (9, 3), "has no sampler 'TomekLink'.*TomekLinks.*known: .*OneSidedSelection"),
        ({"sampler": "SMOTE"}, (9, 3), "needs more rows of a class than its 5 neighbours, and 'b' has 3: set k_neighbors to 2"),
        ({"sampler": "SMOTENC", "options": {"categorical_features": [0]}}, (9, 3), "follows from the data: leave out"),
        ({"sampler": "TomekLinks", "options": {"njobs": 2}}, (9, 3), "TomekLinks has no option 'njobs'.*'n_jobs'.*options: "),
        ({"sampler": "RandomUnderSampler", "options": {"random_state": 2}}, (9, 3), "follows from the recipe's `seed`: leave it"),
        ({"sampler": "NearMiss", "options": {"version": 4}}, (9, 3), "'version' parameter of NearMiss must be"),
        ({"sampler": "RandomUnderSampler", "options": {"sampling_strategy": {"a": 90}}}, (9, 3), "refuses these class counts"),
        ({"sampler": "RandomUnderSampler", "options": {"sampling_strategy": 0.5}}, (9, 3, 4), "refuses these class counts"),
        ({"sampler": "RandomUnderSampler"}, (9, 0), "expected rows of two classes or more"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_and_after(sampler, counts, message):
    part = Imblearn(**sampler)
    with pytest.raises(PlanError, match=message):
        part.preview(Counts.exact(CLASSES[: len(counts)], counts))
    with pytest.raises(PlanError, match=message):
        picked(part, plan_of(counts, CLASSES[: len(counts)]))


@pytest.mark.parametrize(
    "part", [{"sampler": "SMOTETomek"}, {"sampler": "RandomOverSampler", "options": {"shrinkage": 1.0}}]
)
def test_rows_that_are_made_are_no_rows_of_a_plan_without_columns(part):
    with pytest.raises(PlanError, match=r"makes new rows, .* `stages: \[\{name: imblearn, sampler: "):
        picked(Imblearn(**part), plan_of((60, 12), CLASSES[:2]))


def test_too_few_rows_for_the_method_are_its_own_words():
    with pytest.raises(
        PlanError, match="imblearn: NearMiss refuses these 11 rows: ValueError: Expected n_neighbors <="
    ):
        picked(Imblearn(sampler="NearMiss"), plan_of((9, 2), CLASSES[:2]))


def test_a_recipe_is_refused_with_the_place(tmp_path):
    data = write_patients(tmp_path)
    with pytest.raises(RecipeError, match=r"samplers\[0\].*\n?.*has no sampler 'Tomek'"):
        prepare(RECIPE | {"data": data, "samplers": [{"name": "imblearn", "sampler": "Tomek"}]})
    options = {"sampling_strategy": {"il": 5}}
    with pytest.raises(RecipeError, match="the data have no class 'il'.*ill"):
        prepare(
            RECIPE
            | {"data": data, "samplers": [{"name": "imblearn", "sampler": "RandomUnderSampler", "options": options}]}
        )
    with pytest.raises(
        RecipeError, match="imblearn compares rows by the features of 'small_cnn', whose weights would be"
    ):
        prepare("digits", ["samplers=[{name: imblearn, sampler: AllKNN}]"])


def test_without_imbalanced_learn_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "imblearn", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    sampler = Imblearn(sampler="AllKNN")
    assert not sampler.preview(Counts.exact(CLASSES[:2], (9, 3))).is_exact
    with pytest.raises(MissingExtraError, match=r"'imblearn' needs the module 'imblearn'.* 'imbalkit\[imblearn\]'"):
        sampler.check_requirements()
