"""ImbalkitSampler: imbalanced-learn's own checks, the rows that a recipe has, pipelines, and what it refuses."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections import Counter
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imblearn import over_sampling, under_sampling
from imblearn.pipeline import Pipeline, make_pipeline
from imblearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict
from sklearn.preprocessing import StandardScaler

from imbalkit.base.randomness import generator
from imbalkit.builtin.samplers import LossRank, RandomOver, RandomUnder, TomekLinks
from imbalkit.catalogue import default_catalogue
from imbalkit.errors import MissingExtraError
from imbalkit.functional.features import standardised
from imbalkit.plan import Plan
from imbalkit.sklearn import ImbalkitSampler
from tests.properties import examples

X, Y = make_classification(400, 6, n_informative=4, weights=[0.8], flip_y=0.1, random_state=0)
MODEL = LogisticRegression(C=0.1)
KINDS = [
    ImbalkitSampler(random_state=0),
    ImbalkitSampler("random_under", random_state=0),
    ImbalkitSampler("random_drop", random_state=0),
    ImbalkitSampler("loss_rank", estimator=MODEL, random_state=0),
    ImbalkitSampler("near_miss"),
    ImbalkitSampler("tomek_links"),
    ImbalkitSampler("edited_nearest_neighbours"),
    ImbalkitSampler({"name": "imblearn", "sampler": "AllKNN"}),
    ImbalkitSampler({"name": "imblearn", "sampler": "RandomOverSampler"}, random_state=0),
]


@parametrize_with_checks(KINDS)
def test_imbalanced_learns_own_checks(estimator, check):
    """All of them: nothing is expected to fail."""
    check(estimator)


@pytest.mark.parametrize("estimator", KINDS, ids=str)
def test_its_parameters_are_checked(estimator):
    """imbalanced-learn's checks of parameters and column names, which its generator leaves out."""
    check_param_validation("ImbalkitSampler", estimator)
    check_dataframe_column_names_consistency("ImbalkitSampler", estimator)


def in_a_plan(part, scores=None, rows=X, labels=Y, seed=3):
    """Rows that a recipe has of training rows in this order."""
    names = [str(label) for label in np.unique(labels)]
    plan = Plan.from_labels(np.unique(labels, return_inverse=True)[1], names, seed=seed)
    rng = generator(seed, "sampler", part.name, 0, 0)
    return part.resample(plan, *([] if scores is None else [scores]), rng).source


# --- the rows are those of a recipe, and the counts those of imbalanced-learn --------------------------------------------


def test_the_rows_are_those_of_a_recipe():
    for part, features in (
        (RandomOver(), None),
        (RandomUnder(to={"0": 90}), None),
        (TomekLinks(), standardised(X.astype(np.float32))),
    ):
        sampler = ImbalkitSampler(part, random_state=3)
        rows, labels = sampler.fit_resample(X, Y)
        np.testing.assert_array_equal(sampler.sample_indices_, in_a_plan(part, features))
        np.testing.assert_array_equal(rows, X[sampler.sample_indices_])
        np.testing.assert_array_equal(labels, Y[sampler.sample_indices_])


def test_loss_rank_drops_the_rows_of_highest_loss_of_the_estimator():
    sampler = ImbalkitSampler({"name": "loss_rank", "classes": ["0"], "drop": 20}, estimator=MODEL, random_state=3)
    sampler.fit_resample(X, Y)
    probabilities = clone(MODEL).fit(X, Y).predict_proba(X)
    losses = -np.log(probabilities[np.arange(len(Y)), Y])
    highest = np.flatnonzero(Y == 0)[np.argsort(losses[Y == 0])[-20:]]
    assert set(range(len(Y))) - set(sampler.sample_indices_.tolist()) == set(highest.tolist())
    margin = ImbalkitSampler(
        {"name": "loss_rank", "classes": ["0"], "drop": 20, "score": "margin"}, estimator=MODEL, random_state=3
    )
    margin.fit_resample(X, Y)  # of two classes they rank alike
    assert set(margin.sample_indices_.tolist()) == set(sampler.sample_indices_.tolist())
    twice = LossRank(classes=["0"], drop=[10, 10], rounds=2, which="highest", warm_start=False)
    rows, _ = ImbalkitSampler(twice, estimator=MODEL).fit_resample(X, Y)
    assert len(rows) == len(X) - 20


STRATEGIES = [
    "auto",
    "all",
    "minority",
    "not majority",
    "not minority",
    "majority",
    {0: 400, 2: 200},
    0.8,
    lambda y: {2: 250},
]


@pytest.mark.parametrize(
    "strategy", STRATEGIES, ids=lambda strategy: "function" if callable(strategy) else str(strategy)
)
@pytest.mark.parametrize(
    "name, theirs",
    [
        ("random_over", over_sampling.RandomOverSampler),
        ("random_under", under_sampling.RandomUnderSampler),
        ("random_drop", under_sampling.RandomUnderSampler),
    ],
)
def test_the_counts_are_those_of_imbalanced_learn(name, theirs, strategy):
    rng = np.random.default_rng(0)
    labels = rng.permutation(
        np.repeat([0, 1] if strategy == 0.8 else [0, 1, 2], (300, 150) if strategy == 0.8 else (300, 150, 40))
    )
    rows = rng.normal(size=(len(labels), 2))
    try:
        expected = theirs(sampling_strategy=strategy, random_state=0).fit_resample(rows, labels)[1]
    except ValueError:
        with pytest.raises(ValueError, match="sampl"):
            ImbalkitSampler(name, sampling_strategy=strategy).fit_resample(rows, labels)
        return
    sampler = ImbalkitSampler(name, sampling_strategy=strategy, random_state=0)
    assert Counter(sampler.fit_resample(rows, labels)[1].tolist()) == Counter(expected.tolist())
    assert sampler.sampling_strategy_ == theirs(sampling_strategy=strategy).fit(rows, labels).sampling_strategy_


@pytest.mark.parametrize(
    "name, theirs",
    [
        ("tomek_links", under_sampling.TomekLinks(sampling_strategy=[0])),
        ("edited_nearest_neighbours", under_sampling.EditedNearestNeighbours(sampling_strategy=[0])),
        ("near_miss", under_sampling.NearMiss(sampling_strategy={0: 100})),
    ],
)
def test_pickers_pick_the_rows_of_imbalanced_learn_on_standardised_columns(name, theirs):
    theirs.fit_resample(standardised(X.astype(np.float32)), Y)
    ours = ImbalkitSampler(name, sampling_strategy=theirs.sampling_strategy)
    ours.fit_resample(X, Y)
    assert sorted(ours.sample_indices_) == sorted(theirs.sample_indices_)


@examples(60)
@given(st.lists(st.integers(0, 3), min_size=2, max_size=60), st.integers(0, 2**31 - 1), st.booleans())
def test_random_over_and_under_of_any_labels(labels, seed, words):
    labels = np.array(labels)
    labels = np.array(["w", "x", "y", "z"])[labels] if words else labels
    counts = Counter(labels.tolist())
    rows = np.arange(len(labels), dtype=float)[:, None]
    for name, goal in (("random_over", max(counts.values())), ("random_under", min(counts.values()))):
        sampler = ImbalkitSampler(name, random_state=seed)
        if len(counts) == 1:
            with pytest.raises(ValueError, match="class"):
                sampler.fit_resample(rows, labels)
            continue
        found, found_labels = sampler.fit_resample(rows, labels)
        assert set(Counter(found_labels.tolist()).values()) == {goal}
        np.testing.assert_array_equal(labels[found[:, 0].astype(int)], found_labels)
        times = np.bincount(found[:, 0].astype(int), minlength=len(labels))
        for label in counts:  # copies are spread evenly
            assert np.ptp(times[labels == label]) <= 1
        again = clone(sampler).fit_resample(rows, labels)[0]
        np.testing.assert_array_equal(found, again)


# --- where it is used ----------------------------------------------------------------------------------------------------


def test_frames_keep_their_columns_and_types_and_sparse_rows_stay_sparse():
    frame = pd.DataFrame(
        {"a": X[:, 0].astype(np.float32), "b": pd.Categorical(["u", "v"] * 200), "c": pd.array([1, None] * 200)}
    )
    target = pd.Series(np.where(Y == 1, "ill", "well"), name="outcome", dtype="category")
    found, labels = ImbalkitSampler(random_state=0).fit_resample(frame, target)
    assert found.dtypes.equals(frame.dtypes)
    assert labels.dtype == target.dtype
    assert labels.name == "outcome"
    assert labels.value_counts().nunique() == 1
    rows, _ = ImbalkitSampler("random_under").fit_resample(sparse.csr_matrix(X), Y)
    assert sparse.issparse(rows)


def test_in_a_pipeline_held_out_rows_are_not_resampled():
    rows, labels = load_breast_cancer(return_X_y=True, as_frame=True)
    pipeline = Pipeline(
        [("scale", StandardScaler()), ("sample", ImbalkitSampler(random_state=0)), ("model", LogisticRegression())]
    )
    grid = [
        {"sample__sampler": ["random_over", "random_under", "tomek_links"]},
        {"sample__sampling_strategy": ["minority", 0.9]},
    ]
    search = GridSearchCV(pipeline, grid, scoring="roc_auc", cv=3, error_score="raise").fit(rows, labels)
    assert search.best_score_ > 0.98
    folds = StratifiedKFold(4, shuffle=True, random_state=0)
    assert len(cross_val_predict(pipeline, rows, labels, cv=folds)) == len(labels)


def test_it_is_pickled_and_cloned():
    sampler = ImbalkitSampler(RandomUnder(to=30), random_state=1)
    again = pickle.loads(pickle.dumps(clone(sampler)))
    np.testing.assert_array_equal(again.fit_resample(X, Y)[0], sampler.fit_resample(X, Y)[0])
    make_pipeline(sampler, MODEL).fit(X, Y)


# --- what is refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sampler, more, message",
    [
        ("random_ower", {}, "there is no sampler 'random_ower'.*random_over"),
        ({"name": "random_over", "two": 3}, {}, "sampler 'random_over': two: unknown key"),
        ({"name": "random_over", "to": {"2": 500}}, {}, "the data have no class '2'"),
        ({"name": "random_over", "to": 10}, {}, "class '1' has .*asked for 10, and random_over never drops"),
        ({"name": "random_over", "to": 500}, {"sampling_strategy": 0.9}, "parameters of its own, to: say how many rows"),
        ("loss_rank", {}, "'loss_rank' ranks rows by the loss of a model: give a classifier with predict_proba"),
        ({"name": "loss_rank", "epochs": 3}, {"estimator": MODEL}, "`epochs` is of a network's training, and `estimator`"),
        ({"name": "loss_rank", "warm_start": True}, {"estimator": MODEL}, "warm_start is of a network"),
        ({"name": "tomek_links", "backbone": "small_cnn"}, {}, "`backbone` is of a network's training, and the numbers of X"),
        ("random_over", {"estimator": MODEL}, "`estimator` is for samplers that rank rows"),
        ({"name": "oversample", "views": {"1": [["horizontal_flip"]]}}, {}, "'oversample' changes pixels"),
        ({"name": "imblearn", "sampler": "SMOTE"}, {}, "SMOTE makes new rows"),
        ("near_miss", {"sampling_strategy": 7}, "sampling_strategy"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_a_value_error_that_says_why(sampler, more, message):
    with pytest.raises(ValueError, match=message):
        ImbalkitSampler(sampler, **more).fit_resample(X, Y)


def test_every_registered_sampler_resamples_rows_or_says_why_not():
    options = {
        "oversample": {"views": {"1": [[], []]}},
        "imblearn": {"sampler": "OneSidedSelection"},
    }
    for name in default_catalogue().names("sampler"):
        if default_catalogue().provider("sampler", name).distribution != "imbalkit":
            continue
        estimator = MODEL if name == "loss_rank" else None
        sampler = ImbalkitSampler({"name": name, **options.get(name, {})}, estimator=estimator, random_state=0)
        rows, labels = sampler.fit_resample(X, Y)
        assert len(rows) == len(labels) != len(X), name


def test_importing_the_sampler_imports_no_torch():
    code = """import sys; from imbalkit.sklearn import ImbalkitSampler
ImbalkitSampler().fit_resample([[0], [1], [2]], [0, 0, 1]); print('torch' in sys.modules)"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_without_imbalanced_learn_it_is_said_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "imblearn"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "imbalkit.sklearn.sampler")
    monkeypatch.setitem(sys.modules, "imblearn", None)
    with pytest.raises(
        MissingExtraError, match=r"ImbalkitSampler needs imbalanced-learn: pip install 'imbalkit\[imblearn\]'"
    ):
        getattr(import_module("imbalkit.sklearn"), "ImbalkitSampler")  # noqa: B009
