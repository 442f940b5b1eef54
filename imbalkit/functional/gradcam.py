"""Where in a picture a network finds what speaks for a class (Grad-CAM, Selvaraju et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

LEAST = 4  # places in each direction that feature maps must have: two by two show nothing of where


def grad_cam(network: nn.Module, images: Tensor, targets: Tensor, *beside: Tensor) -> Tensor | None:
    """Heat maps of what speaks for a class against all others.

    Feature maps of the network, each weighed by the mean gradient of the target's log odds with respect to it, summed, with what
    speaks against the class cut off. They are the last ones with `LEAST` places in each direction, or the
    largest if none have as many.
    The log odds, and not the logit as in the paper: a logit alone means nothing after a softmax, where only differences count.

    Args:
        network: images [n, C, H, W] to logits [n, classes]; its weights and mode stay as they are
        images: float [n, C, H, W]
        targets: class codes, int64 [n]
        beside: what else the network takes of each image, [n, ...]

    Returns:
        float32 [n, h, w] >= 0 at the size of the feature maps, not scaled; None for a network without such maps, as a
        transformer's: its tokens have no last map of places
    """
    maps = _last_maps(network, images[:1], *(value[:1] for value in beside))
    if maps is None:
        return None
    maps_seen: list[Tensor] = []

    def keep(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        maps_seen.append(output if output.requires_grad else output.requires_grad_())
        return output

    hook = maps.register_forward_hook(keep)
    try:
        with torch.enable_grad():
            logits = network(images, *beside).float()
            odds = _log_odds(logits, targets.to(logits.device))
            (gradient,) = torch.autograd.grad(odds.sum(), maps_seen[-1])
    finally:
        hook.remove()
    found, gradient = maps_seen[-1].detach().float(), gradient.float()
    weights = gradient.mean(dim=(2, 3), keepdim=True)  # [n, maps, 1, 1]
    return (weights * found).sum(dim=1).clamp_min(0)


def mean_of_maps(maps: Sequence[Tensor]) -> Tensor:
    """The mean of several networks' heat maps of the same pictures, each map scaled to a largest value of 1.

    Args:
        maps: float [n, h, w] >= 0 each, of any sizes

    Returns:
        float32 [n, H, W] in 0..1 at the largest height and width; 0 where no network has anything
    """
    size = [max(each.shape[axis] for each in maps) for axis in (1, 2)]
    found = torch.zeros(len(maps[0]), *size)
    for each in maps:
        scaled = (
            each.float().cpu() / each.amax(dim=(1, 2), keepdim=True).clamp_min(torch.finfo(torch.float32).tiny).cpu()
        )
        found += nn.functional.interpolate(scaled[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]
    return found / len(maps)


def _log_odds(logits: Tensor, targets: Tensor) -> Tensor:
    """ln p / (1 - p) of each row's target, [n]."""
    chosen = nn.functional.one_hot(targets, logits.shape[1]).bool()
    others = logits.masked_fill(chosen, float("-inf"))
    return logits[chosen] - others.logsumexp(dim=1)


@torch.no_grad()
def _last_maps(network: nn.Module, image: Tensor, *beside: Tensor) -> nn.Module | None:
    """The module, called once, that gives the last feature maps [1, c, h, w] with some places; None after tokens."""
    seen: list[tuple[nn.Module, tuple[int, ...]]] = []

    def note(module: nn.Module) -> Callable[..., None]:
        def hook(layer: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and layer is not network:
                seen.append((layer, tuple(output.shape)))

        return hook

    hooks = [module.register_forward_hook(note(module)) for module in network.modules()]
    try:
        network(image, *beside)
    finally:
        for hook in hooks:
            hook.remove()
    tokens = max((place for place, (_, shape) in enumerate(seen) if len(shape) == 3 and shape[1] > 1), default=-1)
    calls = [id(module) for module, _ in seen]
    maps = [
        (min(shape[2:]), module)
        for place, (module, shape) in enumerate(seen)
        if place > tokens and len(shape) == 4 and shape[2] * shape[3] > 1 and calls.count(id(module)) == 1
    ]
    large = [module for places, module in maps if places >= LEAST]
    if large:
        return large[-1]
    return max(maps, key=lambda entry: entry[0])[1] if maps else None
