"""Conformance checks for plugin parts: `check_part(MyLoss, gamma=2.0)` in a plugin's own tests.

Every check raises AssertionError saying what was expected, of which part, and what it got. `imbalkit`'s own test suite
runs them over the whole catalogue.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from imbalkit.kinds import Part

_MODULES = {
    "sampler": "samplers",
    "op": "images",
    "augmentation": "images",
    "backbone": "images",
    "loss": "losses",
    "score": "losses",
    "order": "orders",
    "mixer": "mixers",
    "head": "heads",
    "stage": "stages",
    "metric": "metrics",
    "calibrator": "decisions",
    "threshold": "decisions",
    "dataset": "outside",
    "container": "outside",
    "exporter": "outside",
    "launcher": "launchers",
}


@dataclass(frozen=True)
class Setting:
    """What the checks assume of the data.

    Attributes:
        classes: class names; parameters that name classes must name these
        counts: training rows of each class
        image_size: height and width in px
        channels: colour channels
        build: whether to build and run the part (False: only its specification is checked, as for weights that would
            have to be downloaded or a scheduler that is not there)
        seed: of the checks' random numbers
    """

    classes: tuple[str, ...] = ("benign", "malignant")
    counts: tuple[int, ...] = (40, 9)
    image_size: tuple[int, int] = (32, 32)
    channels: int = 3
    build: bool = True
    seed: int = 0


def check_part(part: type[Part] | Part, *, setting: Setting | None = None, **example: Any) -> None:
    """Check that a part keeps the rules of its kind.

    Args:
        part: its class, with `example` as its parameters; or an instance
        setting: classes, counts and image size that the checks use
        example: parameters as a recipe gives them; all that are required

    Raises:
        AssertionError: a rule is broken
        MissingExtraError: a module that the part needs is not installed
    """
    from imbalkit.testing.common import check_specification

    setting = setting or Setting()
    if isinstance(part, Part):
        if example:
            raise TypeError("give parameters with a class, or an instance that holds them")
        specification = part
    else:
        known = isinstance(part, type) and issubclass(part, Part)
        assert known, f"expected a subclass of imbalkit.kinds.Part, got {part!r}"
        try:
            specification = part.model_validate(example, context={"classes": setting.classes})
        except ValidationError as error:
            raise AssertionError(
                f"{part.__name__} does not accept the example {example} (give every required parameter): {error}"
            ) from error
    check_specification(specification)
    if setting.build:
        specification.check_requirements()
        module = importlib.import_module(f"imbalkit.testing.{_MODULES[specification.kind]}")
        getattr(module, f"check_{specification.kind}")(specification, setting)


__all__ = ["Setting", "check_part"]
