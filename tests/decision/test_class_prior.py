"""The ledger of the class prior: what each part declares, and what follows from all of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from imbalkit.builtin.losses import CE, RCE, Focal, GammaRCE, InverseCE, Poly1, WeightedCE
from imbalkit.builtin.samplers import LossRank, Oversample, RandomDrop, RandomOver, RandomUnder
from imbalkit.decision.class_prior import Entry, Ledger
from imbalkit.functional.prior import at_prior
from imbalkit.kinds import BuildContext, Loss, PriorShift, Sampler
from imbalkit.plan import Counts

CLASSES = ("benign", "mel")
CONTEXT = BuildContext(CLASSES, (900, 100), positive=1)
BEFORE = Counts.exact(CLASSES, (900, 100))
BLUR = {"mel": [["horizontal_flip", "radial_blur"]]}
EVERY = {name: [["horizontal_flip"]] for name in CLASSES}


# --- what the parts declare ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sampler", "factors", "exact"),
    [
        (RandomOver(), (1, 9), True),
        (RandomUnder(), (1 / 9, 1), True),
        (RandomDrop(drop=300), (2 / 3, 1), True),
        (LossRank(drop=300, which="highest", warm_start=True), (2 / 3, 1), False),
        (Oversample.model_validate({"views": BLUR}), (1, 2), False),
        (Oversample.model_validate({"views": {"mel": [[], []]}}), (1, 3), True),
        (Oversample.model_validate({"views": EVERY}), (2, 2), True),
        (Oversample.model_validate({"views": EVERY, "to": {"mel": 150}}), (2, 1.5), False),
        (Oversample.model_validate({"views": {**EVERY, "mel": [["vertical_flip"]]}}), (2, 2), False),
    ],
)
def test_samplers(sampler, factors, exact):
    shift = sampler.prior_shift(BEFORE, sampler.preview(BEFORE))
    assert shift.factors == pytest.approx(factors)
    assert (shift.exact, shift.adaptive, bool(shift.why)) == (exact, False, True)


def test_factors_of_ranges_are_not_known():
    together = LossRank(classes="all", drop=300, which="highest", warm_start=True)
    assert together.prior_shift(BEFORE, together.preview(BEFORE)).factors is None
    empty = Counts.exact(("a", "b"), (5, 0))
    assert PriorShift.of_counts(empty, empty, True, "").factors == (1, 1)


@pytest.mark.parametrize(
    ("loss", "factors", "exact", "adaptive"),
    [
        (CE(), (1, 1), True, False),
        (CE(label_smoothing=0.1), (1, 1), True, False),
        (CE(label_smoothing=1.0), (1, 1), False, False),
        (InverseCE(), (1000 / 1800, 5), True, False),
        (InverseCE(label_smoothing=0.1), (1000 / 1800, 5), True, False),
        (WeightedCE(weights={"mel": 4.0}), (1, 4), True, False),
        (Focal(alpha={"mel": 4.0}), (1, 4), True, False),
        (Focal(gamma=0.0, alpha={"mel": 4.0}), (1, 4), True, False),
        (RCE(), None, False, True),
        (GammaRCE(gamma=10.0), None, False, True),
    ],
)
def test_losses(loss, factors, exact, adaptive):
    shift = loss.prior_shift(CONTEXT)
    assert shift.factors == (None if factors is None else pytest.approx(factors))
    assert (shift.exact, shift.adaptive, bool(shift.why)) == (exact, adaptive, True)


def test_a_stranger_that_says_nothing_is_not_exact():
    class ThirdParty(Sampler):
        name = "third_party"

    class Other(Loss):
        name = "other"

    shift = ThirdParty().prior_shift(BEFORE, Counts.exact(CLASSES, (900, 300)))
    assert (shift.factors, shift.exact) == ((1, 3), False)
    assert (Other().prior_shift(CONTEXT).factors, Other().prior_shift(CONTEXT).exact) == (None, False)


@pytest.mark.parametrize(
    ("loss", "restores"),
    [
        (CE(), True),
        (InverseCE(), True),
        (WeightedCE(weights={"b": 6.0, "c": 0.5}), True),
        (Focal(gamma=0.0, alpha={"c": 5.0}), True),
        (CE(label_smoothing=0.1), True),
        (WeightedCE(weights={"b": 6.0}, label_smoothing=0.2), True),
        (InverseCE(label_smoothing=0.3), True),
        (Focal(gamma=2.0), True),
        (Focal(gamma=0.5, alpha={"b": 6.0, "c": 0.5}), True),
        (Poly1(epsilon=2.0), True),
        (Poly1(epsilon=-0.8), True),
        (RCE(estimator="ema", decay=0.5), False),
    ],
)
def test_exact_means_that_map_and_factors_undo_what_the_loss_wants(loss, restores):
    """The logits that minimise a loss over rows of one image with known class chances: exact ones give those chances back."""
    counts = np.array([600, 300, 100])
    context = BuildContext(("a", "b", "c"), tuple(counts), positive=None)
    module = loss.build(context).double().train()
    labels = torch.from_numpy(np.repeat(np.arange(3), counts))
    logits = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [logits], max_iter=60, tolerance_grad=1e-13, tolerance_change=1e-18, line_search_fn="strong_wolfe"
    )

    def step():
        optimiser.zero_grad()
        value = module(logits.expand(1000, 3), labels)
        value = value.mean() if value.ndim else value
        value.backward()
        return value

    for _ in range(5):
        optimiser.step(step)
    shift = loss.prior_shift(context)
    assert shift.exact == restores
    mapped = logits.detach() if shift.map is None else loss.build_map(shift.map)(logits.detach())
    factors = np.ones(3) if shift.factors is None else np.array(shift.factors)
    restored = at_prior(torch.softmax(mapped, 1).numpy(), factors, np.ones(3))[0]
    assert np.abs(restored - counts / 1000).max() < 1e-6 if restores else np.abs(restored - counts / 1000).max() > 1e-3
    known = ledger(("loss", shift, loss), rows=(600, 300, 100), classes=context.classes)
    assert known.is_shifted == (shift.map is not None or not restores or len(set(factors)) > 1)
    assert (known.map is None) == (shift.map is None)


# --- the ledger ----------------------------------------------------------------------------------------------------------


def ledger(*entries, rows=(900, 100), held_out=None, classes=CLASSES) -> Ledger:
    return Ledger(classes, rows, tuple(Entry(*entry) for entry in entries), held_out)


OVER = ("samplers[0] random_over", PriorShift((1.0, 9.0), True, "copies"))
WEIGHTS = ("loss weighted_ce", PriorShift((1.0, 4.0), True, "weights"))
ADAPTIVE = ("loss rce", PriorShift(None, False, "adapts", adaptive=True))


def test_factors_multiply():
    both = ledger(OVER, WEIGHTS)
    assert both.data == pytest.approx([0.9, 0.1])
    assert both.factors == pytest.approx([1, 36])
    assert both.effective == pytest.approx([0.9 / 4.5, 3.6 / 4.5])
    assert (both.exact, both.is_shifted) == (True, True)
    unknown = ledger(OVER, ADAPTIVE)
    assert (unknown.factors, unknown.effective, unknown.exact, unknown.is_shifted) == (None, None, False, True)
    alike = ledger(("loss ce", PriorShift((2.0, 2.0), True, "")))
    assert (alike.exact, alike.is_shifted) == (True, False)
    blurred = ledger(("x", PriorShift((1.0, 1.0), False, "")))
    assert blurred.is_shifted
    none_left = ledger(("x", PriorShift((1.0, 0.0), True, "")))
    assert not none_left.exact


def test_parts_that_correct_the_same_imbalance_twice():
    assert ledger(OVER).warnings == ledger(WEIGHTS).warnings == ledger(ADAPTIVE).warnings == ()
    (twice,) = ledger(OVER, WEIGHTS).warnings
    assert twice == (
        "mel: samplers[0] random_over and loss weighted_ce correct the same imbalance twice, past balance (0.111 rows for "
        "each of benign before, 4 after)"
    )
    (adapts,) = ledger(OVER, ADAPTIVE).warnings
    assert "samplers[0] random_over and loss rce correct the same imbalance (loss rce by what is missed" in adapts
    # Two that together stop short of balance, or of which one does the opposite, are no mistake.
    little = ("a", PriorShift((1.0, 2.0), True, ""))
    assert ledger(little, WEIGHTS).warnings == ()
    assert ledger(OVER, ("loss weighted_ce", PriorShift((4.0, 1.0), True, ""))).warnings == ()
    assert ledger(OVER, ("loss inverse_ce", PriorShift((1.0, 1.0), True, ""))).warnings == ()
    assert ledger(OVER, WEIGHTS, rows=(500, 500)).warnings == ()


def test_a_split_that_favours_a_class_is_no_correction():
    split = ("split", PriorShift((6 / 9, 4.0), False, ""))
    raising = ("loss weighted_ce", PriorShift((1.0, 1.7), True, ""))
    favoured = ledger(split, raising, rows=(600, 400), held_out=(900, 100))
    assert favoured.effective == pytest.approx([600 / 1280, 680 / 1280])
    assert favoured.warnings == ()


def test_dropping_of_the_largest_class_raises_the_others():
    under = ("samplers[0] random_under", PriorShift((1 / 9, 1.0), True, ""))
    assert "random_under and loss weighted_ce" in ledger(under, WEIGHTS).warnings[0]


def test_classes_of_one_warning_are_listed_together():
    shift = PriorShift((1.0, 9.0, 9.0), True, "")
    (warning,) = Ledger(("a", "b", "c"), (100, 20, 20), (Entry("x", shift), Entry("y", shift))).warnings
    assert warning == "b, c: x and y correct the same imbalance twice, past balance"


def test_json():
    facts = json.loads(json.dumps(ledger(OVER, ADAPTIVE).to_json(), allow_nan=False))
    assert facts["data"] == {"benign": 0.9, "mel": 0.1}
    assert (facts["effective"], facts["exact"], facts["shifted"]) == (None, False, True)
    assert facts["entries"][0] == {
        "stage": "samplers[0] random_over",
        "factors": [1, 9],
        "exact": True,
        "why": "copies",
    }
    assert facts["entries"][1]["factors"] is None
    assert len(facts["warnings"]) == 1
