"""`random_over` and `random_under` against imbalanced-learn, and their refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imblearn.over_sampling import RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from pydantic import ValidationError

from imbalkit.base.randomness import generator
from imbalkit.builtin.samplers import RandomOver, RandomUnder
from imbalkit.errors import PlanError
from imbalkit.plan import Counts, Plan
from tests.properties import examples

CLASSES = ("benign", "malignant", "other")


def plan_of(*counts, majority=None):
    labels = np.repeat(np.arange(len(counts)), counts)
    generator(1, "mix").shuffle(labels)
    plan = Plan.from_labels(labels, CLASSES[: len(counts)], sources=2 * np.arange(len(labels)) + 5)
    return plan if majority is None else Plan(**{**vars(plan), "majority": majority})


def resample(sampler, plan, seed=0):
    return sampler.resample(plan, generator(seed, "test"))


@given(st.lists(st.integers(1, 60), min_size=2, max_size=5), st.integers(0, 9))
@examples(40)
def test_counts_are_those_of_imbalanced_learn(counts, seed):
    y = np.repeat(np.arange(len(counts)), counts)
    indices = np.arange(len(y)) * 10
    for ours, theirs in ((RandomOver(), RandomOverSampler), (RandomUnder(), RandomUnderSampler)):
        new_indices, new_y = ours.fit_resample(indices, y, seed)
        _, expected = theirs(random_state=seed).fit_resample(indices.reshape(-1, 1), y)
        assert np.bincount(new_y).tolist() == np.bincount(expected).tolist()
        assert (y[new_indices // 10] == new_y).all()


def test_every_row_is_copied_equally_often_or_once_more():
    plan = plan_of(100, 7)
    after = resample(RandomOver(), plan)
    assert after.counts() == (100, 100)
    _, times = np.unique(after.source[after.label == 1], return_counts=True)
    assert len(times) == 7
    assert times.max() - times.min() == 1
    assert (after.key[: len(plan)] == plan.key).all()
    assert after.views == ((),)


def test_who_is_copied_once_more_is_random_and_seeded():
    plan = plan_of(100, 60)
    one, same, other = (resample(RandomOver(), plan, seed) for seed in (0, 0, 1))
    assert one == same
    assert set(one.source[len(plan) :].tolist()) != set(other.source[len(plan) :].tolist())


def test_under_drops_without_replacement_and_at_random():
    plan = plan_of(100, 7)
    one, same, other = (resample(RandomUnder(), plan, seed) for seed in (0, 0, 1))
    assert one == same
    assert one != other
    assert one.counts() == (7, 7)
    assert np.isin(plan.source[plan.label == 1], one.source).all()
    kept = np.concatenate([resample(RandomUnder(), plan, seed).source for seed in range(400)])
    kept = kept[np.isin(kept, plan.source[plan.label == 0])]
    times = np.unique(kept, return_counts=True)[1]
    assert len(times) == 100  # 28 expected each; nobody is favoured by position
    assert 8 < times.min() <= times.max() < 55


@pytest.mark.parametrize(
    ("sampler", "before", "after"),
    [
        (RandomOver(to=50), (100, 20, 3), (100, 50, 50)),
        (RandomOver(to=100), (100, 20, 3), (100, 100, 100)),
        (RandomOver(to={"malignant": 21}), (100, 20, 3), (100, 21, 3)),
        (RandomOver(to={"benign": 200, "other": 3}), (100, 20, 3), (200, 20, 3)),
        (RandomUnder(to=50), (100, 20, 3), (50, 20, 3)),
        (RandomUnder(to={"benign": 21}), (100, 20, 3), (21, 20, 3)),
        (RandomUnder(), (100, 20, 3), (3, 3, 3)),
    ],
)
def test_final_counts(sampler, before, after):
    assert resample(sampler, plan_of(*before)).counts() == after
    assert sampler.preview(Counts.exact(CLASSES, before)) == Counts.exact(CLASSES, after, majority=0)


def test_majority_is_the_plans_own_and_not_recomputed():
    plan = plan_of(10, 30, 4, majority=0)
    assert resample(RandomOver(), plan).counts() == (10, 30, 10)


@pytest.mark.parametrize(
    ("sampler", "counts", "message"),
    [
        (RandomOver(to={"benign": 99}), (100, 5), r"'benign' has 100 rows, asked for 99.*never drops.*at least 100"),
        (RandomOver(to=4), (100, 5), r"'malignant' has 5 rows, asked for 4"),
        (RandomOver(), (100, 0), r"'malignant' has no rows to copy \(asked: 100\)"),
        (RandomOver(to={"malignant": 3}), (100, 0), r"'malignant' has no rows to copy"),
        (RandomUnder(to={"malignant": 6}), (100, 5), r"'malignant' has 5 rows, asked for 6; ask for at most 5, or use"),
        (RandomUnder(to=101), (100, 5), r"'benign' has 100 rows, asked for 101"),
        (RandomUnder(), (100, 0), r"'malignant' has no rows.*give `to` a number"),
        (RandomUnder(to={"malignent": 6}), (100, 5), r"no class 'malignent'; did you mean 'malignant'\?"),
    ],
)
def test_the_impossible_is_refused_in_preview_and_resample(sampler, counts, message):
    with pytest.raises(PlanError, match=message):
        sampler.preview(Counts.exact(CLASSES[:2], counts))
    with pytest.raises(PlanError, match=message):
        resample(sampler, plan_of(*counts, majority=0))


def test_preview_of_ranges():
    ranges = Counts(CLASSES, (80, 5, 3), (100, 25, 3), 0, 108)
    over = RandomOver().preview(ranges)
    assert (over.low, over.high, over.total) == ((80, 80, 80), (100, 100, 100), None)
    under = RandomUnder(to=20).preview(ranges)
    assert (under.low, under.high, under.total) == ((20, 5, 3), (20, 20, 3), None)
    assert RandomUnder(to={"malignant": 20}).preview(ranges).high == (100, 20, 3)
    assert RandomUnder().preview(ranges) == Counts.exact(CLASSES, (3, 3, 3), 0)
    with pytest.raises(PlanError, match="'malignant' has 5 to 25 rows, asked for 26"):
        RandomUnder(to={"malignant": 26}).preview(ranges)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("minority", r"expected 'majority', a number of rows, or a mapping from classes.*got 'minority'"),
        ("50", r"expected 'majority'.*got '50'"),
        (5.0, r"expected 'majority'.*got 5.0"),
        (True, r"expected 'majority'.*got True"),
        (0, "greater than or equal to 1"),
        ({}, "at least 1 item"),
        ({"benign": "5"}, r"to\.benign\n +Input should be a valid integer"),
    ],
)
def test_parameters_are_checked_with_one_error(value, message):
    with pytest.raises(ValidationError, match=message) as caught:
        RandomOver(to=value)
    assert caught.value.error_count() == 1


def test_class_names_are_checked_against_the_data():
    with pytest.raises(ValidationError, match="the data have no class 'malignent'; did you mean 'malignant'"):
        RandomUnder.model_validate({"to": {"malignent": 5}}, context={"classes": CLASSES})
    assert RandomUnder.model_validate({"to": {3: 5}}, context={"classes": ["3", "4"]}).to == {"3": 5}
