"""Layer-wise learning-rate decay: the nearer a layer is to the input, the less its pretrained weights move."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from torch import nn

from imbalkit.errors import TrainingError

_HEAD = "\0head"  # no matcher knows it


def layer_decay_groups(model: nn.Module, layer_decay: float, weight_decay: float) -> list[dict[str, Any]]:
    """Parameter groups with `lr_scale` = layer_decay^(layers - layer), as timm's `param_groups_layer_decay`.

    The layers of `model.body` are those of its `group_matcher(coarse=False)`: 0 is the stem, and the head is one above the last.
    The head and what is in no layer have the scale 1, as everything has in a model without a body (a head that trains on
    features). Biases and normalisation have no weight decay. Parameters without `requires_grad` are left out.

    Source: Clark et al. 2020 (ELECTRA, sec. 3.1); Bao et al. 2022 (BEiT) for pictures.

    Raises TrainingError for a body without layers.
    """
    layers, top = _layers(model)
    groups: dict[tuple[int, bool], dict[str, Any]] = {}
    for name, value in model.named_parameters():
        if not value.requires_grad:
            continue
        layer = layers.get(name, top)
        decays = bool(weight_decay) and value.ndim > 1 and not name.endswith(".bias")
        group = groups.setdefault(
            (layer, decays),
            {"params": [], "weight_decay": weight_decay if decays else 0.0, "lr_scale": layer_decay ** (top - layer)},
        )
        group["params"].append(value)
    return list(groups.values())


def _layers(model: nn.Module) -> tuple[dict[str, int], int]:
    """The layer of each parameter of the body by its name in the model, from 0, and that of the head."""
    body = getattr(model, "body", None)
    if body is None:
        return {}, 0
    matcher = getattr(body, "group_matcher", None)
    if matcher is None:
        raise TrainingError(
            f"training.optimizer.layer_decay: the network ({type(body).__name__}) has no `group_matcher` that tells its layers: "
            "take another model of timm, or leave out layer_decay"
        )
    from timm.models import group_parameters

    # The head as one more parameter: what no layer claims is grouped with it.
    named = [*body.named_parameters(), (_HEAD, None)]
    names: Any = SimpleNamespace(named_parameters=lambda: named)
    found = group_parameters(names, matcher(coarse=False), reverse=True)
    top = found[_HEAD]
    if top == 0:
        raise TrainingError(
            f"training.optimizer.layer_decay: all of the network ({type(body).__name__}) is one layer: leave out layer_decay"
        )
    return {f"body.{name}": layer for name, layer in found.items()}, top
