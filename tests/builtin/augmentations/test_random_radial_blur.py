"""RandomRadialBlur in Kornia's own containers, and as a part of a recipe."""

from __future__ import annotations

import kornia.augmentation
import pytest
import torch

from imbalkit.builtin.augmentations import RandomRadialBlurPart
from imbalkit.functional.radial_blur import radial_blur
from imbalkit.functional.random_radial_blur import RandomRadialBlur
from imbalkit.kinds import BuildContext

CONTEXT = BuildContext(classes=("a", "b"), counts=(3, 2))


def images(count=4, size=32):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def test_blurs_by_what_it_drew():
    blur = RandomRadialBlur(rho=(0.02, 0.1), p=1.0, border="zero", centre="paper", iterations=3)
    blurred = blur(images())
    rho = blur._params["rho"]
    assert rho.shape == (4,)
    assert len(rho.unique()) == 4
    assert rho.min() >= 0.02
    assert rho.max() <= 0.1
    assert torch.equal(blurred, radial_blur(images(), rho, 3, "paper", "zero"))


def test_four_independent_draws():
    blur = RandomRadialBlur(rho=(0.02, 0.1), p=1.0, independent=True)
    blurred = blur(images())
    four = torch.stack([blur._params[f"rho_{way}_{axis}"] for way in ("expand", "shrink") for axis in "xy"], dim=1)
    assert four.shape == (4, 4)
    assert len(four.unique()) == 16
    assert torch.equal(blurred, radial_blur(images(), four))


def test_draws_for_each_colour():
    blur = RandomRadialBlur(rho=(0.02, 0.1), p=1.0, by_colour=True)
    blurred = blur(images())
    rho = torch.stack([blur._params[f"rho_{colour}"] for colour in ("red", "green", "blue")], dim=1)
    assert len(rho.unique()) == 12
    for channel in range(3):
        alone = radial_blur(images()[:, channel : channel + 1], rho[:, channel])
        torch.testing.assert_close(blurred[:, channel : channel + 1], alone)
    assert RandomRadialBlur(p=1.0, by_colour=True)(images()[:, :1]).shape == (4, 1, 32, 32)
    half = RandomRadialBlur(p=0.5, by_colour=True, independent=True)(images(40))
    assert 5 < int((half != images(40)).flatten(1).any(1).sum()) < 35


def test_probabilities():
    assert torch.equal(RandomRadialBlur(p=0.0)(images()), images())
    assert (RandomRadialBlur(rho=(0.1, 0.2), p=1.0)(images()) != images()).flatten(1).any(1).all()
    torch.manual_seed(0)
    changed = (RandomRadialBlur(rho=(0.1, 0.2), p=0.5)(images(200, 8)) != images(200, 8)).flatten(1).any(1)
    assert 70 < int(changed.sum()) < 130


def test_same_on_batch():
    blur = RandomRadialBlur(rho=(0.02, 0.1), p=1.0, same_on_batch=True)
    blurred = blur(images(1).expand(4, -1, -1, -1).clone())
    assert all(torch.equal(blurred[0], other) for other in blurred[1:])
    assert len(blur._params["rho"].unique()) == 1


def test_seeds_repeat():
    blur = RandomRadialBlur(rho=(0.02, 0.1))

    def seeded(seed):
        torch.manual_seed(seed)
        return blur(images())

    assert torch.equal(seeded(1), seeded(1))
    assert not torch.equal(seeded(1), seeded(2))


def test_given_parameters_repeat():
    blur = RandomRadialBlur(rho=(0.02, 0.1), p=1.0)
    first = blur(images())
    assert torch.equal(blur(images(), params=blur._params), first)


@pytest.mark.parametrize("keepdim", [False, True])
def test_keepdim(keepdim):
    blur = RandomRadialBlur(p=1.0, keepdim=keepdim)
    assert blur(images()[0]).shape == ((3, 32, 32) if keepdim else (1, 3, 32, 32))


def test_in_a_sequence_masks_stay_and_geometry_moves_both():
    masks = (images()[:, :1] > 0.5).float()
    sequence = kornia.augmentation.AugmentationSequential(
        kornia.augmentation.RandomHorizontalFlip(p=1.0),
        RandomRadialBlur(rho=(0.02, 0.1), p=1.0),
        data_keys=["input", "mask"],
    )
    blurred, moved = sequence(images(), masks)
    assert torch.equal(moved, masks.flip(3))
    rho = sequence._params[1].data["rho"]
    assert torch.allclose(blurred, radial_blur(images().flip(3), rho), atol=1e-6)


def test_half_precision_and_gradients():
    blur = RandomRadialBlur(rho=(0.02, 0.02), p=1.0)
    half = blur(images().half())
    assert half.dtype == torch.float16
    assert (half.float() - radial_blur(images(), 0.02)).abs().max() < 2e-3
    inputs = images().requires_grad_()
    blur(inputs).sum().backward()
    assert inputs.grad.isfinite().all()


def test_the_part_hands_its_parameters_on():
    values = {"rho": [0.02, 0.1], "axes": "independent", "iterations": 2, "centre": "paper", "border": "zero"}
    values |= {"method": "composed", "p": 1.0, "same_on_batch": True, "channels": "independent"}
    built = RandomRadialBlurPart.model_validate(values).build(CONTEXT)
    assert isinstance(built, RandomRadialBlur)
    torch.manual_seed(3)
    ours = built(images())
    torch.manual_seed(3)
    direct = RandomRadialBlur(
        (0.02, 0.1), 2, "paper", "zero", independent=True, p=1.0, same_on_batch=True, method="composed", by_colour=True
    )
    assert torch.equal(ours, direct(images()))
    assert built.p == 1.0
    assert built.same_on_batch
