"""What a plugin registers: one base class a kind of part.

A part is a *specification*: a frozen pydantic model, free of torch, whose `name` is declared once and whose fields are its
recipe parameters (imbalkit.specification). Whatever is heavy is imported inside `build` (or `apply`, `load`), so that listing
parts, checking a recipe and planning never import torch. A plugin author reads this file and `hookspecs.py`.

Methods that raise NotImplementedError are those that a part of the kind must write; the conformance suite calls each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from imbalkit.specification import ClassName, Part, Settings, param, part_of

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

    from imbalkit.plan import Counts, Plan
    from imbalkit.table import Table

__all__ = [
    "KINDS",
    "Augmentation",
    "Backbone",
    "BackboneRef",
    "BuildContext",
    "Calibrator",
    "ClassName",
    "Dataset",
    "Exporter",
    "Launcher",
    "Loss",
    "LossRef",
    "Metric",
    "Op",
    "OpRef",
    "Part",
    "Predictions",
    "Preprocessing",
    "Sampler",
    "Score",
    "ScoreRef",
    "ScoredSampler",
    "Settings",
    "Threshold",
    "param",
    "part_of",
]

OpRef = part_of("op")
ScoreRef = part_of("score")
LossRef = part_of("loss")
BackboneRef = part_of("backbone")


@dataclass(frozen=True)
class BuildContext:
    """What a part may know when it is built."""

    classes: tuple[str, ...]
    counts: tuple[int, ...]  # training rows of each class in the current plan
    positive: int | None = None  # index of the positive class, None without one
    image_size: tuple[int, int] = (32, 32)  # height, width in px
    channels: int = 3
    seed: int = 0


class Dataset(Part):
    """Reads a user's data: `load()` returns a Table (imbalkit.table) of every sample, without decoding an image."""

    kind = "dataset"

    def load(self) -> Table:
        """All samples. Raises DataError with the file and row for what cannot be read."""
        raise NotImplementedError


class Op(Part):
    """An operation of a view: turns, flips, blurs. Random numbers become parameters first, pixels change later."""

    kind = "op"
    parameters: ClassVar[tuple[str, ...]] = ()  # names of what `decide` draws for each row
    square_only: ClassVar[bool] = False  # swaps height and width

    def decide(self, uniforms: np.ndarray) -> np.ndarray:
        """Uniform numbers, float64 [n, len(parameters)], to the parameters of n rows, float64 of the same shape."""
        return uniforms

    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        """Images, float [n, C, H, W] in 0..1, and their float32 [n, len(parameters)], to images of the same shape."""
        raise NotImplementedError

    @property
    def label(self) -> str:
        """The operation as a person reads it in a ladder or a gallery."""
        return self.name.replace("_", " ")


class Sampler(Part):
    """Adds or drops rows of a plan. A count among its parameters is always the final count of a class."""

    kind = "sampler"

    def resample(self, plan: Plan, rng: np.random.Generator) -> Plan:
        """The new plan; the given one stays as it is. Raises PlanError for the impossible."""
        raise NotImplementedError

    def preview(self, counts: Counts) -> Counts:
        """Class counts after `resample`, as ranges where only training can tell. Raises PlanError as `resample` does."""
        raise NotImplementedError

    def fit_resample(self, indices: Any, y: Any, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """For a user's own loop: resample `indices` by their labels `y`, both [n]; returns both of the new length."""
        from imbalkit.plan import fit_resample

        return fit_resample(self, indices, y, seed)


class ScoredSampler(Sampler):
    """A sampler that ranks rows by a score of a partly trained model. It names the score; the engine trains and scores."""

    score: ScoreRef = param("loss", help="what a row is ranked by", validate_default=True)
    loss: LossRef = param("ce", help="the loss that the rounds train with", validate_default=True)
    backbone: BackboneRef | None = param(None, help="the backbone of the rounds (default: the recipe's)")
    rounds: int = param(1, help="how often to train, score and drop", ge=1)
    epochs: int = param(4, help="training epochs in each round", unit="epochs", ge=1)
    between_rounds: Literal["keep", "reset"] = param(
        help="keep the model between rounds and train it further, or reset it and train anew"
    )

    def resample(self, plan: Plan, scores: np.ndarray, rng: np.random.Generator, round: int = 0) -> Plan:  # type: ignore[override]
        """The plan after round `round` (from 0); `scores` is float [rows of the plan]."""
        raise NotImplementedError

    def preview(self, counts: Counts, round: int | None = None) -> Counts:  # type: ignore[override]
        """Class counts after round `round`, or after all rounds if it is None."""
        raise NotImplementedError


class Score(Part):
    """What a model says of a row. `build` returns `f(logits [n, C], targets int64 [n]) -> float [n]`."""

    kind = "score"

    def build(self, context: BuildContext) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        raise NotImplementedError


class Loss(Part):
    """`build` returns a module: `module(logits [n, C], targets int64 [n])` gives a loss for each row, [n], or a scalar.

    A scalar counts as the mean over its rows. Methods that a module may have besides:

    - `class_weights() -> [C]`: logged after each epoch
    - `epoch_finished()`: called after each epoch
    - `statistics(logits, targets) -> Tensor`, `update(total)` and an attribute `needs_statistics`, for a loss that counts: the
      engine sums the statistics over the parts of an accumulated batch and over processes, calls
      `module(logits, targets, statistics=total)` for each part (with the whole total if `needs_statistics`), then `update(total)`
    """

    kind = "loss"

    def build(self, context: BuildContext) -> nn.Module:
        raise NotImplementedError


@dataclass(frozen=True)
class Preprocessing:
    """What a backbone wants to be fed: (image - mean) / std, with the image in 0..1, at `size` (height, width) by default."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: tuple[int, int]


class Backbone(Part):
    """`build` returns a module from normalised images [n, C, H, W] to features [n, F] with an attribute `num_features`."""

    kind = "backbone"

    def preprocessing(self) -> Preprocessing:
        """Normalisation and default input size."""
        raise NotImplementedError

    def without_initial_weights(self) -> Backbone:
        """The same network with no weights to start from: asked for where a run's own weights are loaded next.

        To override where parameters name weights, as in `self.model_copy(update={"weights": None})`.
        """
        return self

    def build(self, context: BuildContext) -> nn.Module:
        raise NotImplementedError


class Augmentation(Part):
    """Random online augmentation, drawn anew each epoch: `build` returns a module on float [n, C, H, W] in 0..1."""

    kind = "augmentation"

    def build(self, context: BuildContext) -> nn.Module:
        raise NotImplementedError


@dataclass(frozen=True)
class Predictions:
    """What a metric sees: the test rows' labels and probabilities, and the decisions made from them."""

    labels: np.ndarray  # int [n]
    probabilities: np.ndarray  # float [n, C]
    decisions: np.ndarray  # int [n]
    classes: tuple[str, ...]
    positive: int | None
    train_counts: tuple[int, ...] | None = None  # source training rows of each class, where they are known


class Metric(Part):
    """A figure on predictions. It returns NaN where it is not defined (an absent class), never a made-up number."""

    kind = "metric"
    higher_is_better: ClassVar[bool] = True

    def compute(self, predictions: Predictions) -> float | dict[str, float]:
        """One figure, or one a class (a mapping by class name)."""
        raise NotImplementedError


class Calibrator(Part):
    """Fitted on validation only. `fit` returns a function from logits [n, C] to calibrated logits [n, C].

    The function's attribute `fitted`, a mapping of plain values, goes into the run folder; `restore` makes it a function again.
    """

    kind = "calibrator"

    def fit(self, logits: np.ndarray, labels: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """`logits` float [n, C], `labels` int [n]."""
        raise NotImplementedError

    def restore(self, fitted: Mapping[str, Any]) -> Callable[[np.ndarray], np.ndarray]:
        """What `fit` returned, from its `fitted`."""
        raise NotImplementedError


class Threshold(Part):
    """Chooses the operating point of a two-class problem on validation only."""

    kind = "threshold"

    def choose(self, positives: np.ndarray, probabilities: np.ndarray) -> float:
        """`positives` bool [n], `probabilities` of the positive class [n]; a row is called positive at >= the result."""
        raise NotImplementedError


class Exporter(Part):
    """Writes a finished run's model to a file that another program runs."""

    kind = "exporter"
    suffix: ClassVar[str]

    def export(self, network: nn.Module, context: BuildContext, path: Path) -> Mapping[str, Any]:
        """Write `path`; returns facts worth keeping, such as the size and the largest difference from the network.

        Args:
            network: in eval mode, images float32 [n, C, H, W] in 0..1 to probabilities [n, classes]; normalisation inside
            context: classes and image size
            path: to be there whole or not at all

        Raises ImbalkitError if the file's answers are not the network's.
        """
        raise NotImplementedError


class Launcher(Part):
    """Runs independent pieces of work (the folds of a cross-validation, the cells of a sweep)."""

    kind = "launcher"

    def launch(self, commands: Sequence[Sequence[str]]) -> list[int]:
        """Run each command line to its end; returns their exit codes in order."""
        raise NotImplementedError


KINDS: dict[str, type[Part]] = {
    base.kind: base
    for base in (
        Dataset,
        Op,
        Sampler,
        Score,
        Loss,
        Backbone,
        Augmentation,
        Metric,
        Calibrator,
        Threshold,
        Exporter,
        Launcher,
    )
}
