"""Checks of operations, augmentations and backbones."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from imbalkit.base.randomness import uniforms
from imbalkit.errors import ImbalkitError
from imbalkit.kinds import Augmentation, Backbone, BuildContext, Op
from imbalkit.testing import Setting
from imbalkit.testing.common import check_module, title
from imbalkit_lite.columns import CategoryColumn, ColumnEncoding, NumberColumn

_COLUMNS = ColumnEncoding((NumberColumn("size", 0.0, 1.0), CategoryColumn("site", ("arm", "leg"))))


def _images(rows: int, channels: int, height: int, width: int, seed: int) -> torch.Tensor:
    return torch.rand(rows, channels, height, width, generator=torch.Generator().manual_seed(seed))


def check_op(part: Op, setting: Setting) -> None:
    """Every rule of kinds.Op."""
    who = title(part)
    height, width = setting.image_size
    assert part.label.strip(), f"{who}: `label` is empty"
    numbers = uniforms(setting.seed, np.arange(6, dtype=np.uint64), 0, len(part.parameters))
    given = numbers.copy()
    decided = np.asarray(part.decide(numbers))
    assert decided.shape == numbers.shape, f"{who}: `decide` must return {numbers.shape}, got {decided.shape}"
    assert np.isfinite(decided).all(), f"{who}: `decide` gives numbers that are not finite"
    assert np.array_equal(numbers, given), f"{who}: `decide` changed the uniform numbers it was given"
    assert np.array_equal(decided, part.decide(given)), f"{who}: `decide` gives other parameters when called again"
    alone = np.concatenate([part.decide(given[i : i + 1]) for i in range(len(given))])
    assert np.array_equal(alone, decided), f"{who}: the parameters of a row depend on the rows beside it"

    side = min(height, width)
    sizes = [(setting.channels, side, side), (1, side, side)]
    if not part.square_only:
        sizes += [(setting.channels, side, side + 5), (setting.channels, side + 3, side)]
    parameters = torch.from_numpy(decided.astype(np.float32))
    if part.square_only:
        try:
            part.apply(_images(6, setting.channels, side, side + 5, setting.seed), parameters)
        except ImbalkitError:
            pass
        else:
            raise AssertionError(f"{who}: is square_only, and must refuse other images with an ImbalkitError")
    for channels, high, wide in sizes:
        for dtype in (torch.float32, torch.float64):
            images = _images(6, channels, high, wide, setting.seed).to(dtype)
            _check_apply(f"{who} on {channels} x {high} x {wide} {dtype}", part, images, parameters)


def _check_apply(who: str, part: Op, images: torch.Tensor, parameters: torch.Tensor) -> None:
    given = images.clone()
    out = part.apply(images, parameters)
    hint = "; if it swaps height and width, set square_only = True" if images.shape[2] != images.shape[3] else ""
    assert out.shape == images.shape, f"{who}: expected shape {list(images.shape)}, got {list(out.shape)}{hint}"
    assert out.dtype == images.dtype, f"{who}: expected {images.dtype}, got {out.dtype}"
    assert torch.equal(images, given), f"{who}: `apply` changed the images it was given"
    assert torch.isfinite(out).all(), f"{who}: pixels are not finite"
    low, high = float(out.min()), float(out.max())
    assert min(low, 1 - high) >= -1e-4, f"{who}: pixels leave 0..1 ({low:.4g} to {high:.4g})"
    assert torch.equal(out, part.apply(images, parameters)), (
        f"{who}: same images and parameters, other pixels (random?)"
    )
    alone = torch.cat([part.apply(images[i : i + 1], parameters[i : i + 1]) for i in range(len(images))])
    assert torch.allclose(alone, out, atol=1e-5), f"{who}: the pixels of a row depend on the rows beside it"


def check_augmentation(part: Augmentation, setting: Setting) -> None:
    """Every rule of kinds.Augmentation."""
    context = _context(setting)
    module = part.build(context)
    check_module(part, module)
    for rows in (5, 1):
        images = _images(rows, setting.channels, *setting.image_size, setting.seed)
        given = images.clone()
        out = module(images)
        who = f"{title(part)} on {rows} images"
        assert out.shape == images.shape, f"{who}: expected shape {list(images.shape)}, got {list(out.shape)}"
        assert out.dtype == images.dtype, f"{who}: expected {images.dtype}, got {out.dtype}"
        assert torch.isfinite(out).all(), f"{who}: pixels are not finite"
        low, high = float(out.min()), float(out.max())
        assert min(low, 1 - high) >= -1e-3, f"{who}: pixels leave 0..1 ({low:.4g} to {high:.4g})"
        assert torch.equal(images, given), f"{who}: the module changed the images it was given"


def check_backbone(part: Backbone, setting: Setting) -> None:
    """Every rule of kinds.Backbone."""
    who = title(part)
    try:
        part.preprocessing()
    except ValueError as error:
        raise AssertionError(f"{who}: `preprocessing` fails: {error}") from error
    module = part.build(_context(setting))
    assert isinstance(module, torch.nn.Module), (
        f"{who}: `build` must return a torch.nn.Module, got {type(module).__name__}"
    )
    features = getattr(module, "num_features", None)
    right = isinstance(features, int) and features > 0
    assert right, f"{who}: the module needs an int `num_features`, got {features!r}"
    if part.has_layers:
        assert hasattr(module, "group_matcher"), (
            f"{who}: has_layers, and the module has no group_matcher(coarse=False) as timm's models have"
        )
    if part.reads == "columns":
        rows: list[dict[str, Any]] = [{"size": 0.5, "site": "arm"}, {"size": -2.0}, {"site": "leg"}, {}]
        images = torch.from_numpy(_COLUMNS.encode(rows))
    else:
        images = _images(4, setting.channels, *setting.image_size, setting.seed)
    out = module.train()(images)
    assert list(out.shape) == [4, features], f"{who}: expected features [4, {features}], got {list(out.shape)}"
    out.sum().backward()
    gradients = [value.grad for value in module.parameters() if value.grad is not None]
    assert gradients, f"{who}: no gradient reaches a parameter"
    assert all(torch.isfinite(gradient).all() for gradient in gradients), f"{who}: a gradient is not finite"
    module.eval()
    with torch.no_grad():
        before = {name: value.clone() for name, value in module.state_dict().items()}
        one = module(images)
        assert torch.equal(one, module(images)), f"{who}: in eval mode two passes differ"
        assert torch.allclose(module(images[:1]), one[:1], rtol=1e-3, atol=1e-4), (
            f"{who}: a row depends on the rows beside it"
        )
        for name, old in before.items():
            assert torch.equal(old, module.state_dict()[name]), f"{who}: {name!r} changes in eval mode"
        again = part.without_initial_weights().build(_context(setting)).eval()
        again.load_state_dict(before)
        assert torch.allclose(again(images), one, atol=1e-5), (
            f"{who}: state_dict() in a new module gives other features"
        )


def _context(setting: Setting) -> BuildContext:
    return BuildContext(
        setting.classes,
        setting.counts,
        image_size=setting.image_size,
        channels=setting.channels,
        seed=setting.seed,
        columns=_COLUMNS,
    )
