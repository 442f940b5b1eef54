"""`oversample`: the paper's scheme, even spreading, refusals."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from imbalkit.base.randomness import generator
from imbalkit.builtin.ops import HorizontalFlip, RadialBlur, Rotate90
from imbalkit.builtin.samplers import Oversample
from imbalkit.errors import PlanError
from imbalkit.kinds import spread
from imbalkit.plan import Counts, Plan, balance_ratio
from tests.properties import examples

CLASSES = ("benign", "malignant")
B2 = {
    "views": {
        "benign": [["horizontal_flip", "radial_blur"]],
        "malignant": [
            [{"name": "rotate90", "degrees": 90}, "radial_blur"],
            [{"name": "rotate90", "degrees": -90}, "radial_blur"],
            ["horizontal_flip", "radial_blur"],
        ],
    }
}


def plan_of(*counts):
    return Plan.from_labels(np.repeat(np.arange(len(counts)), counts), CLASSES)


def test_the_papers_scheme():
    sampler = Oversample.model_validate(B2)
    plan = plan_of(26_033, 4_085)
    foretold = sampler.preview(Counts.of(plan))
    assert foretold == Counts.exact(CLASSES, (52_066, 16_340))
    assert balance_ratio(foretold.low, positive=1) == pytest.approx(0.314, abs=5e-4)
    after = sampler.resample(plan, generator(0, "b2"))
    assert after.counts() == (52_066, 16_340)
    assert len(after) == 68_406
    flip, blur = HorizontalFlip(), RadialBlur()
    clockwise, anticlockwise = Rotate90(degrees=90), Rotate90(degrees=-90)
    assert set(after.views) == {(), (flip, blur), (clockwise, blur), (anticlockwise, blur)}
    by_class = {label: Counter(after.views[view] for view in after.view[after.label == label]) for label in (0, 1)}
    assert by_class[0] == {(): 26_033, (flip, blur): 26_033}
    assert by_class[1] == dict.fromkeys([(), (clockwise, blur), (anticlockwise, blur), (flip, blur)], 4_085)
    pairs = set(zip(after.source.tolist(), after.view.tolist(), strict=True))
    assert len(pairs) == len(after)  # each row has each view once


def test_views_come_on_top_of_those_a_row_has():
    flip, turn = HorizontalFlip(), Rotate90(degrees=180)
    plan = Oversample(views={"benign": [[flip]]}).resample(plan_of(3, 2), generator(0, "a"))
    plan = Oversample(views={"benign": [[turn]]}).resample(plan, generator(0, "b"))
    assert set(plan.views) == {(), (flip,), (turn,), (flip, turn)}
    assert plan.counts() == (12, 2)


def test_the_order_of_classes_in_the_recipe_decides_nothing():
    flip, turn = HorizontalFlip(), Rotate90(degrees=180)
    one = Oversample(views={"benign": [[flip]], "malignant": [[turn]]}, to={"benign": 9, "malignant": 9})
    other = Oversample(views={"malignant": [[turn]], "benign": [[flip]]}, to={"malignant": 9, "benign": 9})
    plan = plan_of(7, 3)
    assert one.resample(plan, generator(0, "x")) == other.resample(plan, generator(0, "x"))


@given(st.integers(1, 12), st.integers(1, 9), st.integers(0, 300), st.integers(0, 5))
@examples(300)
def test_copies_are_spread_evenly(rows, views, copies, seed):
    row, which = spread(np.arange(rows) * 2, views, copies, generator(seed, "spread"))
    assert len(row) == len(which) == copies
    pairs = Counter(zip(row.tolist(), which.tolist(), strict=True))
    table = np.zeros((rows, views), dtype=int)
    for (position, view), times in pairs.items():
        table[position // 2, view] = times
    assert table.sum() == copies
    for counts in (table, table.sum(axis=0), table.sum(axis=1)):
        assert counts.max() - counts.min() <= 1


def test_every_pair_is_equally_likely():
    table = np.zeros((5, 3))
    for seed in range(3000):
        row, which = spread(np.arange(5), 3, 4, generator(seed, "likely"))
        np.add.at(table, (row, which), 1)
    assert table.sum() == 12_000
    assert abs(table - 800).max() < 130  # 4.9 standard deviations of a binomial


def test_target_counts_and_bare_labels():
    sampler = Oversample(views={"1": [[HorizontalFlip()], [Rotate90(degrees=90)]]}, to={"1": 11})
    indices, y = sampler.fit_resample(np.arange(100, 112), [0] * 8 + [1] * 4)
    assert np.bincount(y).tolist() == [8, 11]
    assert set(indices[y == 1]) == {108, 109, 110, 111}


@pytest.mark.parametrize(
    ("counts", "to", "message"),
    [
        ((9, 4), {"malignant": 3}, r"'malignant' has 4 rows, asked for 3.*never drops.*at least 4"),
        ((9, 0), None, "'malignant' has no rows to copy; leave it out of `views`"),
    ],
)
def test_the_impossible_is_refused(counts, to, message):
    sampler = Oversample(views={"malignant": [[HorizontalFlip()]]}, to=to)
    with pytest.raises(PlanError, match=message):
        sampler.preview(Counts.exact(CLASSES, counts))
    with pytest.raises(PlanError, match=message):
        sampler.resample(plan_of(*counts), generator(0, "x"))


def test_preview_of_ranges():
    ranges = Counts(CLASSES, (20, 4), (30, 14), 0, 34)
    plain = Oversample(views={"malignant": [[HorizontalFlip()], []]}).preview(ranges)
    assert (plain.low, plain.high) == ((20, 12), (30, 42))
    aimed = Oversample(views={"malignant": [[]]}, to={"malignant": 14}).preview(ranges)
    assert (aimed.low, aimed.high) == ((20, 14), (30, 14))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, r"views\n +Field required"),
        ({"views": {}}, "at least 1 item"),
        ({"views": {"benign": []}}, "at least 1 item"),
        ({"views": {"benign": ["horizontal_flip"]}}, r"a view is a list of operations.*got 'horizontal_flip'"),
        ({"views": {"benign": [["horizontal_flop"]]}}, "no op 'horizontal_flop'; did you mean 'horizontal_flip'"),
        ({"views": {"benign": [[{"name": "rotate90", "degrees": 45}]]}}, r"views\.benign\.0\.0\.degrees"),
        (
            {"views": {"benign": [[]]}, "to": {"malignant": 9}},
            "'malignant' has a final count in `to` but no list in `views`",
        ),
    ],
)
def test_parameters_are_checked(parameters, message):
    with pytest.raises(ValidationError, match=message):
        Oversample.model_validate(parameters)
