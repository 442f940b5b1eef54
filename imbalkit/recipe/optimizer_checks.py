"""Which options an optimiser takes; timm leaves some of the others out without a word."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Iterable
from typing import Any

from imbalkit.errors import listing, nearest
from imbalkit.recipe.recipe import OptimizerSettings

_BESIDE = ("lr", "weight_decay")  # keys of the recipe, which would be given twice
_OF_TIMM = {
    "filter_bias_and_bn": True,
    "fallback_list": (),
    "fallback_no_weight_decay": False,
}  # of its parameter groups


def name_problem(name: str) -> str | None:
    """Why a known optimiser of timm's cannot train here: its package or a GPU is missing, or it needs second derivatives."""
    import torch
    from timm.optim import get_optimizer_info

    info = get_optimizer_info(name)
    if info.second_order:
        return f"{name!r} needs second derivatives, which training does not compute: take another one"
    if isinstance(info.opt_class, str):
        package = info.opt_class.partition(".")[0]
        if importlib.util.find_spec(package) is None:
            return f"{name!r} needs the package {package}, which is not installed"
        if not torch.cuda.is_available():
            return f"{name!r} of {package} needs a CUDA GPU, and this machine has none"
    return None


def option_problems(settings: OptimizerSettings) -> Iterable[str]:
    """What is wrong with `options` of an optimiser that timm knows: names that it does not take, values that it refuses."""
    from timm.optim import get_optimizer_info

    made_by = get_optimizer_info(settings.name).opt_class
    if not settings.options or isinstance(made_by, str):  # of a package that may need a GPU to be imported
        return
    own = {name: each.default for name, each in inspect.signature(made_by).parameters.items()}
    grouped = {} if settings.layer_decay is not None else _OF_TIMM  # the groups of layers are not timm's
    taken = {name: default for name, default in {**own, **grouped}.items() if name not in ("params", *_BESIDE)}
    found = [text for name, value in settings.options.items() if (text := _wrong(name, value, taken, settings.name))]
    yield from found or _refused(settings)


def _wrong(name: str, value: object, taken: dict[str, Any], optimizer: str) -> str | None:
    if name in _BESIDE:
        return f"cannot set {name!r}: write it beside `options`"
    if name not in taken:
        return f"{optimizer} does not take {name!r}{nearest(name, taken)} (options: {listing(taken, 30)})"
    if isinstance(taken[name], bool) and not isinstance(value, bool):
        return f"{name!r} of {optimizer} is true or false, got {value!r}"
    return None


def _refused(settings: OptimizerSettings) -> Iterable[str]:
    """Why the optimiser cannot be built, or take a step, with its options."""
    import torch
    from timm.optim import create_optimizer_v2

    layer = torch.nn.Linear(2, 2)
    try:
        optimizer = create_optimizer_v2(layer, settings.name, lr=settings.lr, **settings.options)
        layer(torch.ones(1, 2)).sum().backward()
        optimizer.step()
    except Exception as error:  # each optimiser refuses in its own way
        yield f"{settings.name} does not take {settings.options}: {str(error) or type(error).__name__}"
