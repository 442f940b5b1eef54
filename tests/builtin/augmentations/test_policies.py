"""RandAugment and TrivialAugment: each operation against torchvision's own classes, and a draw for each image."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import chisquare
from torchvision.transforms import v2
from torchvision.transforms.v2 import InterpolationMode

from imbalkit.builtin.augmentations import RandAugment, TrivialAugment
from imbalkit.functional.policies import GEOMETRIC, OPERATIONS, drawn, rand_augment, trivial_augment
from imbalkit.kinds import BuildContext

CONTEXT = BuildContext(classes=("a", "b"), counts=(3, 2))
PARTS = [RandAugment(), RandAugment(num_ops=3, magnitude=30), TrivialAugment()]
THEIRS = {
    "identity": "Identity", "shear_x": "ShearX", "shear_y": "ShearY", "translate_x": "TranslateX", "translate_y": "TranslateY",
    "rotate": "Rotate", "brightness": "Brightness", "color": "Color", "contrast": "Contrast", "sharpness": "Sharpness",
    "posterize": "Posterize", "solarize": "Solarize", "auto_contrast": "AutoContrast", "equalize": "Equalize",
}  # fmt: skip


def images(count=4, channels=3, height=40, width=52):
    grid = torch.rand(count, channels, 5, 5, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(grid, (height, width), mode="bicubic").clamp(0, 1)
    return (smooth * 255).round() / 255


def numbers(name, strength=0.0, sign=1):
    return [(OPERATIONS.index(name) + 0.5) / len(OPERATIONS), strength, 0.75 if sign > 0 else 0.25]


def torchvision_s(image, theirs, name, strength, sign):
    """What torchvision's class does to an image by that operation, at that of its 31 strengths."""
    magnitudes, signed = theirs._AUGMENTATION_SPACE[THEIRS[name]]
    values = magnitudes(31, *image.shape[1:])
    magnitude = 0.0 if values is None else float(values[strength]) * (sign if signed else 1)
    return theirs._apply_image_or_video_transform(
        image, THEIRS[name], magnitude, InterpolationMode.NEAREST, theirs._fill
    )


@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("strength", [1, 9, 22, 30])
@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("policy", ["rand", "trivial"])
def test_every_operation_is_torchvision_s(policy, name, strength, sign, channels):
    given = images(2, channels)
    if policy == "rand":
        found = rand_augment(given, torch.tensor([[numbers(name, 0.0, sign)]] * 2), strength)
        theirs = v2.RandAugment
    else:
        found = trivial_augment(given, torch.tensor([[numbers(name, (strength + 0.5) / 31, sign)]] * 2))
        theirs = v2.TrivialAugmentWide
    expected = torch.stack([torchvision_s(image, theirs(), name, strength, sign) for image in given]).clamp(0, 1)
    if name == "posterize" and strength == 1:
        expected = given  # to 8 bits: torchvision's moves every value down a step
    wrong = (found - expected).abs() > 1e-5
    # The nearest pixel of a position half-way between two is a matter of rounding.
    assert wrong.float().mean() <= (0.01 if name in GEOMETRIC else 0)


def test_at_magnitude_0_nothing_changes():
    torch.manual_seed(0)
    for channels in (1, 3):
        given = images(40, channels)
        assert torch.equal(RandAugment(magnitude=0, num_ops=4).build(CONTEXT)(given), given)


@pytest.mark.parametrize("name", OPERATIONS[:-2])
def test_at_strength_0_an_operation_with_a_strength_changes_nothing(name):
    assert torch.equal(trivial_augment(images(), torch.tensor([[numbers(name)]] * 4)), images())


def test_operations_strengths_and_signs_are_equally_likely_and_drawn_for_each_image():
    torch.manual_seed(1)
    seen = [drawn(row, None) for row in torch.rand(8000, 3, dtype=torch.float64).tolist()]
    for values, count in (
        ([one.name for one in seen], len(OPERATIONS)),
        ([round(one.share * 30) for one in seen], 31),
        ([one.sign for one in seen], 2),
    ):
        counts = [values.count(value) for value in set(values)]
        assert len(counts) == count
        assert chisquare(counts).pvalue > 1e-4
    one = images(1).expand(60, -1, -1, -1)
    out = TrivialAugment().build(CONTEXT)(one)
    assert len({picture.numpy().tobytes() for picture in out}) > 40


@pytest.mark.parametrize("part", PARTS, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("channels", [1, 3])
def test_shape_type_range_and_seed(part, dtype, channels):
    module, given = part.build(CONTEXT), images(50, channels).to(dtype)
    before = given.clone()

    def seeded(seed):
        torch.manual_seed(seed)
        return module(given)

    out = seeded(3)
    assert out.dtype == dtype
    assert out.shape == given.shape
    assert out.min() >= 0
    assert out.max() <= 1
    assert torch.equal(given, before)
    assert torch.equal(out, seeded(3))
    assert not torch.equal(out, seeded(4))


def test_an_image_does_not_depend_on_its_neighbours():
    uniforms = torch.rand(30, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    together = rand_augment(images(30), uniforms, 9)
    alone = torch.cat([rand_augment(images(30)[i : i + 1], uniforms[i : i + 1], 9) for i in range(30)])
    assert torch.allclose(together, alone, atol=1e-6)


def test_pixels_on_the_edge_of_the_range():
    """White stays white under solarize and posterize of no strength, and nothing leaves 0..1."""
    white = torch.ones(3, 3, 8, 8)
    uniforms = torch.tensor([[numbers("solarize")], [numbers("posterize")], [numbers("equalize")]])
    assert torch.equal(trivial_augment(white, uniforms), white)


@pytest.mark.parametrize("values", [{"magnitude": 31}, {"num_ops": 0}, {"magnitude": 2.5}])
def test_values_are_checked(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        RandAugment(**values)
