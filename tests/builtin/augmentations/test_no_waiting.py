"""No augmentation reads a pixel on the host: each such look would make a GPU finish what it is doing first."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch

from imbalkit.builtin.augmentations import Dermoscopy, RandAugment, TrivialAugment
from imbalkit.kinds import BuildContext

PARTS = [Dermoscopy(), Dermoscopy(blur_p=1.0, cutout_p=1.0), RandAugment(num_ops=3), TrivialAugment()]


@pytest.mark.parametrize("part", PARTS, ids=str)
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_without_values_are_changed(part, channels, monkeypatch):
    """Tensors of the device "meta" have a shape alone: what asks for a value fails."""
    monkeypatch.setattr(torch, "autocast", lambda *given, **options: nullcontext())  # which knows no such device
    module = part.build(BuildContext(classes=("a", "b"), counts=(3, 2)))
    for seed in range(4):
        torch.manual_seed(seed)
        assert module(torch.rand(60, channels, 16, 16, device="meta")).shape == (60, channels, 16, 16)
