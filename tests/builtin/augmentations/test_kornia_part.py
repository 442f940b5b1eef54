"""Kornia's augmentations by name."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from imbalkit.builtin.augmentations import Kornia
from imbalkit.builtin.augmentations.kornia import kornia_classes
from imbalkit.errors import ImbalkitError
from imbalkit.kinds import BuildContext

CONTEXT = BuildContext(classes=("a", "b"), counts=(3, 2))


def part(transform, **options):
    return Kornia.model_validate({"transform": transform, "options": options})


def test_builds_the_named_class_with_its_options():
    import kornia.augmentation as library

    built = part("RandomRotation", degrees=10, p=1.0).build(CONTEXT)
    assert isinstance(built, library.RandomRotation)
    images = torch.rand(4, 3, 16, 16)
    torch.manual_seed(5)
    ours = built(images)
    torch.manual_seed(5)
    assert torch.equal(ours, library.RandomRotation(degrees=10, p=1.0)(images))
    assert not torch.equal(ours, images)


def test_lists_of_a_recipe_become_tuples():
    built = part("CenterCrop", size=[12, 14]).build(CONTEXT)  # refuses a list
    assert built(torch.rand(2, 3, 16, 16)).shape == (2, 3, 12, 14)


def test_base_classes_and_mixes_are_left_out():
    known = kornia_classes()
    assert {"RandomRotation", "ColorJiggle", "RandomErasing"} <= set(known)
    assert not {"AugmentationBase2D", "IntensityAugmentationBase2D", "RandomMixUpV2", "RandomAffine3D"} & set(known)


WRONG = [
    (("RandomRotatoin", {}), "no image augmentation 'RandomRotatoin'; did you mean 'RandomRotation'"),
    (("AugmentationSequential", {}), "no image augmentation 'AugmentationSequential'"),
    (("RandomRotation", {"degree": 10}), "RandomRotation has no option 'degree'; did you mean 'degrees'"),
    (("RandomRotation", {}), "RandomRotation needs the options degrees"),
    (("RandomRotation", {"degrees": "ten"}), "RandomRotation refuses the options {'degrees': 'ten'}"),
]


@pytest.mark.parametrize("arguments, message", WRONG)
def test_mistakes_are_named_when_built(arguments, message):
    transform, options = arguments
    with pytest.raises(ImbalkitError, match=message):
        part(transform, **options).build(CONTEXT)


def test_checking_a_recipe_imports_neither_torch_nor_kornia():
    code = (
        "import sys; from imbalkit.builtin.augmentations import AUGMENTATIONS, Kornia; from imbalkit.builtin.ops import OPS;"
        "Kornia(transform='RandomRotation', options={'degrees': 10}); [part.model_json_schema() for part in OPS];"
        "sys.exit(', '.join({'torch', 'kornia'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr.strip() == ""
