"""The loss parts that rank a batch: what recipes may say, what they learn, and the note on batches without positives."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sklearn.metrics import roc_auc_score

from imbalkit.base.randomness import generator
from imbalkit.builtin.losses import AUCMargin, PairwiseAUC, PartialAUC, TopK
from imbalkit.builtin.orders import Balanced, Natural, Stratified
from imbalkit.kinds import BuildContext
from imbalkit.plan import Plan
from imbalkit.recipe.prepare import prepare

CONTEXT = BuildContext(classes=("benign", "malignant"), counts=(90, 10), positive=1)
PARTS = [
    AUCMargin(),
    PairwiseAUC(),
    PairwiseAUC(surrogate="logistic"),
    PartialAUC(side="low_fpr"),
    PartialAUC(side="high_tpr"),
    TopK(),
    TopK(share=0.25),
]


@pytest.mark.parametrize("part", PARTS, ids=repr)
def test_a_plain_loop_learns_to_rank(part):
    torch.manual_seed(0)
    model, loss = torch.nn.Linear(3, 2), part.build(CONTEXT)
    generator = torch.Generator().manual_seed(0)
    features, targets = torch.randn(100, 3, generator=generator), (torch.arange(100) >= 90).long()
    features[:, 0] += 1.5 * targets
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    for _ in range(100):
        optimizer.zero_grad()
        value = loss(model(features), targets)
        assert value.shape == ()
        value.backward()
        optimizer.step()
    scores = model(features).detach()
    assert roc_auc_score(targets, scores[:, 1] - scores[:, 0]) > 0.7


def test_a_positive_class_of_many_stands_alone_against_the_rest():
    context = BuildContext(classes=("a", "b", "c"), counts=(50, 30, 20), positive=2)
    logits, targets = torch.randn(30, 3, generator=torch.Generator().manual_seed(0)), torch.arange(30) % 3
    for part in PARTS[:5]:
        two = BuildContext(classes=("rest", "c"), counts=(80, 20), positive=1)
        joined = torch.stack([logits[:, :2].logsumexp(1), logits[:, 2]], 1)
        expected = part.build(two)(joined, (targets == 2).long())
        torch.testing.assert_close(part.build(context)(logits, targets), expected)


def test_they_say_that_their_outputs_are_no_probabilities():
    for part in PARTS:
        shift = part.prior_shift(CONTEXT)
        assert (shift.factors, shift.exact) == (None, False)
    assert "calibrate" in AUCMargin().prior_shift(CONTEXT).why
    assert TopK(share=1.0).prior_shift(CONTEXT).exact


@pytest.mark.parametrize(
    "part, values, message",
    [
        (AUCMargin, {"margin": 0.0}, "greater than 0"),
        (PairwiseAUC, {"surrogate": "hinge"}, "'squared_hinge' or 'logistic'"),
        (PartialAUC, {}, "Field required"),
        (PartialAUC, {"side": "top"}, "'low_fpr' or 'high_tpr'"),
        (PartialAUC, {"side": "low_fpr", "share": 0.0}, "greater than 0"),
        (TopK, {"share": 1.1}, "less than or equal to 1"),
    ],
)
def test_parameters_are_checked(part, values, message):
    with pytest.raises(ValidationError, match=message):
        part.model_validate(values)


def test_batches_that_seldom_hold_a_class_are_noted():
    classes = ("benign", "malignant")
    (note,) = AUCMargin().notes(classes, (31.424, 0.576), 1)  # 1.8 % of 32 rows
    assert "batches of 32 rows, 56% hold no rows of malignant, and it learns nothing from them" in note
    assert "order balanced" in note
    assert AUCMargin().notes(classes, (31.0, 1.0), 1) == []
    (note,) = PairwiseAUC().notes(classes, (31.424, 0.576), 0)
    assert "no rows but benign" in note
    several = PairwiseAUC().notes(("a", "b", "c"), (20.0, 0.8, 0.7), None)
    assert len(several) == 2
    assert TopK().notes(classes, (31.9, 0.1), 1) == []


def test_the_note_is_shown_when_a_recipe_is_checked():
    recipe = {"data": {"name": "digits", "minority": 8}, "loss": "auc_margin", "training": {"batch_size": 4}}
    assert any(note.startswith("loss auc_margin: of batches of 4 rows") for note in prepare(recipe).notes)
    large = {**recipe, "training": {"batch_size": 64}}
    assert not any("auc_margin" in note for note in prepare(large).notes)


class TestNotesGoByTheOrder:
    RECIPE = {"data": {"name": "digits", "minority": 8}, "training": {"batch_size": 8, "epochs": 10}}

    def notes(self, **more):
        return [note for note in prepare(self.RECIPE | more).notes if note.startswith("loss auc_margin")]

    def test_balanced_draws_fill_every_batch(self):
        assert self.notes(loss="auc_margin")
        assert self.notes(loss="auc_margin", order="balanced") == []

    def test_an_order_that_spreads_classes_is_taken_at_its_word(self):
        """A bound for what its batches show."""
        classes, rows = ("benign", "malignant"), (31.424, 0.576)  # 1.8 % of 32 rows
        (note,) = AUCMargin().notes(classes, rows, 1, Stratified())
        assert "batches of 32 rows, at least 42% hold no rows of malignant" in note
        assert AUCMargin().notes(classes, rows, 1, Natural()) == AUCMargin().notes(classes, rows, 1)
        plan = Plan.from_labels((np.arange(6400) < 115).astype(np.int64), classes, seed=1)
        drawn = [plan.label[Stratified().rows(plan, epoch, 9, partial(generator, 5))] for epoch in range(9)]
        none = np.mean([epoch.reshape(-1, 32).sum(1) == 0 for epoch in drawn])
        assert 0.42 < none < 0.52  # at random: 0.56

    def test_balanced_draws_of_more_classes_than_rows_ask_for_larger_batches(self):
        (first, *_) = PairwiseAUC().notes(tuple("abcdefgh"), (0.5,) * 8, None, Balanced())
        assert "at least 50% hold no rows of a, and it learns nothing from them: take a larger" in first
        assert self.notes(loss="auc_margin", order="stratified")[0].count("at least") == 1

    def test_a_deferred_loss_is_looked_at_under_its_own_order(self):
        assert self.notes(deferred={"loss": "auc_margin"}) == self.notes(loss="auc_margin")
        assert self.notes(deferred={"loss": "auc_margin", "order": "balanced"}) == []
        assert len(self.notes(loss="auc_margin", deferred={"order": "balanced"})) == 1
