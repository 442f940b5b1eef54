"""rce against decision 5's per-batch rule in float64, its estimators, state and edge cases."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch._subclasses.fake_tensor import FakeTensorMode

from imbalkit.errors import ImbalkitError
from imbalkit.functional.rce import ESTIMATORS, RecallCrossEntropy, miss_rates, recall_counts
from tests.properties import examples


def counts_of(x, y, classes):
    """FN and N of each class, by a plain loop."""
    fn, n = np.zeros(classes), np.zeros(classes)
    for row, own in zip(x, y, strict=True):
        n[own] += 1
        fn[own] += int(np.argmax(row)) != own
    return np.stack([fn, n])


def ce_rows(x, y, smoothing=0.0):
    shifted = x - x.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return -(1 - smoothing) * log_p[np.arange(len(y)), y] - smoothing * log_p.mean(1)


def batch(rows=60, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 2, (rows, classes)), rng.integers(0, classes, rows)


def tensors(x, y):
    return torch.tensor(x), torch.tensor(y)


@pytest.mark.parametrize("floor", [0.0, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("classes", [2, 7])
def test_batch_rule_in_float64(floor, smoothing, classes):
    x, y = batch(classes=classes)
    fn, n = counts_of(x, y, classes)
    expected = (np.maximum(fn, floor) / np.maximum(n, 1))[y] * ce_rows(x, y, smoothing)
    options = {"floor": floor, "label_smoothing": smoothing}
    rows = RecallCrossEntropy(classes, reduction="none", **options)(*tensors(x, y))
    mean = RecallCrossEntropy(classes, **options)(*tensors(x, y))
    # The weights are float32.
    np.testing.assert_allclose(rows.numpy(), expected, rtol=2e-7, atol=1e-12)
    np.testing.assert_allclose(mean.item(), expected.mean(), rtol=2e-7)


def test_counts_are_additive_and_local():
    x, y = batch()
    module = RecallCrossEntropy(4)
    np.testing.assert_array_equal(module.statistics(*tensors(x, y)).numpy(), counts_of(x, y, 4))
    parts = sum(recall_counts(*tensors(x[part], y[part])) for part in (slice(0, 7), slice(7, 60)))
    np.testing.assert_array_equal(parts.numpy(), counts_of(x, y, 4))
    assert not module.counts.any()


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_step_waits_for_no_device(estimator, smoothing):
    # Fake tensors have no values: anything that needs one, as a copy to the host does, raises.
    with FakeTensorMode():
        module = RecallCrossEntropy(4, estimator, costs=[1.0, 2.0, 1.0, 1.0], label_smoothing=smoothing).to("meta")
        logits = torch.empty(8, 4, device="meta", requires_grad=True)
        module(logits, torch.empty(8, dtype=torch.int64, device="meta")).backward()
        module.epoch_finished()
        assert logits.grad.shape == (8, 4)


def test_weights_are_outside_the_gradient():
    x, y = batch()
    logits = torch.tensor(x, requires_grad=True)
    module = RecallCrossEntropy(4)
    module(logits, torch.tensor(y)).backward()
    p = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    p[np.arange(60), y] -= 1
    fn, n = counts_of(x, y, 4)
    expected = (np.maximum(fn, 1) / np.maximum(n, 1))[y][:, None] * p / 60
    np.testing.assert_allclose(logits.grad.numpy(), expected, rtol=1e-6, atol=1e-10)
    assert not module.class_weights().requires_grad


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_gradcheck(estimator, smoothing):
    x, y = batch(8)
    module = RecallCrossEntropy(4, estimator, label_smoothing=smoothing)
    module(*tensors(*batch(seed=1)))
    module.epoch_finished()
    module.eval()
    assert torch.autograd.gradcheck(lambda logits: module(logits, torch.tensor(y)), torch.tensor(x, requires_grad=True))


def test_ema_follows_its_sums():
    module, sums = RecallCrossEntropy(3, "ema", decay=0.8), np.zeros((2, 3))
    weights = np.ones(3)  # F starts at 1
    for step in range(20):
        x, y = batch(12, 3, seed=step)
        if step % 4:
            y[y == 2] = 0  # class 2 is absent from most batches
        expected = (weights[y] * ce_rows(x, y)).mean()
        assert module(*tensors(x, y)).item() == pytest.approx(expected, rel=1e-5)
        sums = 0.8 * sums + counts_of(x, y, 3)
        lacking = np.maximum(1 - sums[1], 0)
        weights = np.maximum(sums[0] + lacking, 1) / np.maximum(sums[1], 1)
        np.testing.assert_allclose(module.class_weights().numpy(), weights, rtol=1e-5)
    assert weights.min() < 0.9  # the estimate did move


def test_epoch_uses_the_epoch_before():
    module, weights = RecallCrossEntropy(3, "epoch"), np.ones(3)
    for epoch in range(3):
        sums = np.zeros((2, 3))
        for step in range(4):
            x, y = batch(15, 3, seed=10 * epoch + step)
            assert module(*tensors(x, y)).item() == pytest.approx((weights[y] * ce_rows(x, y)).mean(), rel=1e-5)
            sums += counts_of(x, y, 3)
        module.epoch_finished()
        weights = np.maximum(sums[0], 1) / np.maximum(sums[1], 1)
        np.testing.assert_allclose(module.class_weights().numpy(), weights, rtol=1e-6)
    module.epoch_finished()  # an epoch without rows forgets nothing
    np.testing.assert_allclose(module.class_weights().numpy(), weights, rtol=1e-6)


@pytest.mark.parametrize("estimator", ["ema", "epoch"])
@pytest.mark.parametrize("floor", [0.0, 1.0, 2.0])
def test_ema_and_epoch_start_at_1_for_every_class(estimator, floor):
    module = RecallCrossEntropy(3, estimator, floor=floor)
    assert module.class_weights().tolist() == [1, 1, 1]
    x, y = batch(20, 3)
    assert module(*tensors(x, y)).item() == pytest.approx(ce_rows(x, y).mean())


def test_a_class_forgotten_by_ema_returns_to_1():
    module = RecallCrossEntropy(2, "ema", floor=0.0, decay=0.5)
    right = torch.tensor([[5.0, 0.0], [0.0, 5.0]] * 10)
    module(right, torch.tensor([0, 1] * 10))
    assert module.class_weights().tolist() == [0, 0]
    for _ in range(200):
        module(right[:1], torch.tensor([0]))
    assert module.class_weights().tolist() == [0, 1]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_eval_mode_changes_nothing(estimator):
    module = RecallCrossEntropy(4, estimator)
    module(*tensors(*batch()))
    before = {key: value.clone() for key, value in module.state_dict().items()}
    module.eval()
    x, y = batch(seed=5)
    loss = module(*tensors(x, y))
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())
    if estimator == "batch":  # the batch's own rate, in either mode
        assert torch.equal(loss, module.train()(*tensors(x, y)))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_state_dict_round_trip(estimator):
    first = RecallCrossEntropy(4, estimator)
    for step in range(3):
        first(*tensors(*batch(seed=step)))
    first.epoch_finished()
    first(*tensors(*batch(seed=3)))  # half-way through an epoch
    second = RecallCrossEntropy(4, estimator)
    second.load_state_dict(first.state_dict())
    for step in range(4, 8):
        assert torch.equal(first(*tensors(*batch(seed=step))), second(*tensors(*batch(seed=step))))
        if step == 5:
            first.epoch_finished(), second.epoch_finished()
    assert torch.equal(first.class_weights(), second.class_weights())
    assert first.class_weights().unique().numel() > 1


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_an_accumulated_batch_equals_the_whole_one(estimator):
    """The engine's protocol: statistics of the parts, their sum to each loss, one update."""
    whole, parts = RecallCrossEntropy(4, estimator), RecallCrossEntropy(4, estimator, reduction="none")
    for step in range(5):
        logits, targets = tensors(*batch(seed=step))
        pieces = [(logits[:20], targets[:20]), (logits[20:25], targets[20:25]), (logits[25:], targets[25:])]
        total = sum(parts.statistics(*piece) for piece in pieces)
        rows = torch.cat([parts(*piece, statistics=total) for piece in pieces])
        parts.update(total)
        torch.testing.assert_close(whole(logits, targets), rows.mean(), rtol=1e-6, atol=0)
        assert torch.equal(whole.class_weights(), parts.class_weights())
        if step == 2:
            whole.epoch_finished(), parts.epoch_finished()
    assert whole.needs_statistics == (estimator == "batch")


def test_given_statistics_change_no_state():
    module = RecallCrossEntropy(4, "ema")
    module(*tensors(*batch()), statistics=torch.full((2, 4), 5.0))
    assert not module.counts.any()


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_edge_batches(estimator, reduction):
    module = RecallCrossEntropy(3, estimator, reduction=reduction)
    perfect = 8 * torch.eye(3)
    cases = {
        "perfect": (perfect, torch.arange(3)),
        "all wrong": (perfect, torch.tensor([1, 2, 0])),
        "one class": (torch.randn(9, 3), torch.full((9,), 2)),
        "one row": (torch.randn(1, 3), torch.tensor([1])),
        "no rows": (torch.zeros(0, 3), torch.zeros(0, dtype=torch.long)),
    }
    for case, (logits, targets) in cases.items():
        logits = logits.requires_grad_()
        loss = module(logits, targets)
        loss.sum().backward()
        assert torch.isfinite(loss).all(), case
        assert torch.isfinite(logits.grad).all(), case
        assert torch.isfinite(module.class_weights()).all(), case
        module.epoch_finished()


def test_perfect_and_one_class_batches_by_hand():
    module = RecallCrossEntropy(3)
    module(8 * torch.eye(3).repeat(4, 1), torch.arange(3).repeat(4))
    assert module.class_weights().tolist() == [0.25] * 3  # the floor keeps a gradient: max(0, 1) / 4
    module(8 * torch.eye(3)[[1, 0, 1, 2]], torch.full((4,), 1))
    assert module.class_weights().tolist() == [1.0, 0.5, 1.0]


@pytest.mark.parametrize("estimator", ESTIMATORS)
@given(data=st.data())
@examples(60)
def test_never_nan(estimator, data):
    classes, rows = data.draw(st.integers(2, 6)), data.draw(st.integers(0, 8))
    module = RecallCrossEntropy(
        classes,
        estimator,
        floor=data.draw(st.sampled_from([0.0, 1.0])),
        decay=data.draw(st.sampled_from([0.0, 0.9])),
        label_smoothing=data.draw(st.sampled_from([0.0, 0.1])),
    )
    values = st.floats(-(2.0**120), 2.0**120, width=32, allow_subnormal=False) | st.sampled_from(
        [0.0, 65504.0, 2.0**120]
    )
    for _ in range(3):
        logits = torch.tensor(data.draw(hnp.arrays(np.float32, (rows, classes), elements=values)), requires_grad=True)
        targets = torch.tensor(data.draw(hnp.arrays(np.int64, rows, elements=st.integers(0, classes - 1))))
        loss = module(logits, targets)
        loss.backward()
        assert not loss.isnan()
        assert not logits.grad.isnan().any()
        assert torch.isfinite(module.class_weights()).all()
        module.epoch_finished()


def test_bf16_autocast():
    layer, module = torch.nn.Linear(6, 3), RecallCrossEntropy(3)
    features, targets = torch.randn(20, 6), torch.randint(3, (20,))
    with torch.autocast("cpu", torch.bfloat16):
        logits = layer(features)
        loss = module(logits, targets)
    loss.backward()
    assert logits.dtype == torch.bfloat16
    assert loss.dtype == torch.float32
    assert torch.equal(loss, RecallCrossEntropy(3)(logits.detach().float(), targets))
    assert torch.isfinite(layer.weight.grad).all()


def test_miss_rates_without_rows():
    assert miss_rates(torch.zeros(2, 3)).tolist() == [1, 1, 1]
    assert miss_rates(torch.zeros(2, 3), floor=0).tolist() == [0, 0, 0]


def test_wrong_use():
    with pytest.raises(ImbalkitError, match="expected one of batch, ema, epoch, got 'running'"):
        RecallCrossEntropy(2, "running")
    with pytest.raises(ImbalkitError, match=r"expected logits \[n, 2\]"):
        RecallCrossEntropy(2)(torch.zeros(4, 3), torch.zeros(4, dtype=torch.long))
    with pytest.raises(ImbalkitError, match=r"expected logits \[n, 2\]"):
        RecallCrossEntropy(2).statistics(torch.zeros(4, 3), torch.zeros(4, dtype=torch.long))


def test_plain_loop_learns():
    torch.manual_seed(0)
    x = torch.cat([torch.randn(190, 2), torch.randn(10, 2) + 3])
    y = torch.cat([torch.zeros(190), torch.ones(10)]).long()
    model, loss = torch.nn.Linear(2, 2), RecallCrossEntropy(2, "epoch", costs=[1.0, 3.0])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(60):
        for rows in torch.randperm(200).split(50):
            optimizer.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            optimizer.step()
        loss.epoch_finished()
    called = model(x).argmax(1)
    assert (called[y == 1] == 1).float().mean() >= 0.9
    assert (called[y == 0] == 0).float().mean() >= 0.9
