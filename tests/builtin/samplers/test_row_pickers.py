"""Row pickers against imbalanced-learn called directly on the same features; what they foresee, and what they refuse."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from imblearn import under_sampling as reference

from imbalkit.base.randomness import generator
from imbalkit.builtin.samplers import EditedNearestNeighbours, NearMiss, TomekLinks
from imbalkit.errors import MissingExtraError, PlanError, RecipeError
from imbalkit.kinds import FeatureSampler
from imbalkit.plan import Counts, Plan
from imbalkit.recipe.prepare import prepare
from imbalkit.testing.samplers import features_of, plan_of
from tests.properties import examples

CLASSES = ("a", "b", "c")
RNG = generator(0, "unused")


def picked(sampler: FeatureSampler, plan: Plan, features=None) -> Plan:
    return sampler.resample(plan, features_of(plan) if features is None else features, RNG)


def by_hand(picker, plan: Plan) -> set[int]:
    """Keys of the rows that imbalanced-learn itself keeps."""
    picker.fit_resample(features_of(plan), plan.label.astype(int))
    return set(plan.key[picker.sample_indices_].tolist())


# --- the rows that imbalanced-learn keeps --------------------------------------------------------------------------------


@pytest.mark.parametrize("counts", [(60, 12), (60, 30, 12), (12, 40, 60)])
@pytest.mark.parametrize("strategy", ["auto", "all", "majority", "not majority", "not minority"])
@pytest.mark.parametrize(
    "ours, theirs, parameters",
    [
        (TomekLinks, reference.TomekLinks, {}),
        (EditedNearestNeighbours, reference.EditedNearestNeighbours, {"kind_sel": "mode"}),
        (EditedNearestNeighbours, reference.EditedNearestNeighbours, {"n_neighbors": 1}),
    ],
)
def test_cleaning_keeps_the_rows_of_imbalanced_learn(ours, theirs, parameters, strategy, counts):
    plan = plan_of(counts, CLASSES[: len(counts)])
    after = picked(ours(sampling_strategy=strategy, **parameters), plan)
    assert set(after.key.tolist()) == by_hand(theirs(sampling_strategy=strategy, **parameters), plan)
    assert 0 < len(after) < len(plan)


def test_a_list_of_classes_is_cleaned_alone():
    plan = plan_of((60, 30, 12), CLASSES)
    after = picked(TomekLinks(sampling_strategy=["c", "a"]), plan)
    assert set(after.key.tolist()) == by_hand(reference.TomekLinks(sampling_strategy=[0, 2]), plan)
    assert after.counts()[1] == 30


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("counts", [(60, 12), (60, 30, 12)])
def test_near_miss_keeps_the_rows_of_imbalanced_learn(version, counts):
    plan = plan_of(counts, CLASSES[: len(counts)])
    parameters = {"version": version, "n_neighbors": 2, "n_neighbors_ver3": 4}
    after = picked(NearMiss(**parameters), plan)
    assert set(after.key.tolist()) == by_hand(reference.NearMiss(**parameters), plan)
    named = NearMiss(sampling_strategy={"a": 25}, **parameters)
    expected = reference.NearMiss(sampling_strategy={0: 25}, **parameters)
    with pytest.warns(UserWarning, match="number of the samples") if version == 3 else _nothing():
        rows = by_hand(expected, plan)
    assert set(picked(named, plan).key.tolist()) == rows


class _nothing:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None


def test_a_number_is_for_every_class_with_more_rows():
    plan = plan_of((60, 30, 12), CLASSES)
    assert picked(NearMiss(sampling_strategy=20), plan).counts() == (20, 20, 12)
    assert picked(NearMiss(), plan_of((12, 12), CLASSES[:2])).counts() == (12, 12)  # nothing to cut


def test_a_tomek_link_by_hand():
    """Rows 1 and 2 are nearest to each other; row 3 is nearest to 2, and 2 is not to it."""
    plan = Plan.from_labels([0, 0, 1, 0, 1, 1], ["a", "b"])
    features = np.array([[0.0], [1.0], [1.4], [2.1], [8.0], [9.0]])
    assert picked(TomekLinks(sampling_strategy=["a"]), plan, features).source.tolist() == [0, 2, 3, 4, 5]
    assert picked(TomekLinks(sampling_strategy="all"), plan, features).source.tolist() == [0, 3, 4, 5]


# --- what is foreseen ----------------------------------------------------------------------------------------------------


@st.composite
def chains(draw):
    """Counts of classes and samplers one after the other."""
    counts = tuple(draw(st.lists(st.integers(0, 30), min_size=2, max_size=3)))
    cleaned = st.sampled_from(["auto", "all", "majority", "not majority", "not minority"])
    part = st.one_of(
        st.builds(TomekLinks, sampling_strategy=cleaned),
        st.builds(
            EditedNearestNeighbours,
            sampling_strategy=cleaned,
            kind_sel=st.sampled_from(["all", "mode"]),
            n_neighbors=st.integers(1, 4),
        ),
        st.builds(
            NearMiss,
            sampling_strategy=st.one_of(st.just("auto"), st.integers(1, 12)),
            version=st.sampled_from([1, 2, 3]),
            n_neighbors=st.integers(1, 3),
        ),
    )
    return counts, draw(st.lists(part, min_size=1, max_size=3))


@example(((2, 2), [TomekLinks(sampling_strategy="all"), NearMiss(version=3, n_neighbors=1)]))
@example(((2, 2), [TomekLinks(sampling_strategy="all"), NearMiss(n_neighbors=3)]))
@examples(300)
@given(chains())
def test_the_counts_lie_within_what_is_foreseen(chain):
    counts, samplers = chain
    plan = plan_of(counts, CLASSES[: len(counts)])
    foreseen = Counts.of(plan)
    for sampler in samplers:
        try:
            expected, certain = sampler.preview(foreseen), foreseen.is_exact
        except PlanError:
            with pytest.raises(PlanError):
                picked(sampler, plan)
            return
        try:
            plan = picked(sampler, plan)
        except PlanError:
            assert not (certain and expected.is_exact)
            return
        for low, rows, high in zip(expected.low, plan.counts(), expected.high, strict=True):
            assert low <= rows <= high
        foreseen = expected


def test_a_plan_shows_ranges_and_that_the_shift_is_not_exact():
    found = prepare("digits", ["samplers=[{name: tomek_links, epochs: 1}]"])
    counts = found.class_counts[-1].counts
    assert not counts.is_exact
    before = Counts.exact(CLASSES[:2], (60, 12))
    for sampler in (TomekLinks(), EditedNearestNeighbours(), NearMiss()):
        shift = sampler.prior_shift(before, sampler.preview(before))
        assert not shift.exact
        assert "by their image" in shift.why
    assert NearMiss().prior_shift(before, NearMiss().preview(before)).factors == pytest.approx((0.2, 1))


# --- hostile rows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sampler, counts, message",
    [
        (TomekLinks(), (9, 0), "expected rows of two classes or more to compare, got 1 with any"),
        (TomekLinks(sampling_strategy=["b"]), (9, 0, 3), "class 'b' has no rows to clean"),
        (EditedNearestNeighbours(n_neighbors=5), (4, 1), "asks 5 neighbours of each row .n_neighbors., and there are 5 rows"),
        (NearMiss(), (9, 2), "distances are to 3 rows of the smallest class .* and 'b' has 2 rows; use n_neighbors: 2"),
        (NearMiss(sampling_strategy=20), (9, 5), "class 'a' has 9 rows, asked for 20; ask for at most 9"),
        (NearMiss(sampling_strategy={"b": 6}), (9, 5), "class 'b' has 5 rows, asked for 6"),
        (NearMiss(version=3, n_neighbors_ver3=10), (9, 5), "proposes 10 rows .n_neighbors_ver3., and class 'a' has 9 rows"),
    ],
)  # fmt: skip
def test_what_cannot_be_picked_is_refused_before_and_after(sampler, counts, message):
    with pytest.raises(PlanError, match=message):
        sampler.preview(Counts.exact(CLASSES[: len(counts)], counts))
    with pytest.raises(PlanError, match=message):
        picked(sampler, plan_of(counts, CLASSES[: len(counts)]))


def test_a_class_that_would_lose_every_row_is_refused():
    plan = Plan.from_labels([0, 0, 0, 0, 1], ["a", "b"])
    features = np.array([[0.0], [1.0], [2.0], [3.0], [1.5]])
    with pytest.raises(PlanError, match="class 'b' would lose all of its 1 row: none lies among its own class"):
        picked(EditedNearestNeighbours(sampling_strategy=["b"]), plan, features)


def test_a_class_of_one_row_and_version_2():
    plan = plan_of((9, 1), CLASSES[:2])
    assert picked(NearMiss(version=2), plan).counts() == (1, 1)
    assert picked(TomekLinks(), plan).counts()[1] == 1


@pytest.mark.parametrize("sampler", [TomekLinks(), EditedNearestNeighbours(kind_sel="mode"), NearMiss()])
def test_copies_and_equal_features(sampler):
    plan = plan_of((30, 8), CLASSES[:2])
    copies = plan.append(plan.rows_of(1)).append(plan.rows_of(0)[:5])
    after = picked(sampler, copies)
    assert np.isin(after.key, copies.key).all()
    assert picked(sampler, plan, np.zeros((38, 4), dtype=np.float32)).counts()[1] == 8


def test_features_that_are_not_finite_name_a_row():
    plan = plan_of((9, 3), CLASSES[:2])
    features = features_of(plan)
    features[4, 1] = np.inf
    with pytest.raises(
        PlanError, match=r"tomek_links: the features of 1 of 12 rows are not finite .the first is row 4."
    ):
        picked(TomekLinks(), plan, features)


def test_random_weights_are_refused_with_the_way_out(tmp_path):
    with pytest.raises(
        RecipeError, match=r"tomek_links compares rows by the features of 'small_cnn', whose weights would be"
    ):
        prepare("digits", ["samplers=[tomek_links]"])
    prepare("digits", ["samplers=[{name: tomek_links, epochs: 1}]"])
    file = tmp_path / "some.safetensors"
    own = f"{{name: timm, model: efficientnet_lite0, weights: '{file}'}}"
    prepare("digits", [f"samplers=[{{name: tomek_links, backbone: {own}}}]"])


def test_without_imbalanced_learn_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "imblearn", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"'near_miss' needs the module 'imblearn'.* 'imbalkit\[imblearn\]'"):
        NearMiss().check_requirements()


def test_bare_labels_are_not_enough():
    with pytest.raises(PlanError, match="compares rows by features"):
        TomekLinks().fit_resample([0, 1], [0, 1])
