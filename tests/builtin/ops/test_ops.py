"""Operations against NumPy, and as parts of a plan."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from imbalkit.builtin.ops import OPS, GaussianBlur, HorizontalFlip, RadialBlur, Rotate90, VerticalFlip
from imbalkit.errors import ImbalkitError, PlanError
from imbalkit.functional.radial_blur import radial_blur
from imbalkit.plan import Plan

NONE = torch.zeros(2, 0)
EVERY = [
    Rotate90(degrees=90),
    HorizontalFlip(),
    VerticalFlip(),
    RadialBlur(),
    RadialBlur(axes="independent"),
    RadialBlur(channels="independent"),
    RadialBlur(axes="independent", channels="independent"),
    RadialBlur(method="composed"),
    GaussianBlur(sigma=(0.5, 2.0)),
    GaussianBlur(match_rho=(0.005, 0.02)),
]


def noise(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("degrees, k", [(90, -1), (-90, 1), (180, 2), (270, 1)])
def test_turn_equals_numpy(degrees, k):
    images = noise(2, 3, 6, 6)
    turned = Rotate90(degrees=degrees).apply(images, NONE)
    assert np.array_equal(turned.numpy(), np.rot90(images.numpy(), k=k, axes=(2, 3)))


def test_a_clockwise_turn_takes_the_top_left_corner_to_the_top_right():
    image = torch.zeros(1, 1, 4, 4)
    image[..., 0, 0] = 1
    assert Rotate90(degrees=90).apply(image, NONE[:1])[0, 0, 0, 3] == 1
    assert Rotate90(degrees=-90).apply(image, NONE[:1])[0, 0, 3, 0] == 1


def test_only_quarter_turns_need_square_images():
    assert [Rotate90(degrees=degrees).square_only for degrees in (90, -90, 180, 270)] == [True, True, False, True]
    assert not any(op.square_only for op in EVERY[1:])
    images = noise(2, 3, 4, 6)
    assert np.array_equal(Rotate90(degrees=180).apply(images, NONE).numpy(), images.numpy()[:, :, ::-1, ::-1])
    with pytest.raises(PlanError, match="turn 90 clockwise: expected square images, got 4 x 6 px"):
        Rotate90(degrees=90).apply(images, NONE)


def test_flips_equal_numpy():
    images = noise(2, 3, 4, 6)
    assert np.array_equal(HorizontalFlip().apply(images, NONE).numpy(), images.numpy()[..., ::-1])
    assert np.array_equal(VerticalFlip().apply(images, NONE).numpy(), images.numpy()[:, :, ::-1])


LABELS = [
    (Rotate90(degrees=90), "turn 90 clockwise"),
    (Rotate90(degrees=-90), "turn 90 anticlockwise"),
    (Rotate90(degrees=180), "turn 180"),
    (Rotate90(degrees=270), "turn 270 clockwise"),
    (HorizontalFlip(), "horizontal flip"),
    (RadialBlur(), "radial blur rho U(0.005, 0.02)"),
    (RadialBlur(rho=(0.01, 0.01), border="zero"), "radial blur rho 0.01, zero border"),
    (RadialBlur(method="composed"), "radial blur rho U(0.005, 0.02), composed"),
    (
        RadialBlur(axes="independent", iterations=3, centre="paper"),
        "radial blur rho U(0.005, 0.02), four a row, 3 steps",
    ),
    (RadialBlur(channels="independent"), "radial blur rho U(0.005, 0.02), for each colour"),
    (GaussianBlur(sigma=(0.5, 2)), "gaussian blur sigma U(0.5, 2) px"),
    (GaussianBlur(match_rho=(0.005, 0.02)), "gaussian blur as strong as radial rho U(0.005, 0.02)"),
]


@pytest.mark.parametrize("op, label", LABELS)
def test_labels(op, label):
    assert op.label.removesuffix(", the paper's centre") == label


def test_recipe_ranges_become_tuples_and_ops_are_hashable():
    op = RadialBlur.model_validate({"rho": [0.01, 0.02]})
    assert op.rho == (0.01, 0.02)
    assert {op: 1}[RadialBlur(rho=(0.01, 0.02))] == 1
    assert len({*EVERY}) == len(EVERY)
    assert RadialBlur.model_validate({"rho": list(op.model_dump()["rho"])}) == op


WRONG = [
    (RadialBlur, {"rho": [0.02, 0.01]}, "low <= high, got"),
    (RadialBlur, {"rho": [0.0, 1.0]}, "less than 1"),
    (RadialBlur, {"rho": [-0.1, 0.1]}, "greater than or equal to 0"),
    (RadialBlur, {"rho": ["0.1", 0.2]}, "valid number"),
    (RadialBlur, {"rho": [0.1]}, "expected \\[low, high\\], such as"),
    (RadialBlur, {"rho": [0.1, 0.2, 0.3]}, "or twice the same number; got 3 entries"),
    (RadialBlur, {"iterations": 0}, "greater than or equal to 1"),
    (RadialBlur, {"centre": "left"}, "'middle' or 'paper'"),
    (Rotate90, {"degrees": 45}, "90, -90, 180 or 270"),
    (Rotate90, {}, "Field required"),
    (GaussianBlur, {}, "either sigma.*or match_rho.*got neither"),
    (GaussianBlur, {"sigma": [1, 2], "match_rho": [0.01, 0.02]}, "got both"),
]


@pytest.mark.parametrize("part, values, message", WRONG)
def test_wrong_values_are_refused(part, values, message):
    with pytest.raises(ValidationError, match=message):
        part.model_validate(values)


@pytest.mark.parametrize("op", EVERY, ids=lambda op: op.label)
def test_a_plan_draws_what_an_operation_names(op):
    plan = Plan.from_labels([0] * 400, seed=3)
    plan = plan.append(np.arange(400), [(op,)])
    rows = np.arange(400, 800)
    drawn = plan.parameters(rows, 0, op)
    assert drawn.shape == (400, len(op.parameters))
    images = noise(3, 3, 24, 24)
    applied = op.apply(images, torch.from_numpy(drawn[:3]).float())
    assert applied.shape == images.shape
    assert not torch.equal(applied, images)


@pytest.mark.parametrize("axes, count", [("shared", 1), ("independent", 4)])
def test_radial_blur_draws_uniformly_within_its_range(axes, count):
    op = RadialBlur(rho=(0.01, 0.03), axes=axes)
    uniforms = np.random.default_rng(0).random((5000, count))
    drawn = op.decide(uniforms)
    assert np.allclose(drawn, 0.01 + 0.02 * uniforms)
    assert len(op.parameters) == count


def test_radial_blur_applies_its_options():
    images = noise(2, 3, 20, 22)
    op = RadialBlur(iterations=2, centre="paper", border="zero", axes="independent")
    parameters = torch.tensor([[0.01, 0.02, 0.03, 0.04], [0.05, 0.06, 0.07, 0.08]])
    assert torch.equal(op.apply(images, parameters), radial_blur(images, parameters, 2, "paper", "zero"))
    composed = RadialBlur(method="composed", axes="independent").apply(images, parameters)
    assert torch.equal(composed, radial_blur(images, parameters, method="composed"))
    shared = RadialBlur().apply(images, parameters[:, :1])
    assert torch.equal(shared, radial_blur(images, parameters[:, 0]))


def test_names_are_unique():
    names = [op.name for op in OPS]
    assert sorted(set(names)) == sorted(names)
    assert set(names) == {"rotate90", "horizontal_flip", "vertical_flip", "radial_blur", "gaussian_blur"}


def float64_reference(image, rho, iterations=5):
    """Gilal et al. 2023, eq. 1, of one channel float64 [H, W]; rho: expand x, expand y, shrink x, shrink y."""
    height, width = image.shape

    def pixel(y, x):
        """The mirrored picture at whole positions."""
        y, x = np.abs(y) % (2 * height - 2), np.abs(x) % (2 * width - 2)
        return image[np.minimum(y, 2 * height - 2 - y), np.minimum(x, 2 * width - 2 - x)]

    def at(y, x):
        top, left = np.floor(y).astype(int), np.floor(x).astype(int)
        down, right = y - top, x - left
        return (
            (1 - down) * (1 - right) * pixel(top, left)
            + (1 - down) * right * pixel(top, left + 1)
            + down * (1 - right) * pixel(top + 1, left)
            + down * right * pixel(top + 1, left + 1)
        )

    v, u = np.indices((height, width)).astype(np.float64)
    y, x = v - (height - 1) / 2, u - (width - 1) / 2
    for _ in range(iterations):
        image = (at(v + rho[1] * y, u + rho[0] * x) + at(v - rho[3] * y, u - rho[2] * x)) / 2
    return image


@pytest.mark.parametrize("axes, count", [("shared", 3), ("independent", 12)])
def test_a_rho_for_each_colour_is_each_channel_s_own_blur(axes, count):
    op = RadialBlur(rho=(0.01, 0.08), axes=axes, channels="independent")
    assert len(op.parameters) == count
    assert op.parameters[0] == ("rho_red" if count == 3 else "rho_red_expand_x")
    images = noise(3, 3, 19, 26).double()
    parameters = torch.from_numpy(op.decide(np.random.default_rng(0).random((3, count))))
    found = op.apply(images, parameters).numpy()
    for image, out, numbers in zip(images.numpy(), found, parameters.numpy(), strict=True):
        for channel, rho in enumerate(numbers.reshape(3, -1)):
            expected = float64_reference(image[channel], np.broadcast_to(rho, 4) if count == 3 else rho)
            np.testing.assert_allclose(out[channel], expected, atol=1e-12)
    last = op.apply(images.float().contiguous(memory_format=torch.channels_last), parameters.float())
    np.testing.assert_allclose(last.numpy(), found, atol=1e-5)


def test_equal_rho_of_all_colours_are_the_ordinary_blur():
    images = noise(2, 3, 20, 24)
    colours = RadialBlur(channels="independent").apply(images, torch.tensor([[0.01] * 3, [0.02] * 3]))
    torch.testing.assert_close(colours, RadialBlur().apply(images, torch.tensor([[0.01], [0.02]])))


def test_a_grey_image_takes_the_rho_of_green_and_others_are_refused():
    op, parameters = RadialBlur(channels="independent"), torch.tensor([[0.01, 0.02, 0.05]] * 2)
    grey = noise(2, 1, 12, 12)
    assert torch.equal(op.apply(grey, parameters), radial_blur(grey, 0.02))
    with pytest.raises(ImbalkitError, match=r"needs images of 3 channels \(or 1\), got 4"):
        op.apply(noise(2, 4, 12, 12), parameters)


def test_the_first_rho_stays_what_it_was():
    """Row keys decide the draws one after the other: recipes of before keep their pixels."""
    plan = Plan.from_labels([0, 1, 1], seed=3)
    rows = np.arange(3)
    one, many = (plan.parameters(rows, 0, op) for op in (RadialBlur(), RadialBlur(channels="independent")))
    assert one.shape == (3, 1)
    assert many.shape == (3, 3)
    np.testing.assert_array_equal(one[:, 0], many[:, 0])
