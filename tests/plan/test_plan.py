"""The plan: keys, views, selection, bounds, bare labels."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imbalkit.base.randomness import generator
from imbalkit.builtin.ops import HorizontalFlip, RadialBlur, Rotate90
from imbalkit.builtin.samplers import LossRank, Oversample, RandomDrop, RandomOver, RandomUnder
from imbalkit.errors import PlanError
from imbalkit.kinds import Op, Sampler, param
from imbalkit.plan import Counts, Plan, balance_ratio
from tests.properties import examples

FLIP, BLUR, TURN = HorizontalFlip(), RadialBlur(), Rotate90(degrees=90)


class Listed(Op):
    """A third party's operation whose parameter is a list, which has no hash."""

    name = "listed"
    weights: list[float] = param(help="anything")


def test_source_rows_keep_their_source_as_key():
    plan = Plan.from_labels([0, 1, 0, 0], ["a", "b"], sources=[9, 4, 7, 2], seed=5)
    assert plan.key.tolist() == [9, 4, 7, 2] == plan.source.tolist()
    assert [getattr(plan, name).dtype.name for name in ("key", "source", "label", "view")] == [
        "uint64",
        "uint32",
        "uint16",
        "uint16",
    ]
    assert plan.views == ((),)
    assert (plan.counts(), plan.majority, plan.seed, len(plan)) == ((3, 1), 0, 5, 4)
    assert plan.rows_of(0).tolist() == [0, 2, 3]
    assert Plan.from_labels([2, 2, 0]).classes == ("0", "1", "2")
    assert Plan.from_labels([2, 2, 0]).majority == 2
    with pytest.raises(FrozenInstanceError):
        plan.seed = 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([-1, 0],), r"labels in 0\.\.65535, got -1\.\.0"),
        (([0, 65536],), r"labels in 0\.\.65535"),
        (([0.0, 1.0],), r"labels as whole numbers \[n\], got float64"),
        (([[0, 1]],), r"labels as whole numbers \[n\], got int64 \[1, 2\]"),
        (([0, 2], ["a", "b"]), r"label 2 has no name: there are 2 classes"),
        (([0, 1], None, [3]), "a source for each of 2 labels, got 1"),
        (([0, 1], None, [3, 3]), "every source once"),
        (([0, 1], None, [0, 2**32]), r"sources in 0\.\.4294967295"),
    ],
)
def test_what_is_no_plan_is_refused(arguments, message):
    with pytest.raises(PlanError, match=message):
        Plan.from_labels(*arguments)


def test_append_puts_views_on_top_and_makes_new_keys():
    plan = Plan.from_labels([0, 1, 1], ["a", "b"], sources=[5, 6, 7])
    once = plan.append(np.array([1, 2, 1]), [(FLIP,), (TURN, BLUR)], np.array([0, 1, 1]))
    assert once.source.tolist() == [5, 6, 7, 6, 7, 6]
    assert once.label.tolist() == [0, 1, 1, 1, 1, 1]
    assert [once.views[view] for view in once.view] == [(), (), (), (FLIP,), (TURN, BLUR), (TURN, BLUR)]
    assert once.generations().tolist() == [0, 0, 0, 1, 1, 1]
    twice = once.append(np.array([3, 0]), [(BLUR,)])
    assert [twice.views[view] for view in twice.view[-2:]] == [(FLIP, BLUR), (BLUR,)]
    assert twice.generations().tolist()[-2:] == [2, 2]
    assert len(np.unique(twice.key)) == len(twice) == 8
    assert len(plan) == 3
    assert len(once) == 6  # as they were


def test_equal_views_are_kept_once_and_unused_ones_not_at_all():
    plan = Plan.from_labels([0, 1]).append(np.array([0, 1]), [(FLIP,), (HorizontalFlip(),), (BLUR,)], np.array([0, 1]))
    assert plan.views == ((), (FLIP,))
    again = plan.append(np.array([0]), [(FLIP,)])
    assert again.views == plan.views
    blurs = plan.append(np.array([0, 0]), [(BLUR,), (RadialBlur(rho=(0.01, 0.01)),)], np.array([0, 1]))
    assert len(blurs.views) == 4


def test_operations_need_no_hash():
    views = [(Listed(weights=[1.0]),), (Listed(weights=[1.0]),), (Listed(weights=[2.0]),)]
    plan = Plan.from_labels([0, 1]).append(np.array([0, 0, 1]), views, np.array([0, 1, 2]))
    assert len(plan.views) == 3


def test_appending_nothing_changes_nothing():
    plan = Plan.from_labels([0, 1])
    assert plan.append([]) == plan
    assert plan.append(np.zeros(0, dtype=np.int64), [(FLIP,)]).generation == 0


def test_append_works_in_blocks(monkeypatch):
    plan = Plan.from_labels(np.arange(50) % 3)
    rows, which = generator(0, "rows").integers(50, size=37), np.arange(37) % 2
    whole = plan.append(rows, [(FLIP,), (BLUR,)], which)
    monkeypatch.setattr("imbalkit.plan.plan._BLOCK", 8)
    assert plan.append(rows, [(FLIP,), (BLUR,)], which) == whole
    assert whole.source[50:].tolist() == plan.source[rows].tolist()
    assert [whole.views[view] for view in whole.view[50:]] == [[(FLIP,), (BLUR,)][index] for index in which]


def test_select_and_counts_in_blocks_are_those_of_whole_columns(monkeypatch):
    labels = generator(0, "labels").integers(3, size=50)
    plan = Plan.from_labels(labels, sources=2 * np.arange(50)).append(np.arange(20), [(FLIP,)])
    mask = generator(0, "mask").random(70) < 0.4
    mask[8:16] = False  # nothing of a block
    monkeypatch.setattr("imbalkit.plan.plan._BLOCK", 8)
    chosen = plan.select(mask)
    for name in ("key", "source", "label", "view"):
        assert np.array_equal(getattr(chosen, name), getattr(plan, name)[mask])
        assert getattr(chosen, name).dtype == getattr(plan, name).dtype
    assert plan.counts() == tuple(np.bincount(plan.label, minlength=3))
    assert Plan.from_labels(labels).majority == np.bincount(labels).argmax()


def test_too_many_views_are_refused(monkeypatch):
    monkeypatch.setattr("imbalkit.plan.plan._MOST_VIEWS", 2)
    with pytest.raises(PlanError, match="3 different views; at most 2"):
        Plan.from_labels([0, 1]).append(np.array([0, 0]), [(FLIP,), (BLUR,)], np.array([0, 1]))


def test_select_and_drop_keep_the_order():
    plan = Plan.from_labels([0, 1, 0, 1], sources=[8, 3, 5, 1])
    assert plan.select(np.array([3, 0])).source.tolist() == [8, 1]
    assert plan.select(np.array([True, False, True, False])).source.tolist() == [8, 5]
    assert plan.drop(np.array([1, 2])).source.tolist() == [8, 1]
    assert plan.drop(np.zeros(0, dtype=np.int64)) == plan
    with pytest.raises(PlanError, match="selected twice"):
        plan.select(np.array([1, 1]))


def test_equality_is_that_of_rows_and_views():
    plan = Plan.from_labels([0, 1, 1])
    assert plan == Plan.from_labels([0, 1, 1])
    for other in (
        Plan.from_labels([0, 1, 0]),
        Plan.from_labels([0, 1, 1], sources=[1, 2, 3]),
        replace(plan, seed=1),
        replace(plan, majority=0),
        replace(plan, views=((), (FLIP,))),
        "plan",
    ):
        assert plan != other


@given(st.lists(st.tuples(st.sampled_from(["copy", "drop"]), st.integers(0, 2**31)), max_size=6), st.integers(1, 20))
@examples(60)
def test_whatever_is_copied_and_dropped_keys_stay_unique(steps, rows):
    plan = Plan.from_labels(np.arange(rows) % 2)
    for what, seed in steps:
        rng = np.random.default_rng(seed)
        if not len(plan):
            break
        if what == "copy":
            plan = plan.append(rng.integers(len(plan), size=9), [(FLIP,), ()], rng.integers(2, size=9))
        else:
            plan = plan.drop(rng.choice(len(plan), len(plan) // 2, replace=False))
    assert len(np.unique(plan.key)) == len(plan)
    assert (plan.label == plan.source % 2).all()


def test_a_row_alone_decides_its_parameters():
    plan = Plan.from_labels(np.zeros(6, dtype=int), seed=3).append(np.arange(6), [(FLIP, BLUR)])
    rows = np.arange(6, 12)
    drawn = plan.parameters(rows, 1, BLUR)
    assert drawn.shape == (6, 1)
    assert ((drawn >= 0.005) & (drawn < 0.02)).all()
    assert len(np.unique(drawn)) == 6
    fewer = plan.drop(np.array([0, 3, 7, 8]))
    left = np.flatnonzero(fewer.view)
    assert (fewer.parameters(left, 1, BLUR) == drawn[[0, 3, 4, 5]]).all()
    assert (plan.parameters(rows[::-1], 1, BLUR) == drawn[::-1]).all()
    assert (plan.parameters(rows, 0, BLUR) != drawn).all()  # another place in the view
    assert (replace(plan, seed=4).parameters(rows, 1, BLUR) != drawn).all()


def test_counts_are_exact_or_ranges():
    counts = Counts.of(Plan.from_labels([0, 1, 1], ["a", "b"]))
    assert counts == Counts(("a", "b"), (1, 2), (1, 2), majority=1, total=3)
    assert counts.is_exact
    ranges = counts.with_rows({0: (0, 1)})
    assert (ranges.is_exact, ranges.total, ranges.low, ranges.high) == (False, None, (0, 2), (1, 2))
    assert counts.with_rows({0: (5, 5)}).total == 7


def test_balance_ratio():
    assert balance_ratio((26_033, 4_085), positive=1) == pytest.approx(0.157, abs=5e-4)
    assert balance_ratio((2, 4), positive=1) == 2.0
    assert balance_ratio((2, 4)) == 0.5
    assert balance_ratio((6, 2, 3)) == pytest.approx(1 / 3)
    assert np.isnan(balance_ratio((0, 4), positive=1))
    assert np.isnan(balance_ratio((0, 0)))


SAMPLERS = [
    RandomOver(),
    RandomUnder(),
    RandomDrop(drop=3),
    Oversample(views={"no": [[FLIP]], "yes": [[BLUR], [TURN]]}),
]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: sampler.name)
def test_bare_labels_in_a_plain_loop(sampler):
    y = np.array(["no"] * 9 + ["yes"] * 4)
    indices = np.arange(100, 113)
    new, labels = sampler.fit_resample(indices, y, seed=4)
    expected = sampler.preview(Counts.exact(("no", "yes"), (9, 4)))
    assert tuple(int((labels == name).sum()) for name in ("no", "yes")) == expected.low
    assert (y[new - 100] == labels).all()
    again, _ = sampler.fit_resample(indices.tolist(), y.tolist(), seed=4)
    assert (again == new).all()


def test_bare_labels_of_any_type():
    _, y = RandomUnder(to={"7": 1}).fit_resample([1, 2, 3, 4], [7, 7, 7, 5])
    assert sorted(y.tolist()) == [5, 7]
    _, y = RandomUnder(to={"True": 1}).fit_resample([1, 2, 3], [True, True, False])
    assert sorted(y.tolist()) == [False, True]


@pytest.mark.parametrize(
    ("sampler", "indices", "y", "message"),
    [
        (RandomOver(), [1, 2], [0], r"one shape \[n\], got \(2,\) and \(1,\)"),
        (RandomOver(), [[1]], [[0]], r"one shape \[n\]"),
        (RandomOver(), [], [], "at least one label, got none"),
        (
            LossRank(drop=1, which="highest", warm_start=True),
            [1, 2],
            [0, 1],
            r"call resample\(plan, scores, rng\)",
        ),
    ],
)
def test_bare_labels_that_cannot_be_resampled(sampler, indices, y, message):
    with pytest.raises(PlanError, match=message):
        sampler.fit_resample(indices, y)


def test_a_sampler_of_one_method_is_enough():
    class EveryOther(Sampler):
        """Keeps every other row."""

        name = "every_other"

        def resample(self, plan, rng):
            return plan.select(np.arange(0, len(plan), 2))

    indices, _ = EveryOther().fit_resample(np.arange(7), [0] * 4 + [1] * 3)
    assert indices.tolist() == [0, 2, 4, 6]
