"""Gaussian blur against OpenCV, and its strength against radial blur's."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from imbalkit.builtin.ops import GaussianBlur
from imbalkit.errors import ImbalkitError
from imbalkit.functional.gaussian_blur import gaussian_blur, matching_sigma
from imbalkit.functional.radial_blur import radial_blur

cv2 = pytest.importorskip("cv2")


def noise(*shape, seed=0, dtype=torch.float32):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("size", [(32, 32), (33, 50)])
def test_equals_opencv(size):
    images, sigma = noise(3, 3, *size), torch.tensor([0.6, 1.5, 4.13])
    ours = gaussian_blur(images, sigma).numpy()
    for image, blurred, one in zip(images.numpy(), ours, sigma.tolist(), strict=True):
        width = 2 * int(np.ceil(4 * one)) + 1
        theirs = cv2.GaussianBlur(
            np.ascontiguousarray(image.transpose(1, 2, 0)), (width, width), one, borderType=cv2.BORDER_REFLECT_101
        )
        assert np.abs(blurred - theirs.transpose(2, 0, 1)).max() < 1e-5


def test_nothing_changes_at_sigma_0():
    images = noise(2, 3, 16, 16)
    assert torch.equal(gaussian_blur(images, torch.tensor([0.0, 1.0]))[0], images[0])
    assert torch.equal(gaussian_blur(images, 0.0), images)


def test_autocast_changes_nothing():
    images = noise(2, 3, 32, 32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = gaussian_blur(images, 1.5)
    assert torch.equal(inside, gaussian_blur(images, 1.5))


def test_images_of_a_batch_are_independent():
    images = noise(2, 3, 32, 32)
    alone = gaussian_blur(images[:1], torch.tensor([1.0]))
    assert (gaussian_blur(images, torch.tensor([1.0, 6.0]))[:1] - alone).abs().max() < 1e-6


def test_half_precision_small_images_and_gradients():
    images = noise(2, 3, 5, 4)  # smaller than the kernel
    assert gaussian_blur(images, 3.0).isfinite().all()
    half = gaussian_blur(images.half(), 3.0)
    assert half.dtype == torch.float16
    assert (half.float() - gaussian_blur(images, 3.0)).abs().max() < 2e-3
    image = noise(1, 1, 5, 6, dtype=torch.float64).requires_grad_()
    sigma = torch.tensor([0.9], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(gaussian_blur, (image, sigma))


@pytest.mark.parametrize(
    "images, sigma, message",
    [
        (torch.zeros(3, 8, 8), 1.0, r"expected images \[B, C, H, W\], got \[3, 8, 8\]"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), 1.0, "torch.uint8"),
        (torch.zeros(2, 3, 8, 8), torch.zeros(3), r"expected sigma \[2\].*got \[3\]"),
    ],
)
def test_mistakes_are_named(images, sigma, message):
    with pytest.raises(ImbalkitError, match=message):
        gaussian_blur(images, sigma)


@pytest.mark.parametrize("height, width, iterations", [(320, 320, 5), (91, 140, 3)])
def test_matching_sigma_is_the_mean_over_all_paths(height, width, iterations):
    rho = 0.02
    products = np.array(
        [np.prod([1 + s * rho for s in signs]) for signs in itertools.product((1, -1), repeat=iterations)]
    )
    y, x = np.meshgrid(np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2, indexing="ij")
    variance = [np.mean((offset[..., None] * (products - 1)) ** 2) for offset in (y, x)]
    found = matching_sigma(torch.tensor(rho, dtype=torch.float64), height, width, iterations)
    assert float(found) == pytest.approx(np.sqrt(np.mean(variance)), rel=1e-9)


def test_matching_sigma_is_what_the_radial_blur_really_spreads():
    # Blurring x^2 and x gives each pixel's second moment; interpolation adds between 0 and 1/4 px^2 a step.
    size, rho = 241, 0.02
    x = (torch.arange(size, dtype=torch.float64) - (size - 1) / 2).expand(1, 1, size, size)
    mean, square = radial_blur(x, rho), radial_blur(x**2, rho)
    moments = (square - 2 * x * mean + x**2)[0, 0, :, 20:-20]  # the rim is reflected
    inner = size - 40
    expected = float(matching_sigma(torch.tensor(rho, dtype=torch.float64), inner, inner)) ** 2
    assert expected < float(moments.mean()) < expected + 5 / 4


def test_the_control_is_as_strong_at_the_images_size():
    images, rho = noise(2, 3, 64, 48), torch.tensor([[0.01], [0.02]])
    op = GaussianBlur(match_rho=(0.005, 0.02), match_iterations=3)
    assert op.parameters == ("rho",)
    assert torch.equal(op.apply(images, rho), gaussian_blur(images, matching_sigma(rho[:, 0], 64, 48, 3)))
    given = GaussianBlur(sigma=(0.5, 2.0))
    assert given.parameters == ("sigma",)
    assert torch.equal(
        given.apply(images, torch.tensor([[1.0], [2.0]])), gaussian_blur(images, torch.tensor([1.0, 2.0]))
    )
    assert given.decide(np.array([[0.0], [0.5]])).tolist() == [[0.5], [1.25]]
