"""class_balanced: weights against the published figures and their limits; both scales; alpha of focal loss outside p."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from imbalkit.builtin.losses import CE, ClassBalanced, Focal, InverseCE
from imbalkit.functional.prior import balancing_weights
from imbalkit.kinds import BuildContext, ImbalkitError
from imbalkit.recipe.prepare import prepare

CIFAR10 = [int(5000 * 100 ** (-c / 9)) for c in range(10)]  # CIFAR-10-LT, imbalance 100
CIFAR100 = [int(500 * 100 ** (-c / 99)) for c in range(100)]
CONTEXT = BuildContext(("a", "b", "c"), (5000, 300, 7))


def batch(rows=60):
    rng = np.random.default_rng(0)
    return torch.tensor(rng.normal(0, 3, (rows, 3))), torch.tensor(rng.integers(0, 3, rows))


@pytest.mark.parametrize("beta", [0.9, 0.99, 0.999, 0.9999])
def test_weights_are_the_published_codes(beta):
    # train() of LDAM-DRW: (1 - beta) / (1 - beta ** n), divided by its sum, times the number of classes
    weights = (1 - beta) / (1.0 - np.power(beta, CIFAR10))
    weights = weights / weights.sum() * 10
    np.testing.assert_allclose(balancing_weights(CIFAR10, beta, scale="classes"), weights, rtol=1e-9)


def test_the_published_scale_shrinks_the_loss_and_ours_does_not():
    assert sum(CIFAR10) == 12406
    for counts, mean in ((CIFAR10, 0.17), (CIFAR100, 0.20)):
        rows, classes = (np.array(balancing_weights(counts, 0.9999, scale=scale)) for scale in ("rows", "classes"))
        assert (rows * counts).sum() == pytest.approx(sum(counts))
        assert classes.sum() == pytest.approx(len(counts))
        assert (classes * counts).sum() / sum(counts) == pytest.approx(mean, abs=0.006)
        np.testing.assert_allclose(rows / rows[0], classes / classes[0], rtol=1e-12)


class TestScaleOfTheBatch:
    """Published code leaves the mean to torch, which divides by the sum of the batch's weights."""

    def published(self, logits, targets, counts, beta=0.9999):
        # LDAM-DRW: per_cls_weights of cifar_train.py, then nn.CrossEntropyLoss(weight=per_cls_weights)
        weights = (1 - beta) / (1.0 - np.power(beta, np.asarray(counts, dtype=np.float64)))
        weights = torch.from_numpy(weights / weights.sum() * len(counts))
        return F.cross_entropy(logits, targets, weight=weights)

    @pytest.mark.parametrize("rows", [1, 7, 60])
    def test_it_is_the_published_loss(self, rows):
        logits, targets = batch(rows)
        found = ClassBalanced(scale="batch").build(CONTEXT)(logits, targets)
        assert found.shape == (rows,)
        torch.testing.assert_close(found.mean(), self.published(logits, targets, CONTEXT.counts), rtol=1e-6, atol=1e-9)

    def test_parts_with_the_batch_s_statistics_add_up_to_it(self):
        logits, targets = batch(60)
        module = ClassBalanced(scale="batch").build(CONTEXT)
        parts = list(zip(logits.split([30, 20, 10]), targets.split([30, 20, 10]), strict=True))
        whole = sum(module.statistics(*part) for part in parts)
        total = sum(module(*part, statistics=whole).sum() for part in parts) / 60
        torch.testing.assert_close(total, self.published(logits, targets, CONTEXT.counts), rtol=1e-6, atol=1e-9)

    def test_focal(self):
        logits, targets = batch(60)
        part = ClassBalanced(gamma=2.0, beta=0.999, scale="batch")
        rows = ClassBalanced(gamma=2.0, beta=0.999).build(CONTEXT)(logits, targets)
        weights = torch.tensor(balancing_weights(CONTEXT.counts, 0.999), dtype=torch.float64)[targets]
        found = part.build(CONTEXT)(logits, targets).mean()
        torch.testing.assert_close(found, rows.sum() / weights.sum(), rtol=1e-6, atol=1e-9)

    def test_a_batch_of_one_class_is_not_weighed(self):
        logits, targets = batch(8)[0], torch.full((8,), 2)
        module = ClassBalanced(scale="batch").build(CONTEXT)
        torch.testing.assert_close(module(logits, targets).mean(), F.cross_entropy(logits, targets))
        assert module(logits[:0], targets[:0]).sum() == 0

    def test_what_a_heavy_class_keeps_of_its_weight(self):
        """The figure of docs/methods.md: of weights 1 and 10, at one row in 100 and batches of 32."""
        others = np.random.default_rng(0).random((200_000, 31)) < 0.01
        kept = [(32 / (own + 31 + 9 * others.sum(1))).mean() for own in (1.0, 10.0)]
        assert kept[1] / kept[0] == pytest.approx(0.8, abs=0.02)

    def test_it_says_that_the_prior_is_not_known_exactly_and_goes_by_the_batch(self):
        part = ClassBalanced(scale="batch")
        shift = part.prior_shift(CONTEXT)
        assert (part.by_row, ClassBalanced().by_row, shift.exact) == (False, True, False)
        assert "batch's sum of weights" in shift.why
        assert part.prior_shift(BuildContext(("a", "b"), (9, 9))).exact  # equal weights: cross entropy

    def test_it_is_refused_with_a_mixer(self):
        with pytest.raises(ImbalkitError, match="class_balanced with `scale: rows`"):
            prepare({"data": "digits", "mixer": "mixup", "loss": {"name": "class_balanced", "scale": "batch"}})


def test_it_saturates_at_some_thousand_rows():
    ratios = [balancing_weights(counts, 0.9999) for counts in (CIFAR100, CIFAR10)]
    assert [max(w) / min(w) for w in ratios] == pytest.approx([97.6, 78.9], abs=0.1)
    assert balancing_weights([10**7, 10**6], 0.9999)[0] == pytest.approx(1, abs=1e-9)


def test_limits_of_beta_and_the_family_of_powers():
    assert balancing_weights([900, 100], 0.0) == [1, 1]
    np.testing.assert_allclose(
        balancing_weights([900, 100], 1 - 1e-12), balancing_weights([900, 100], 0, 1.0), rtol=1e-6
    )
    np.testing.assert_allclose(balancing_weights([900, 100], 0, 1.0), [1000 / 1800, 5])  # N / (C N_c)
    assert balancing_weights([900, 100], 0, 0.5)[1] / balancing_weights([900, 100], 0, 0.5)[0] == pytest.approx(3)
    assert balancing_weights([900, 100], 0, 0.0) == [1, 1]
    assert balancing_weights([5, 5, 5], 0.9999) == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("scale", ["rows", "classes"])
@pytest.mark.parametrize("counts", [(30, 0, 1), (1, 1, 1), (0, 0, 0), (10**7, 1, 0)])
def test_classes_without_rows_and_of_one_row(counts, scale):
    for power in (None, 1.0):
        weights = balancing_weights(counts, 0.9999, power, scale)
        assert np.isfinite(weights).all()
        assert min(weights) > 0


def test_power_1_is_inverse_ce():
    logits, targets = batch()
    ours, inverse = ClassBalanced(power=1.0).build(CONTEXT), InverseCE().build(CONTEXT)
    torch.testing.assert_close(ours(logits, targets), inverse(logits, targets))
    torch.testing.assert_close(ours.class_weights(), inverse.class_weights())


def test_focal_takes_p_of_the_network_and_not_of_weighted_cross_entropy():
    """The widespread fault: p = exp(-w CE), so that the focus is on p^w."""
    logits, targets = batch()
    part = ClassBalanced(beta=0.999, gamma=2.0)
    weights = torch.tensor(balancing_weights(CONTEXT.counts, 0.999), dtype=torch.float64)
    p = logits.softmax(1)[torch.arange(60), targets]
    expected = weights[targets] * (1 - p) ** 2 * -p.log()
    found = part.build(CONTEXT)(logits, targets)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)
    weighted = F.cross_entropy(logits, targets, weight=weights, reduction="none")
    assert not torch.allclose(found, (1 - torch.exp(-weighted)) ** 2 * weighted, rtol=0.05)
    assert part.prior_shift(CONTEXT).map == Focal(gamma=2.0).prior_shift(CONTEXT).map


def test_what_it_does_to_the_prior():
    shift = ClassBalanced(beta=0.999).prior_shift(CONTEXT)
    assert (shift.exact, shift.map) == (True, None)
    assert shift.factors == pytest.approx(balancing_weights(CONTEXT.counts, 0.999))
    assert ClassBalanced().prior_shift(BuildContext(("a", "b"), (9, 9))).why == CE().prior_shift(CONTEXT).why


def test_half_precision():
    logits, targets = batch()
    for part in (ClassBalanced(), ClassBalanced(gamma=1.0)):
        module, half = part.build(CONTEXT), logits.half()
        assert torch.equal(module(half, targets), module(half.float(), targets))
