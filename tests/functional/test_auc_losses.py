"""Ranking losses against loops over all pairs in float64, the published min-max form, and scikit-learn's ROC AUC."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch._subclasses.fake_tensor import FakeTensorMode

from imbalkit.errors import ImbalkitError
from imbalkit.functional.auc_losses import (
    AUCMargin,
    PairwiseAUC,
    auc_margin_loss,
    log_odds,
    pairwise_auc_loss,
    partial_auc_loss,
)

LOSSES = {
    "auc_margin": lambda classes, positive: AUCMargin(classes, positive),
    "squared_hinge": lambda classes, positive: PairwiseAUC(classes, positive),
    "logistic": lambda classes, positive: PairwiseAUC(classes, positive, "logistic"),
    "low_fpr": lambda classes, positive: PairwiseAUC(classes, positive, side="low_fpr", share=0.3),
    "high_tpr": lambda classes, positive: PairwiseAUC(classes, positive, "logistic", side="high_tpr", share=0.3),
}
every_loss = pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)
PAIRS = {
    "squared_hinge": lambda positive, other, margin: max(0.0, margin - (positive - other)) ** 2,
    "logistic": lambda positive, other, margin: math.log1p(math.exp(other - positive)),
}


def batch(rows=40, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.normal(0, 2, (rows, classes))), torch.tensor(rng.integers(0, classes, rows))


def split(scores, members):
    return scores[members].tolist(), scores[~members].tolist()


def test_auc_margin_is_the_min_max_form_at_its_saddle_point():
    logits, targets = batch()
    scores, members = logits.softmax(1).T[:1], (targets == 0)[None]
    for margin in (1.0, 0.3):
        own, rest = (np.array(part) for part in split(scores[0], members[0]))
        # LibAUC: E+(h - a)^2 + E-(h - b)^2 + 2 alpha (m + E-h - E+h) - alpha^2, least over a, b and greatest over alpha >= 0
        values = [
            min(((own - a) ** 2).mean() for a in np.linspace(0, 1, 4001))
            + min(((rest - b) ** 2).mean() for b in np.linspace(0, 1, 4001))
            + max(2 * alpha * (margin + rest.mean() - own.mean()) - alpha**2 for alpha in np.linspace(0, 2, 8001))
        ]
        assert auc_margin_loss(scores, members, margin).tolist() == pytest.approx(values, abs=1e-6)


def test_auc_margin_is_the_mean_square_over_all_pairs():
    logits, targets = batch()
    scores, members = logits.softmax(1).T[:1], (targets == 0)[None]
    own, rest = split(scores[0], members[0])
    expected = np.mean([(1 - i + j) ** 2 for i in own for j in rest])
    assert float(auc_margin_loss(scores, members)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("surrogate", PAIRS)
@pytest.mark.parametrize("side", [None, "low_fpr", "high_tpr"])
def test_pairs_equal_a_loop(surrogate, side):
    logits, targets = batch(rows=50)
    scores, members = logits.T[:1], (targets == 0)[None]
    own, rest = split(scores[0], members[0])
    share = 0.2
    if side == "low_fpr":
        # for each positive row by itself: its own largest losses
        worst = math.ceil(share * len(rest) - 1e-9)
        rows = [sorted((PAIRS[surrogate](i, j, 1.5) for j in rest), reverse=True)[:worst] for i in own]
        found = partial_auc_loss(scores, members, side, share, surrogate, 1.5)
    elif side == "high_tpr":
        worst = sorted(own)[: math.ceil(share * len(own) - 1e-9)]
        rows = [[PAIRS[surrogate](i, j, 1.5) for j in rest] for i in worst]
        found = partial_auc_loss(scores, members, side, share, surrogate, 1.5)
    else:
        rows = [[PAIRS[surrogate](i, j, 1.5) for j in rest] for i in own]
        found = pairwise_auc_loss(scores, members, surrogate, 1.5)
    assert found.tolist() == pytest.approx([np.mean(rows)], rel=1e-12)


def test_a_share_of_1_is_the_whole_area():
    logits, targets = batch()
    scores, members = logits.T[:1], (targets == 0)[None]
    for side in ("low_fpr", "high_tpr"):
        assert torch.equal(partial_auc_loss(scores, members, side, 1.0), pairwise_auc_loss(scores, members))


@pytest.mark.parametrize("count", [1, 5, 15, 20, 30, 35])
def test_a_share_is_rounded_up_to_whole_rows(count):
    scores = torch.arange(count + 1.0)[None]
    members = torch.zeros(1, count + 1, dtype=torch.bool)
    members[0, 0] = True  # ranked below all others
    found = partial_auc_loss(scores, members, "low_fpr", 0.2)
    hardest = [(1 + j) ** 2 for j in range(1, count + 1)][-math.ceil(count / 5) :]
    assert float(found) == pytest.approx(np.mean(hardest))


@pytest.mark.parametrize("positive", [0, 1])
def test_orientation_is_that_of_roc_auc_score(positive):
    """A perfect ranking has no loss, the reverse the largest; the loss bounds 1 - AUC."""
    targets = torch.tensor([0] * 5 + [1] * 3)
    logits = torch.stack([torch.zeros(8), torch.tensor([-30.0, -25, -20, -15, -10, 10, 20, 30])], 1)
    scores = logits[:, positive].numpy() - logits[:, 1 - positive].numpy()
    assert roc_auc_score(targets == positive, scores) == 1
    for make in (LOSSES["squared_hinge"], LOSSES["low_fpr"]):
        assert float(make(2, positive)(logits, targets)) == 0
    for make in LOSSES.values():
        assert float(make(2, positive)(logits, targets)) < 0.05 * float(make(2, positive)(logits.flip(0), targets))
    logits, targets = batch(classes=2)
    missing = 1 - roc_auc_score(targets, (logits[:, 1] - logits[:, 0]).numpy())
    assert float(PairwiseAUC(2, 1)(logits, targets)) >= missing


def test_both_sides_pick_what_their_metric_looks_at():
    """A high-scoring negative row weighs on low_fpr, a low-scoring positive row on high_tpr."""
    targets = torch.tensor([0] * 10 + [1] * 10)
    clean = torch.where(targets == 1, 3.0, -3.0)
    for row, score, side, other in ((0, 9.0, "low_fpr", "high_tpr"), (19, -9.0, "high_tpr", "low_fpr")):
        scores = clean.clone()
        scores[row] = score
        logits = torch.stack([torch.zeros(20), scores], 1)
        losses = {name: float(PairwiseAUC(2, 1, side=name, share=0.1)(logits, targets)) for name in (side, other)}
        assert losses[side] > 5 * losses[other]


@every_loss
def test_gradients_are_those_of_differences(make):
    logits, targets = batch(rows=9)
    for positive in (1, None):
        module = make(3, positive)
        assert torch.autograd.gradcheck(lambda z, module=module: module(z, targets), logits.clone().requires_grad_())


@every_loss
def test_without_a_positive_class_it_is_the_mean_over_the_classes(make):
    logits, targets = batch(classes=4)
    each = torch.stack([make(4, label)(logits, targets) for label in range(4)])
    torch.testing.assert_close(make(4, None)(logits, targets), each.mean())
    targets = targets.where(targets != 2, 3)  # a class that the batch lacks does not dilute the others
    present = torch.stack([make(4, label)(logits, targets) for label in (0, 1, 3)])
    torch.testing.assert_close(make(4, None)(logits, targets), present.mean())


@every_loss
@pytest.mark.parametrize("rows", [0, 1, 12])
@pytest.mark.parametrize("positive", [1, None])
@pytest.mark.parametrize("label", [0, 1])
def test_rows_of_one_class_have_no_loss_and_no_gradient(make, rows, positive, label):
    logits = batch(rows=max(rows, 1))[0][:rows].requires_grad_()
    loss = make(3, positive)(logits, torch.full((rows,), label))
    loss.backward()
    assert loss == 0
    assert (logits.grad == 0).all()


@every_loss
def test_scores_of_exactly_0_and_1_still_count_as_rows(make):
    """LibAUC's issue 75: class sizes counted by scores that are not 0 are 0 once the scores saturate."""
    for wrong in (False, True):
        targets = torch.tensor([0, 0, 1])
        logits = torch.tensor([[1e4, -1e4], [1e4, -1e4], [-1e4, 1e4]])
        logits = (logits.flip(1) if wrong else logits).requires_grad_()
        loss = make(2, 1)(logits, targets)
        loss.backward()
        assert logits.grad.isfinite().all()
        # h is 0 and 1 to the bit: the wrong way round auc_margin is (1 + 1)^2
        assert loss >= 3.99 if wrong else loss <= 1e-6


@every_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(make, dtype):
    logits, targets = batch()
    logits = (logits * 100).to(dtype).requires_grad_()
    loss = make(3, 1)(logits, targets)
    loss.backward()
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss.double(), make(3, 1)(logits.detach().double(), targets), rtol=1e-5, atol=1e-6)
    assert logits.grad.isfinite().all()


@every_loss
def test_no_loss_reads_a_value_on_the_host(make):
    # Fake tensors have no values: anything that needs one, as a copy to the host does, raises.
    with FakeTensorMode():
        logits = torch.empty(6, 3, device="meta", requires_grad=True)
        for positive in (1, None):
            loss = make(3, positive)(logits, torch.empty(6, dtype=torch.int64, device="meta"))
            assert torch.autograd.grad(loss, logits)[0].shape == (6, 3)


def test_log_odds_are_exact_where_a_probability_rounds_to_1():
    logits = torch.tensor([[50.0, 0.0, 1.0], [0.0, 0.0, 0.0], [-3e4, 3e4, 0.0]], requires_grad=True)
    found = log_odds(logits)
    exact = logits.detach().double()
    others = [torch.cat([exact[:, :c], exact[:, c + 1 :]], 1).logsumexp(1) for c in range(3)]
    torch.testing.assert_close(found.double(), exact - torch.stack(others, 1), rtol=1e-6, atol=1e-6)
    found.sum().backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"surrogate": "hinge"}, "surrogate: expected one of squared_hinge, logistic, got 'hinge'"),
        ({"side": "left"}, "side: expected one of low_fpr, high_tpr, got 'left'"),
        ({"share": 1.5}, "share: expected a number of at least 0 and at most 1, got 1.5"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ImbalkitError, match=message):
        PairwiseAUC(2, 1, **arguments)
