"""Distillation against its formula in float64; what its gradient does at a high temperature; one class prior for both terms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imbalkit.errors import ImbalkitError
from imbalkit.functional.ce import CrossEntropy, WeightedCrossEntropy
from imbalkit.functional.distillation import Distillation, soft_target_loss
from imbalkit.functional.focal import Focal
from imbalkit.functional.maps import FocalMap
from imbalkit.functional.prior import at_prior


def batch(rows=30, classes=4):
    rng = np.random.default_rng(0)
    logits, teacher = rng.normal(0, 3, (2, rows, classes))
    return torch.tensor(logits), torch.tensor(rng.integers(0, classes, rows)), torch.tensor(teacher)


def softmax(logits):
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0, 20.0])
@pytest.mark.parametrize("weight", [0.0, 0.7, 1.0])
def test_equals_the_formula(temperature, weight):
    logits, targets, teacher = batch()
    z, t = logits.numpy(), teacher.numpy()
    q, p = softmax(t / temperature), softmax(z / temperature)
    kl = (q * np.log(q / p)).sum(axis=1)
    ce = -np.log(softmax(z)[np.arange(len(z)), targets.numpy()])
    found = Distillation(CrossEntropy(reduction="none"), temperature, weight)(logits, targets, teacher=teacher)
    np.testing.assert_allclose(found, (1 - weight) * ce + weight * temperature**2 * kl, rtol=1e-10, atol=1e-12)


def test_is_torchs_divergence():
    logits, _, teacher = batch()
    expected = torch.nn.functional.kl_div(
        (logits / 3).log_softmax(1), (teacher / 3).log_softmax(1), reduction="none", log_target=True
    ).sum(1)
    torch.testing.assert_close(soft_target_loss(logits, teacher, 3.0), 9 * expected, rtol=1e-12, atol=1e-12)


def test_at_a_high_temperature_the_gradient_is_the_difference_of_centred_logits():
    # Hinton et al. 2015, eq. 4, times T^2: (z - t) / C for logits of mean 0
    logits, _, teacher = batch()
    logits, teacher = (each - each.mean(1, keepdim=True) for each in (logits, teacher))
    logits.requires_grad_()
    (gradient,) = torch.autograd.grad(soft_target_loss(logits, teacher, 1e4).sum(), logits)
    torch.testing.assert_close(gradient, (logits - teacher) / logits.shape[1], rtol=1e-3, atol=1e-3)


def test_gradient_is_that_of_differences():
    logits, targets, teacher = batch(6)
    loss = Distillation(CrossEntropy(reduction="none"), 2.0, 0.4)
    assert torch.autograd.gradcheck(lambda z: loss(z, targets, teacher=teacher), logits.requires_grad_())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_saturated_logits_keep_loss_and_gradient_finite(dtype):
    logits = torch.tensor([[6e4, 0.0], [0.0, 6e4], [0.0, 0.0]], dtype=dtype, requires_grad=True)
    teacher = torch.tensor([[0.0, -27.6], [0.0, -27.6], [-27.6, 0.0]])
    targets = torch.zeros(3, dtype=torch.int64)
    loss = Distillation(CrossEntropy(reduction="none"), 3.0, 0.7)(logits, targets, teacher=teacher)
    loss.sum().backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite().all()
    assert logits.grad.isfinite().all()


def test_a_map_makes_both_terms_least_at_one_place():
    truth = torch.tensor([[0.7, 0.2, 0.1]], dtype=torch.float64)
    loss = Distillation(Focal(3, 2.0, reduction="none"), 3.0, 0.6, FocalMap(2.0)).double()
    logits = torch.zeros((1, 3), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([logits], max_iter=500, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

    def step():
        optimiser.zero_grad()
        rows = [loss(logits, torch.tensor([label]), teacher=truth.log()) for label in range(3)]
        value = (truth[0] * torch.cat(rows)).sum()
        value.backward()
        return value

    optimiser.step(step)
    torch.testing.assert_close(FocalMap(2.0).double()(logits).softmax(1), truth, rtol=1e-5, atol=1e-6)


def test_what_the_loss_of_the_labels_has_is_handed_on():
    class Base(CrossEntropy):
        needs_features = True

        def class_weights(self):
            return torch.ones(2)

    loss = Distillation(Base(reduction="none"), 3.0, 0.7)
    assert loss.needs_features
    assert loss.class_weights().tolist() == [1.0, 1.0]
    assert not hasattr(loss, "epoch_started")


def test_wrong_arguments_are_refused():
    class Counting(CrossEntropy):
        def statistics(self, logits, targets): ...

    logits, targets, teacher = batch()
    with pytest.raises(ImbalkitError, match=r"expected teacher \[30, 4\] as the logits, got \[30, 3\]"):
        Distillation(CrossEntropy(reduction="none"), 3.0, 0.7)(logits, targets, teacher=teacher[:, :3])
    with pytest.raises(ImbalkitError, match="counts over a batch"):
        Distillation(Counting(), 3.0, 0.7)
    with pytest.raises(ImbalkitError, match="temperature: expected a number above 0"):
        Distillation(CrossEntropy(), 0.0, 0.7)
    with pytest.raises(ImbalkitError, match="weight: expected a number of at least 0 and at most 1"):
        Distillation(CrossEntropy(), 3.0, 1.5)


# --- two Gaussians whose posterior is known ------------------------------------------------------------------------

GRID = np.linspace(-4, 4, 801)
DENSITIES = np.stack([np.exp(-((GRID + 1) ** 2) / 2), np.exp(-((GRID - 1) ** 2) / 2)], axis=1)  # of x in class 0 and 1


def posterior(prior):
    joint = DENSITIES * prior
    return joint / joint.sum(axis=1, keepdims=True)


def learnt(prior, weights, teacher, temperature=3.0, weight=0.7):
    """Probabilities at which distillation is least over pictures of classes that have the shares `prior`, [grid, 2]."""
    loss = Distillation(WeightedCrossEntropy(weights, reduction="none"), temperature, weight).double()
    joint = torch.tensor(DENSITIES * prior)
    slope, bias = (torch.zeros(2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    optimiser = torch.optim.LBFGS([slope, bias], max_iter=2000, tolerance_grad=1e-13, line_search_fn="strong_wolfe")
    x, given = torch.tensor(GRID)[:, None], torch.tensor(np.log(teacher))

    def step():
        optimiser.zero_grad()
        logits = x * slope + bias
        value = sum(
            (joint[:, label] * loss(logits, torch.full((len(GRID),), label), teacher=given)).sum() for label in range(2)
        )
        value.backward()
        return value

    optimiser.step(step)
    return (x * slope + bias).detach().softmax(1).numpy()


def test_a_teacher_of_other_class_shares_leaves_the_restored_student_right():
    data, plan, weights = np.array([0.9, 0.1]), np.array([0.6, 0.4]), np.array([1.0, 3.0])
    factors = plan / data * weights
    teacher_prior = np.array([0.5, 0.5])  # the teacher's own data
    at_data = at_prior(posterior(teacher_prior), teacher_prior, data)
    np.testing.assert_allclose(at_data, posterior(data), atol=1e-12)
    at_training = at_data * factors / (at_data * factors).sum(axis=1, keepdims=True)

    def restored(probabilities):
        odds = probabilities / factors
        return odds / odds.sum(axis=1, keepdims=True)

    right = restored(learnt(plan, weights, at_training))
    np.testing.assert_allclose(right, posterior(data), atol=1e-5)
    wrong = restored(learnt(plan, weights, posterior(teacher_prior)))  # without the move of the teacher
    assert np.abs(wrong - posterior(data)).max() > 0.03
