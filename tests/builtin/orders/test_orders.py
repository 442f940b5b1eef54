"""Orders: shares against the papers' formulas, rows in turn from epoch to epoch, and plans at the edge."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from pydantic import ValidationError

from imbalkit.base.randomness import generator
from imbalkit.builtin.orders import ORDERS, Balanced, Effective, Natural, Power, Progressive, RepeatFactor, Stratified
from imbalkit.plan import Plan

DRAWS = partial(generator, 5, "order")
COUNTS = (400, 80, 20)


def plan_of(counts=COUNTS):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    return Plan.from_labels(labels, tuple(f"c{label}" for label in range(len(counts))), seed=1)


def visits(order, plan, epoch=0, epochs=10):
    return np.bincount(plan.label[order.rows(plan, epoch, epochs, DRAWS)], minlength=len(plan.classes))


def normed(weights):
    return np.array(weights) / np.sum(weights)


@pytest.mark.parametrize(
    "order, expected",
    [
        (Balanced(), [1, 1, 1]),
        (Power(q=0.5), [20, 80**0.5, 20**0.5]),
        (Power(q=1.0), COUNTS),
        (Power(q=0.0), [1, 1, 1]),
        (Power(q=-1.0), [1 / 400, 1 / 80, 1 / 20]),
        (Power(q=-0.5), [400**-0.5, 80**-0.5, 20**-0.5]),
        (Power(q=-500.0), [0, 0, 1]),
        (Effective(beta=0.0), COUNTS),
        (Effective(beta=0.99), [count * (1 - 0.99) / (1 - 0.99**count) for count in COUNTS]),
    ],
    ids=str,
)
def test_shares_are_those_of_the_formula(order, expected):
    plan, expected = plan_of(), normed(expected)
    assert (np.abs(visits(order, plan) - 500 * expected) < 1.001).all()
    shift = order.prior_shift(COUNTS)
    assert shift.exact
    np.testing.assert_allclose(normed(np.array(COUNTS) * shift.factors), expected, rtol=1e-9, atol=1e-12)
    mean = np.mean([visits(order, plan, epoch, 300) for epoch in range(300)], axis=0)
    np.testing.assert_allclose(mean, 500 * expected, atol=0.15)


def test_progressive_goes_from_natural_to_balanced():
    plan, order = plan_of(), Progressive()
    assert visits(order, plan, 0).tolist() == list(COUNTS)
    assert (np.abs(visits(order, plan, 9) - 500 / 3) < 1.001).all()
    halfway = 0.5 * normed(COUNTS) + 0.5 / 3
    assert (np.abs(visits(order, plan, 5, 11) - 500 * halfway) < 1.001).all()
    assert not order.prior_shift(COUNTS).exact
    assert order.prior_shift((7, 7, 7)).exact
    assert visits(order, plan, 0, 1).tolist() == list(COUNTS)  # of a single epoch, the first


def test_below_0_power_leaves_out_classes_without_rows_and_has_no_length_all():
    assert visits(Power(q=-1.0), plan_of((30, 0, 6))).tolist() == [6, 0, 30]
    with pytest.raises(ValidationError, match="expected length: plan with q below 0"):
        Power(q=-1.0, length="all")


class TestRepeatFactor:
    order = RepeatFactor(threshold=0.25)

    def test_visits_are_the_factors_of_lvis(self):
        plan = plan_of()
        factors = np.maximum(1, np.sqrt(0.25 / normed(COUNTS)))
        total = int(np.ceil(np.dot(COUNTS, factors)))
        assert self.order.epoch_rows(COUNTS) == total
        found = np.array([visits(self.order, plan, epoch) for epoch in range(200)])
        assert (found.sum(axis=1) == total).all()
        np.testing.assert_allclose(found.mean(axis=0), np.array(COUNTS) * factors, rtol=0.005)

    @pytest.mark.parametrize("counts", [[300, 11], [1000, 21], [500, 23, 7], [50, 50]])
    def test_no_row_is_left_out_of_an_epoch(self, counts):
        plan = Plan.from_labels(np.repeat(np.arange(len(counts)), counts), list("abc")[: len(counts)])
        order = RepeatFactor(threshold=0.1)
        for epoch in range(50):
            rows = order.rows(plan, epoch, 50, DRAWS)
            assert len(rows) == order.epoch_rows(tuple(counts))
            assert len(np.unique(rows)) == len(plan)

    def test_the_fraction_is_rounded_by_row_without_bias(self):
        plan = plan_of()
        rows = [self.order.rows(plan, epoch, 400, DRAWS) for epoch in range(400)]
        times = np.array([np.bincount(row, minlength=500) for row in rows])
        factor = np.sqrt(0.25 / (80 / 500))
        of_class = times[:, plan.label == 1]
        assert set(np.unique(of_class)) == {1, 2}
        np.testing.assert_allclose(of_class.mean(axis=0), factor, atol=0.11)  # each row: 4.5 standard errors
        assert (times[:, plan.label == 0] >= 1).mean() > 0.995  # a total rounded down leaves out less than one row


@pytest.mark.parametrize("order", [Balanced(), Power(), Effective(), Progressive()], ids=str)
def test_no_row_again_before_all_of_its_class_were_seen_also_across_epochs(order):
    plan = plan_of((53, 11, 4))
    seen = np.concatenate([order.rows(plan, epoch, 12, DRAWS) for epoch in range(12)])
    times = np.bincount(seen, minlength=len(plan))
    for label in range(3):
        of_class = times[plan.label == label]
        assert of_class.max() - of_class.min() <= 1
        assert of_class.min() >= 1
    for epoch in (1, 5):  # within the class: whole passes, one after the other
        before = np.bincount(
            np.concatenate([order.rows(plan, e, 12, DRAWS) for e in range(epoch)]), minlength=len(plan)
        )
        of_class = before[plan.label == 0]
        assert of_class.max() - of_class.min() <= 1


@pytest.mark.parametrize("order", [Balanced(), Power(), Stratified()], ids=str)
def test_each_batch_is_close_to_its_class_share(order):
    plan = plan_of()
    for epoch in range(5):
        labels = plan.label[order.rows(plan, epoch, 5, DRAWS)]
        share = np.bincount(labels, minlength=3) / len(labels)
        for batch in labels.reshape(-1, 50):
            assert (np.abs(np.bincount(batch, minlength=3) - 50 * share) < 3).all()


def test_stratified_and_natural_visit_each_row_once():
    plan = plan_of()
    for order in (Stratified(), Natural()):
        assert np.array_equal(np.sort(order.rows(plan, 3, 5, DRAWS)), np.arange(500))
        assert order.prior_shift(COUNTS).factors == (1, 1, 1)
    natural = [
        np.bincount(batch, minlength=3)[2] for batch in plan.label[Natural().rows(plan, 0, 5, DRAWS)].reshape(-1, 25)
    ]
    spread = [
        np.bincount(batch, minlength=3)[2] for batch in plan.label[Stratified().rows(plan, 0, 5, DRAWS)].reshape(-1, 25)
    ]
    assert 0 in natural  # what stratified is for
    assert min(spread) >= 0
    assert np.std(spread) < np.std(natural)


class TestLengthAll:
    @pytest.mark.parametrize(
        "order, expected",
        [(Balanced(length="all"), 1200), (Power(q=1.0, length="all"), 500), (Progressive(length="all"), 500)],
        ids=str,
    )
    def test_as_many_rows_as_it_takes(self, order, expected):
        assert order.epoch_rows(COUNTS) == expected
        assert len(order.rows(plan_of(), 0, 10, DRAWS)) == expected

    def test_balanced_visits_every_row_in_every_epoch(self):
        for epoch in range(5):
            assert len(np.unique(Balanced(length="all").rows(plan_of(), epoch, 5, DRAWS))) == 500

    @pytest.mark.parametrize("order", [Power(length="all"), Effective(beta=0.99, length="all")], ids=str)
    def test_others_visit_each_row_once_an_epoch_on_average(self, order):
        plan, epochs = plan_of(), 40
        seen = np.concatenate([order.rows(plan, epoch, epochs, DRAWS) for epoch in range(epochs)])
        assert np.bincount(seen, minlength=500).min() >= epochs - 1  # a pass may end within an epoch


@pytest.mark.parametrize("order", [kind() for kind in ORDERS], ids=str)
class TestEdges:
    def test_a_class_without_rows_is_left_out(self, order):
        plan = plan_of((30, 0, 6))
        for epoch in (0, 9):
            assert visits(order, plan, epoch)[1] == 0
        assert order.prior_shift((30, 0, 6)).factors[1] == 1

    def test_equal_counts_stay(self, order):
        plan = plan_of((12, 12, 12))
        assert (np.abs(visits(order, plan) - 12) <= 1).all()
        np.testing.assert_allclose(order.prior_shift((12, 12, 12)).factors, 1)

    def test_one_row(self, order):
        plan = plan_of((1, 0))
        assert order.rows(plan, 4, 10, DRAWS).tolist() == [0]
        assert order.epoch_rows((1, 0)) == 1

    def test_two_calls_give_the_same_and_two_epochs_do_not(self, order):
        plan = plan_of()
        first, again, later = (order.rows(plan, epoch, 10, DRAWS) for epoch in (0, 0, 1))
        assert np.array_equal(first, again)
        assert not np.array_equal(first, later)
