"""Checks of heads: logits of the right shape, also in half precision and from features of length 0."""

from __future__ import annotations

import torch

from imbalkit.kinds import BuildContext, Head
from imbalkit.testing import Setting
from imbalkit.testing.common import title

FEATURES = 12


def check_head(part: Head, setting: Setting) -> None:
    """Every rule of kinds.Head, with the setting's classes and with three."""
    for classes in (setting.classes, ("a", "b", "c")):
        context = BuildContext(classes, (5,) * len(classes), None, setting.image_size, setting.channels, setting.seed)
        who = f"{title(part)} with {len(classes)} classes"
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(setting.seed)
            head = part.build(context, FEATURES)
            features = torch.randn(6, FEATURES, requires_grad=True)
        for what, given in {"float32": features, "length 0": features * 0, "bfloat16": features.bfloat16()}.items():
            with torch.autocast("cpu", torch.bfloat16, enabled=given.dtype == torch.bfloat16):
                logits = head(given)
            assert list(logits.shape) == [6, len(classes)], (
                f"{who}, {what}: expected logits [6, {len(classes)}], got {list(logits.shape)}"
            )
            assert torch.isfinite(logits).all(), f"{who}, {what}: logits are not finite"
            (slope,) = torch.autograd.grad(logits.float().sum(), features)
            assert torch.isfinite(slope).all(), f"{who}, {what}: the gradient is not finite"
        if part.normalised:
            longer = head(features * 7)
            assert torch.allclose(longer, head(features), atol=1e-4), (
                f"{who}: normalised, but longer features change logits"
            )
            largest = head(torch.randn(200, FEATURES)).abs().max()
            assert largest <= part.logit_scale * 1.001, (
                f"{who}: logits of {largest:.3g} are more than logit_scale, {part.logit_scale}"
            )
