"""The ledger of a recipe: the split, each sampler and the loss."""

from __future__ import annotations

import numpy as np
import pytest

from imbalkit.errors import RecipeError
from imbalkit.recipe.class_prior import prior_ledger
from imbalkit.recipe.prepare import prepare

TWO = ["data.minority=8"]
RANK = "{name: loss_rank, drop: 20, which: lowest, warm_start: true, scores_from: last_epoch, order: %s}"


def test_each_sampler_and_the_loss_are_an_entry():
    methods = [
        "samplers=[{name: loss_rank, drop: [100, 50], which: highest, warm_start: true}, random_over]",
        "loss=ce",
    ]
    prepared = prepare("digits", [*TWO, *methods])
    found = prior_ledger(prepared)
    stages = [entry.stage for entry in found.entries]
    assert stages == ["split", "samplers[0] loss_rank", "samplers[1] random_over", "loss ce"]
    rest, eights = prepared.class_counts[0].counts.low
    assert found.entries[1].shift.factors == pytest.approx(((rest - 150) / rest, 1))
    assert found.entries[2].shift.factors == pytest.approx((1, (rest - 150) / eights))
    assert found.effective == pytest.approx([0.5, 0.5])
    assert [entry.shift.exact for entry in found.entries] == [False, False, True, True]


def test_a_given_split_with_other_shares_is_an_entry_and_its_held_out_rows_are_the_data():
    prepared = prepare("digits", [*TWO, "samplers=[]", "loss=ce"])
    found = prior_ledger(prepared)
    assert found.held_out == prepared.table.counts(prepared.split.validation) == (180, 20)
    assert found.data == pytest.approx([0.9, 0.1])
    assert (found.entries[0].stage, found.entries[0].shift.exact) == ("split", False)
    train = np.array(prepared.class_counts[0].counts.low)
    assert found.effective == pytest.approx(train / train.sum())
    ours = prior_ledger(prepare("digits", [*TWO, "samplers=[]", "loss=ce", "split={column: null}"]))
    assert (ours.held_out, [entry.stage for entry in ours.entries], ours.is_shifted) == (None, ["loss ce"], False)


def test_a_loss_that_depends_on_counts_which_are_known_after_training_only():
    rank = "samplers=[{name: loss_rank, classes: all, drop: 100, which: highest, warm_start: true}]"
    prepared = prepare("digits", [*TWO, rank, "loss=inverse_ce"])
    found = prior_ledger(prepared)
    assert found.entries[-1].shift.factors is None
    assert "known after training only" in found.entries[-1].shift.why
    counts = [prepared.class_counts[0].counts.low, (900, 13)]
    known = prior_ledger(prepared, counts)
    assert known.entries[-1].shift.factors == pytest.approx((913 / 1800, 913 / 26))
    assert known.effective == pytest.approx([0.5, 0.5])
    assert not known.exact


OURS = ["data={name: digits, imbalance: 20}", "split={column: null, validation: 0.2, test: 0.2}", "samplers=[]"]


def ledger(*overrides):
    return prior_ledger(prepare("digits", [*OURS, "loss=ce", *overrides]))


class TestOrderMixerAndDeferral:
    @pytest.mark.parametrize("order", ["balanced", "{name: power, q: 0.5}", "{name: repeat_factor, threshold: 0.1}"])
    def test_an_order_is_an_entry(self, order):
        found = ledger(f"order={order}")
        name = order.split("name: ")[-1].split(",")[0]
        assert [entry.stage for entry in found.entries] == [f"order {name}", "loss ce"]
        assert found.exact
        rows = np.array(found.rows, dtype=float)
        expected = {
            "balanced": np.ones_like(rows),
            "power": rows**0.5,
            "repeat_factor": rows * np.maximum(1, np.sqrt(0.1 / (rows / rows.sum()))),
        }[name]
        np.testing.assert_allclose(found.effective, expected / expected.sum(), rtol=1e-9)

    @pytest.mark.parametrize("order", ["natural", "stratified"])
    def test_an_order_that_visits_each_row_once_is_none(self, order):
        found = ledger(f"order={order}")
        assert [entry.stage for entry in found.entries] == ["loss ce"]
        assert not found.is_shifted

    def test_progressive_heads_for_balance(self):
        found = ledger("order=progressive")
        np.testing.assert_allclose(found.effective, 0.1)
        assert not found.exact

    def test_a_mixer_is_an_entry_between_order_and_loss(self):
        found = ledger("order=balanced", "mixer=mixup")
        assert [entry.stage for entry in found.entries] == ["order balanced", "mixer mixup", "loss ce"]

    @pytest.mark.parametrize("mixer, taken", [("balanced_mixup", 1 / 6), ("cmo", 0.16)])
    def test_partners_of_another_order_bring_their_labels(self, mixer, taken):
        found = ledger(f"mixer={mixer}")
        rows = np.array(found.rows, dtype=float)
        np.testing.assert_allclose(found.effective, (1 - taken) * rows / rows.sum() + taken / 10, atol=1e-3)
        assert not found.exact
        both = ledger("order=balanced", f"mixer={mixer}").entries[1].shift  # not the product of what each does
        assert both.factors is None
        assert "beside those of balanced is not known" in both.why

    def test_a_deferral_stands_for_what_was_before(self):
        found = ledger("order=balanced", "training.epochs=10", "deferred={loss: inverse_ce, order: natural}")
        assert [entry.stage for entry in found.entries] == ["deferred loss inverse_ce"]
        np.testing.assert_allclose(found.effective, 0.1)
        assert not found.exact
        assert "for the last 2 of 10 epochs" in found.entries[-1].shift.why

    def test_a_deferred_order_keeps_the_loss(self):
        found = ledger("training.epochs=10", "deferred={start: 0.5, order: balanced}")
        assert [entry.stage for entry in found.entries] == ["deferred order balanced", "deferred loss ce"]
        np.testing.assert_allclose(found.effective, 0.1)
        assert not found.exact
        assert found.warnings == ()

    @pytest.mark.parametrize(
        "loss", ["{name: vs, gamma: 0, warm_up: 0.25}", "{name: distill, teacher: ., loss: {name: vs, warm_up: 0.25}}"]
    )
    def test_a_loss_with_a_warm_up_is_not_exact(self, loss):
        found = ledger(f"loss={loss}", "training.epochs=8")
        assert not found.exact
        assert "for the last 6 of 8 epochs" in found.entries[-1].shift.why

    def test_a_deferred_loss_with_a_longer_warm_up(self):
        more = ["training.epochs=10", "deferred={start: 0.5, loss: {name: vs, warm_up: 0.8}}"]
        assert "for the last 2 of 10 epochs" in ledger(*more).entries[-1].shift.why

    @pytest.mark.parametrize(
        "twice",
        [
            ["order=balanced", "loss=inverse_ce"],
            ["training.epochs=10", "deferred={loss: inverse_ce, order: balanced}"],
        ],
    )
    def test_two_corrections_of_one_imbalance_are_warned_of(self, twice):
        (text,) = {found.partition(": ")[2] for found in ledger(*twice).warnings}
        assert "correct the same imbalance twice, past balance" in text

    def test_an_order_balances_whatever_rows_samplers_left(self):
        found = ledger("order=balanced", "samplers=[random_over]")
        assert [entry.stage for entry in found.entries] == ["samplers[0] random_over", "order balanced", "loss ce"]
        np.testing.assert_allclose(found.effective, 0.1)
        assert found.warnings == ()


def test_scores_of_the_last_epoch_need_every_row_in_it():
    with pytest.raises(
        RecipeError, match="scores_from: last_epoch needs an order that visits every row once, got 'balanced'"
    ):
        prepare("digits", [*TWO, f"samplers=[{RANK % 'balanced'}]"])
    prepare("digits", [*TWO, f"samplers=[{RANK % 'stratified'}]"])
