"""Modules of parts as a training uses them: what they return is checked, as a wrong shape would broadcast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from imbalkit.base.parameters import Part, with_origin
from imbalkit.errors import PluginError, listing
from imbalkit.kinds import Augmentation, BuildContext, Loss, Mixer, Score

Scores = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # of logits [n, C] and labels int64 [n]: float [n]


def build_loss(loss: Loss, context: BuildContext) -> nn.Module:
    """The module of a loss; a value that is neither a scalar nor one for each row raises PluginError."""

    def check(module: nn.Module, given: tuple[Any, ...], value: Any) -> None:
        rows = len(given[1])
        if _shape(value) not in ([], [rows]):
            raise PluginError(
                f"{with_origin(loss)} must give a loss for each row, [{rows}], or a scalar, got {_text(value)}"
            )

    return _checked(loss, loss.build(context), check)


def build_mixer(mixer: Mixer, context: BuildContext) -> nn.Module:
    """The module of a mixer; images of another shape, or shares that are not one for each row, raise PluginError."""

    def check(module: nn.Module, given: tuple[Any, ...], found: Any) -> None:
        images, expected = given[0], [_shape(given[0]), [len(given[0])]]
        if not isinstance(found, tuple) or [_shape(value) for value in found] != expected:
            got = ", ".join(map(_text, found)) if isinstance(found, tuple) else _text(found)
            raise PluginError(
                f"{with_origin(mixer)} must give mixed images {_shape(images)} and a share for each row {expected[1]}, got {got}"
            )

    return _checked(mixer, mixer.build(context), check)


def build_augmentation(augmentation: Augmentation, context: BuildContext) -> nn.Module:
    """The module of an augmentation; images of another shape raise PluginError."""

    def check(module: nn.Module, given: tuple[Any, ...], images: Any) -> None:
        if _shape(images) != _shape(given[0]):
            raise PluginError(f"{with_origin(augmentation)} must give images {_shape(given[0])}, got {_text(images)}")

    return _checked(augmentation, augmentation.build(context), check)


def build_score(score: Score, context: BuildContext) -> Scores:
    """The function of a score; anything but a number for each row raises PluginError."""
    compute = score.build(context)

    def checked(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        found = compute(logits, labels)
        if _shape(found) != [len(labels)]:
            raise PluginError(
                f"{with_origin(score)} must give a number for each row, [{len(labels)}], got {_text(found)}"
            )
        return found

    return checked


def untrained(module: nn.Module) -> list[str]:
    """Names of the parameters of a loss, mixer or augmentation that need a gradient: the optimiser trains the network alone."""
    return [name for name, value in module.named_parameters() if value.requires_grad]


def _checked(part: Part, module: Any, check: Callable[..., None]) -> nn.Module:
    """The module with its check. Raises PluginError for one that is none, or has parameters that nothing would train."""
    if not isinstance(module, nn.Module):
        raise PluginError(f"`build` of {with_origin(part)} must return a torch.nn.Module, got {type(module).__name__}")
    if own := untrained(module):
        raise PluginError(
            f"{with_origin(part)} has parameters ({listing(own)}), which the optimiser does not train: it trains the network. "
            "Keep what stays, or what the module updates itself, in buffers (register_buffer, requires_grad_(False)); "
            "what is to be learnt belongs in a head"
        )
    module.register_forward_hook(check)
    return module


def _shape(value: Any) -> list[int] | None:
    return list(value.shape) if isinstance(value, torch.Tensor) else None


def _text(value: Any) -> str:
    return type(value).__name__ if _shape(value) is None else str(_shape(value))
