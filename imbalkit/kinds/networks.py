"""Networks and what they are trained with: backbones, losses, augmentations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from imbalkit.base.parameters import Part, part_of
from imbalkit.kinds.common import BuildContext, PriorShift
from imbalkit.kinds.teachers import Teacher

if TYPE_CHECKING:
    from torch import nn

    from imbalkit.kinds.orders import Order


class Loss(Part):
    """`build` returns a module: `module(logits [n, C], targets int64 [n])` gives a loss for each row, [n], or a scalar.

    A scalar counts as the mean over its rows. With `by_row = False` the module sees all rows of a batch together, whatever
    parts and devices the batch is spread over. The optimiser trains the network alone: parameters of a module
    that need a gradient are refused. Methods that it may have besides:

    - `class_weights() -> [C]`: logged after each epoch
    - `epoch_started(epoch)`: called before each epoch with its number, from 0, of `context.epochs`
    - `epoch_finished()`: called after each epoch
    - `needs_features = True`: then called with `features=`, what the head saw, float [n, F]
    - `needs_teacher = True`, of a loss with `taught_by`: then called with `teacher=`, float32 [n, C], logarithms of the teacher's
      probabilities of each row's source picture, at the class prior that training leads to: the loss is least where they lead,
      as far as the teacher is right (after the map of `prior_shift`, if it has one)
    - `statistics(logits, targets) -> Tensor`, `update(total)` and an attribute `needs_statistics`, for a loss that counts: the
      engine sums the statistics over the parts of an accumulated batch and over processes, calls
      `module(logits, targets, statistics=total)` for each part (with the whole total if `needs_statistics`), then `update(total)`
    """

    kind = "loss"
    by_row: ClassVar[bool] = True  # a row's loss depends on that row and constants alone, so that mixers can weigh it
    needs_normalised_head: ClassVar[bool] = False  # made for logits that are cosines times a scale: others are refused

    def prior_shift(self, context: BuildContext) -> PriorShift:
        """What it does to the class prior. Exact for cross entropy with a constant weight for each class; to override there."""
        return PriorShift(None, False, "it does not say how it weighs the classes")

    def first_epoch(self, epochs: int) -> int:
        """The first epoch, from 0, of which `prior_shift` holds; those before minimise something else. To override."""
        return 0

    @property
    def taught_by(self) -> Teacher | None:
        """The finished run that its module learns from; None: from the labels alone. To override."""
        return None

    def notes(
        self, classes: tuple[str, ...], rows: tuple[float, ...], positive: int | None, order: Order | None = None
    ) -> list[str]:
        """What a user should know who trains with it in that order: `rows` of each class are in a batch on average, [C]."""
        return []

    def build(self, context: BuildContext) -> nn.Module:
        raise NotImplementedError  # each part of this kind writes its own

    def build_map(self, values: Mapping[str, Any]) -> nn.Module:
        """The map of a `prior_shift` that has one, from its plain values, as metrics.json keeps them.

        A module from logits [n, C] at which the loss is least to logits of the true probabilities times the factors. It works at
        the precision of the logits (float64 in decisions, float32 in model files, whose formats must know its operations).
        To override for a map that is not among imbalkit.functional.maps.MAPS, where `values["name"]` is looked up.
        """
        from imbalkit.functional.maps import MAPS

        return MAPS[values["name"]](**{key: value for key, value in values.items() if key != "name"})


LossRef = Annotated[Loss, part_of("loss")]
"""The type of a parameter that holds a loss: one, its name, or a mapping with its name and parameters."""


@dataclass(frozen=True)
class Preprocessing:
    """What a backbone wants to be fed: (image - mean) / std, with the image in 0..1, at `size` (height, width) by default.

    `mean` and `std` are of each channel, or of all. Raises ValueError for others, for a std that is not positive and for a
    size that is not two positive numbers of pixels.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: tuple[int, int]

    def __post_init__(self) -> None:
        for name, values in (("mean", self.mean), ("std", self.std)):
            if not values or not all(map(math.isfinite, values)):
                raise ValueError(f"expected `{name}` to be one number, or one of each channel, got {list(values)}")
        if len(self.mean) != len(self.std) and min(len(self.mean), len(self.std)) > 1:
            raise ValueError(
                f"expected as many numbers in `mean` as in `std`, got {list(self.mean)} and {list(self.std)}"
            )
        if min(self.std) <= 0:
            raise ValueError(
                f"expected every number of `std` above 0, as images are divided by it, got {list(self.std)}"
            )
        if len(self.size) != 2 or min(self.size) <= 0:
            raise ValueError(f"expected `size` to be (height, width) in px, got {self.size}")


@dataclass(frozen=True)
class InitialWeights:
    """What a network starts from, for the record of a run.

    Attributes:
        source: a file, or the package or hub that the weights are from
        sha256: of the file
    """

    source: str
    sha256: str


class Backbone(Part):
    """`build` returns a module from normalised images [n, C, H, W] to features [n, F] with an attribute `num_features`.

    One that `reads` columns is for data without images: it is given encoded columns, float [n, W], with W and what stands where
    in `context.columns`.
    """

    kind = "backbone"
    reads: ClassVar[Literal["images", "columns"]] = "images"
    # The module has `group_matcher(coarse=False)`, as timm's models do: `training.optimizer.layer_decay` can tell its layers.
    has_layers: ClassVar[bool] = False

    def preprocessing(self) -> Preprocessing:
        """Normalisation and default input size."""
        raise NotImplementedError  # each part of this kind writes its own

    def initial_weights(self) -> InitialWeights | None:
        """The weights that it starts from, None for random ones; they are fetched where need be, at the start of a run.

        To override where parameters name weights. Raises DataError where they cannot be had.
        """
        return None

    def without_initial_weights(self) -> Backbone:
        """The same network with no weights to start from: called where a run's own weights are loaded next.

        To override where parameters name weights, as in `self.model_copy(update={"weights": None})`.
        """
        return self

    def build(self, context: BuildContext) -> nn.Module:
        raise NotImplementedError  # each part of this kind writes its own


BackboneRef = Annotated[Backbone, part_of("backbone")]


class Augmentation(Part):
    """Random online augmentation, drawn anew each epoch: `build` returns a module on float [n, C, H, W] in 0..1."""

    kind = "augmentation"

    def build(self, context: BuildContext) -> nn.Module:
        raise NotImplementedError  # each part of this kind writes its own


AugmentationRef = Annotated[Augmentation, part_of("augmentation")]
