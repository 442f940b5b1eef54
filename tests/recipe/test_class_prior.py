"""The ledger of a recipe: the split, each sampler and the loss."""

from __future__ import annotations

import numpy as np
import pytest

from imbalkit.recipe.class_prior import prior_ledger
from imbalkit.recipe.prepare import prepare

TWO = ["data.minority=8"]


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
