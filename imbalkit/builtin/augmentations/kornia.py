"""Any augmentation of Kornia's by its class name."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from imbalkit.kinds import Augmentation, BuildContext, ImbalkitError, listing, nearest, param

if TYPE_CHECKING:
    from torch import nn


class Kornia(Augmentation):
    """A class of kornia.augmentation for images, such as RandomRotation, with its options."""

    name = "kornia"

    transform: str = param(help="class of kornia.augmentation, such as RandomRotation or ColorJiggle", min_length=1)
    options: dict[str, Any] = param({}, help="its options by name, such as {degrees: 10, p: 0.5}; lists become tuples")

    def problems(self) -> list[tuple[str, str]]:
        """What only Kornia can tell: (parameter, message)."""
        try:
            self.build(BuildContext(("0", "1"), (1, 1)))
        except ImbalkitError as error:
            return [("transform", str(error))]
        return []

    def build(self, context: BuildContext) -> nn.Module:
        """The Kornia module. Raises ImbalkitError for an unknown class or option, or a value that Kornia refuses."""
        known = kornia_classes()
        if self.transform not in known:
            raise ImbalkitError(
                f"augmentation 'kornia': kornia.augmentation has no image augmentation {self.transform!r}"
                f"{nearest(self.transform, known)} (known: {listing(known, 100)})"
            )
        built = known[self.transform]
        parameters = inspect.signature(built).parameters
        for option in self.options:
            if option not in parameters:
                raise ImbalkitError(
                    f"augmentation 'kornia': {self.transform} has no option {option!r}{nearest(option, parameters)} "
                    f"(options: {listing(parameters, 40)})"
                )
        missing = [key for key, value in parameters.items() if value.default is value.empty and key not in self.options]
        if missing:
            raise ImbalkitError(f"augmentation 'kornia': {self.transform} needs the options {listing(missing)}")
        try:
            return built(**{key: _as_tuple(value) for key, value in self.options.items()})
        except Exception as error:  # Kornia refuses values with many types; all are the recipe's mistake
            raise ImbalkitError(
                f"augmentation 'kornia': {self.transform} refuses the options {self.options}: "
                f"{type(error).__name__}: {error}"
            ) from error


def kornia_classes() -> dict[str, type[nn.Module]]:
    """Kornia's augmentations of 2D images by class name, without base classes."""
    import kornia.augmentation as library
    from kornia.augmentation._2d.base import AugmentationBase2D

    return {
        name: item
        for name, item in sorted(vars(library).items())
        if inspect.isclass(item) and issubclass(item, AugmentationBase2D) and "Base2D" not in name
    }


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(item) for item in value) if isinstance(value, list | tuple) else value
