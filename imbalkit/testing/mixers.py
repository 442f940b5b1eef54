"""Checks of mixers: images that stay images, shares that are shares."""

from __future__ import annotations

import numpy as np
import torch

from imbalkit.base.randomness import generator
from imbalkit.kinds import BuildContext, Mixer, Order, PriorShift
from imbalkit.testing import Setting
from imbalkit.testing.common import check_module, title


def check_mixer(part: Mixer, setting: Setting) -> None:
    """Every rule of kinds.Mixer, on batches of several rows, of one, and in half precision."""
    who, classes = title(part), len(setting.classes)
    context = BuildContext(setting.classes, setting.counts, None, setting.image_size, setting.channels, setting.seed)
    shift = part.prior_shift(context)
    assert isinstance(shift, PriorShift), f"{who}: prior_shift must return a PriorShift, got {type(shift).__name__}"
    assert shift.why.strip(), f"{who}: prior_shift must say why"
    assert part.partners is None or isinstance(part.partners, Order), f"{who}: partners must be an order, or None"
    module = part.build(context)
    check_module(part, module)
    for rows, dtype in ((16, torch.float32), (1, torch.float32), (5, torch.bfloat16)):
        what = f"{who}, {rows} rows of {dtype}"
        rng = generator(setting.seed, "mixer", rows)
        shape = (rows, setting.channels, *setting.image_size)
        images, partners = (torch.from_numpy(rng.random(shape)).to(dtype) for _ in range(2))
        labels, others = (torch.from_numpy(rng.integers(0, classes, rows)) for _ in range(2))
        given = images.clone(), partners.clone()
        mixed, share = module(images, labels, partners, others, generator(setting.seed, "draws"))
        as_given = mixed.shape == images.shape and mixed.dtype == dtype
        assert as_given, f"{what}: got images {list(mixed.shape)} {mixed.dtype}"
        assert list(share.shape) == [rows], (
            f"{what}: expected a share of its own label for each row, got {list(share.shape)}"
        )
        assert bool(((share >= 0) & (share <= 1)).all()), f"{what}: shares must lie in 0..1, got {share.tolist()}"
        assert bool(((mixed >= -1e-3) & (mixed <= 1.001)).all()), f"{what}: mixed images leave 0..1"
        untouched = torch.equal(images, given[0]) and torch.equal(partners, given[1])
        assert untouched, f"{what}: changed the images it was given"
        again = module(images, labels, partners, others, generator(setting.seed, "draws"))
        same = torch.equal(again[0], mixed) and torch.equal(again[1], share)
        assert same, f"{what}: another mixture with the same generator: draw from `rng` alone"
        assert np.isfinite(share.double().numpy()).all(), f"{what}: shares are not finite"
