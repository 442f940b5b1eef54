"""class_balanced: weights against the published figures and their limits; both scales; alpha of focal loss outside p."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from imbalkit.builtin.losses import CE, ClassBalanced, Focal, InverseCE
from imbalkit.functional.prior import balancing_weights
from imbalkit.kinds import BuildContext

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
