"""The steps of `dermoscopy`, each against torchvision or a formula, and what is drawn for each image."""

from __future__ import annotations

import colorsys
import math

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torchvision.transforms.v2 import functional as F

from imbalkit.builtin.augmentations import Dermoscopy
from imbalkit.functional.dermoscopy import oriented, recoloured
from imbalkit.functional.gaussian_blur import gaussian_blur
from imbalkit.kinds import BuildContext

CONTEXT = BuildContext(classes=("a", "b"), counts=(3, 2))
OFF = {"scale": 0, "brightness": 0, "contrast": 0, "saturation": 0, "hue": 0, "blur": 0, "cutout": 0}
NOTHING = OFF | {"orientations": False}


def images(count=4, channels=3, height=24, width=24, seed=0):
    return torch.rand(count, channels, height, width, generator=torch.Generator().manual_seed(seed))


def only(**values):
    """Dermoscopy with one step."""
    return Dermoscopy.model_validate(NOTHING | values).build(CONTEXT)


def symmetries(image):
    """The orientations of an image [C, H, W]: eight of a square, four of another."""
    turned = [torch.rot90(image, k, (1, 2)) for k in range(4)]
    return [one for one in [*turned, *(each.flip(2) for each in turned)] if one.shape == image.shape]


@pytest.mark.parametrize("height, width, count", [(6, 6, 8), (6, 9, 4)])
@pytest.mark.parametrize("channels_last", [False, True])
def test_orientations_are_exact_and_equally_likely(height, width, count, channels_last):
    image = images(1, height=height, width=width)
    given = image.expand(4000, -1, -1, -1).contiguous()
    if channels_last:
        given = given.contiguous(memory_format=torch.channels_last)
    torch.manual_seed(0)
    out = only(orientations=True)(given)
    found = [0] * count
    known = {one.contiguous().numpy().tobytes(): index for index, one in enumerate(symmetries(image[0]))}
    assert len(known) == count
    for picture in out:
        found[known[picture.contiguous().numpy().tobytes()]] += 1
    assert chisquare(found).pvalue > 1e-3


def test_the_eight_codes_are_the_eight_orientations():
    image = images(1)
    out = oriented(image.expand(8, -1, -1, -1), range(8))
    known = {one.contiguous().numpy().tobytes() for one in symmetries(image[0])}
    assert {one.numpy().tobytes() for one in out} == known


def test_brightness_contrast_and_saturation_are_torchvision_s():
    given = 0.4 + 0.2 * images(5)  # nothing reaches 0 or 1, where torchvision clamps after each step
    draws = torch.rand(3, 5, generator=torch.Generator().manual_seed(1)) * 0.4 + 0.8
    found = recoloured(given, *draws, torch.zeros(5))
    for index in range(5):
        b, c, s = draws[:, index].tolist()
        expected = F.adjust_saturation(F.adjust_contrast(F.adjust_brightness(given[index], b), c), s)
        torch.testing.assert_close(found[index], expected, atol=2e-4, rtol=0)  # its weights of the luma sum to 0.9999


def test_hue_turns_about_the_grey_axis_of_yiq():
    given = 0.4 + 0.2 * images(6).double()
    turns = torch.tensor([0.0, 0.02, -0.02, 0.1, 0.25, 0.5], dtype=torch.float64)
    ones = torch.ones(6)
    found = recoloured(given, ones, ones, ones, turns).numpy()
    for image, out, turn in zip(given.numpy(), found, turns.tolist(), strict=True):
        y, i, q = (
            np.array(part).reshape(image.shape[1:]) for part in zip(*map(yiq, image.reshape(3, -1).T), strict=True)
        )
        after = [np.array(part).reshape(y.shape) for part in zip(*map(yiq, out.reshape(3, -1).T), strict=True)]
        np.testing.assert_allclose(after[0], y, atol=2e-3)  # the luma stays
        angle = 2 * math.pi * turn
        np.testing.assert_allclose(after[1], math.cos(angle) * i - math.sin(angle) * q, atol=5e-3)
        np.testing.assert_allclose(after[2], math.sin(angle) * i + math.cos(angle) * q, atol=5e-3)
    torch.testing.assert_close(torch.from_numpy(found[0]), given[0])


def yiq(colour):
    return colorsys.rgb_to_yiq(*colour)


def test_grey_pixels_keep_their_grey_whatever_hue_and_saturation():
    grey = images(3, channels=1).expand(-1, 3, -1, -1)
    ones = torch.ones(3)
    found = recoloured(grey, ones, ones, 1.2 * ones, 0.3 * ones)
    torch.testing.assert_close(found, grey.contiguous(), atol=1e-5, rtol=0)


def test_grey_images_change_in_brightness_and_contrast_as_torchvision_s():
    given = 0.4 + 0.2 * images(3, channels=1)
    ones = torch.ones(3)
    found = recoloured(given, 1.1 * ones, 0.8 * ones, 1.2 * ones, 0.1 * ones)
    expected = torch.stack([F.adjust_contrast(F.adjust_brightness(image, 1.1), 0.8) for image in given])
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_zooms_are_between_their_limits_and_as_likely_in_as_out():
    """A plane that rises by 1 / width a pixel has the slope 1 / zoom afterwards."""
    width = 64
    ramp = (0.5 + (torch.arange(width) - (width - 1) / 2) / (2 * width)).expand(400, 3, width, width)
    torch.manual_seed(0)
    out = only(scale=0.25)(ramp)
    slope = (out[:, 0, 32, 40] - out[:, 0, 32, 24]) / 16 * 2 * width
    zooms = 1 / slope
    assert 1 / 1.25 - 1e-4 <= zooms.min() < 0.82
    assert 1.22 < zooms.max() <= 1.25 + 1e-4
    assert 150 < int((zooms > 1).sum()) < 250
    torch.testing.assert_close(out[:, 0, 31:33, 31:33].mean((1, 2)), torch.full((400,), 0.5), atol=1e-5, rtol=0)


def test_zoom_takes_from_outside_what_is_mirrored():
    flat = torch.full((20, 3, 16, 16), 0.7)
    torch.testing.assert_close(only(scale=0.5)(flat), flat)  # no dark rim


def test_blur_is_a_gaussian_of_some_images():
    given = images(200, height=40, width=40)
    torch.manual_seed(0)
    out = only(blur=0.05, blur_p=0.3)(given)
    torch.manual_seed(0)
    uniforms = torch.rand(200, 11, dtype=torch.float64)
    chosen = uniforms[:, 6] < 0.3
    assert 40 < int(chosen.sum()) < 80
    assert torch.equal(out[~chosen], given[~chosen])
    expected = gaussian_blur(given[chosen], uniforms[chosen, 7] * 0.05 * 40)
    torch.testing.assert_close(out[chosen], expected)


def test_cutout_is_a_square_of_the_mean_colour():
    given = images(300, height=32, width=40)
    torch.manual_seed(0)
    out = only(cutout=0.25, cutout_p=0.5)(given)
    changed = (out != given).any(1)
    hit = changed.flatten(1).any(1)
    assert 110 < int(hit.sum()) < 190
    whole = 0
    for picture, before, mask in zip(out[hit], given[hit], changed[hit], strict=True):
        rows, columns = mask.any(1).nonzero().flatten(), mask.any(0).nonzero().flatten()
        square = picture[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert max(square.shape[1:]) <= 8
        whole += square.shape[1:] == (8, 8)
        torch.testing.assert_close(square, before.mean((1, 2))[:, None, None].expand(square.shape))
    assert whole > 60  # the others are cut at the rim


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(24, 24), (20, 33), (1, 1)])
def test_shape_type_range_and_seed(dtype, channels, size):
    module, given = Dermoscopy().build(CONTEXT), images(30, channels, *size).to(dtype)
    given = given.contiguous(memory_format=torch.channels_last)
    before = given.clone()

    def seeded(seed):
        torch.manual_seed(seed)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return module(given)

    out = seeded(3)
    assert out.dtype == dtype
    assert out.shape == given.shape
    assert out.is_contiguous(memory_format=torch.channels_last)
    assert out.min() >= 0
    assert out.max() <= 1
    assert torch.equal(given, before)
    assert torch.equal(out, seeded(3))
    assert not torch.equal(out, seeded(4))


def test_bfloat16_is_computed_in_float32():
    given = images(20)
    for first, second in (((0, given), (0, given.bfloat16())),):
        torch.manual_seed(first[0])
        one = Dermoscopy().build(CONTEXT)(first[1].bfloat16().float())
        torch.manual_seed(second[0])
        assert torch.equal(Dermoscopy().build(CONTEXT)(second[1]), one.bfloat16())


def test_an_image_does_not_depend_on_its_neighbours():
    from imbalkit.functional.dermoscopy import Strengths, dermoscopy

    uniforms = torch.rand(20, 11, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    together = dermoscopy(images(20), uniforms, Strengths())
    alone = torch.cat([dermoscopy(images(20)[i : i + 1], uniforms[i : i + 1], Strengths()) for i in range(20)])
    assert torch.allclose(together, alone, atol=1e-5)


def test_with_every_step_off_nothing_changes():
    assert torch.equal(only()(images()), images())


def test_defaults_of_the_part_are_those_of_the_function():
    from imbalkit.functional.dermoscopy import Strengths

    assert all(getattr(Dermoscopy(), name) == value for name, value in vars(Strengths()).items())
