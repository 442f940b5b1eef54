"""What a plugin registers: one base class a kind of part.

A part is a *specification*: a frozen pydantic model, free of torch, whose `name` is declared once and whose fields are its
recipe parameters (imbalkit.specification). Whatever is heavy is imported inside `build` (or `apply`, `load`), so that listing
parts, checking a recipe and planning never import torch. A plugin author reads this file and `hookspecs.py`.

Methods that raise NotImplementedError are those that a part of the kind must write; the conformance suite calls each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import model_validator

from imbalkit.specification import ClassName, Part, Settings, param, part_of

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

    from imbalkit.plan import Counts, Plan
    from imbalkit.table import Table
    from imbalkit_lite.card import Card

__all__ = [
    "KINDS",
    "Augmentation",
    "Backbone",
    "BackboneRef",
    "BuildContext",
    "Calibrator",
    "ClassName",
    "Dataset",
    "ExportLimits",
    "Exportable",
    "Exporter",
    "FileRuntime",
    "Interval",
    "Launcher",
    "Limits",
    "Loss",
    "LossRef",
    "Metric",
    "Op",
    "OpRef",
    "Part",
    "Predictions",
    "Preprocessing",
    "PriorShift",
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


@dataclass(frozen=True)
class PriorShift:
    """What a sampler or a loss does to the class prior that a model learns (imbalkit.prior).

    Attributes:
        factors: how many times as much each class weighs afterwards, [C], up to a common factor; None if it is not known
        exact: whether that is all: images of a class stay as likely as they were within it, so that dividing the odds by the
            factors undoes the shift
        why: the reason, in a line
        adaptive: whether the weights follow the model while it learns
    """

    factors: tuple[float, ...] | None
    exact: bool
    why: str
    adaptive: bool = False

    @classmethod
    def of_counts(cls, before: Counts, after: Counts, exact: bool, why: str) -> PriorShift:
        """The shift of a sampler: rows of each class after it / before it; 1 for a class without rows before."""
        known = before.is_exact and after.is_exact
        pairs = zip(before.low, after.low, strict=True)
        return cls(tuple(new / old if old else 1.0 for old, new in pairs) if known else None, exact, why)


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

    def prior_shift(self, before: Counts, after: Counts) -> PriorShift:
        """What it does to the class prior, given the counts before and after.

        Exact only if the rows that are kept or copied do not depend on the image, and copies are the same pictures. To override
        where that holds; probabilities after a sampler that says nothing are restored by a fit on validation.
        """
        return PriorShift.of_counts(before, after, False, "it does not say whether its rows depend on the image")

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

    def prior_shift(self, context: BuildContext) -> PriorShift:
        """What it does to the class prior. Exact for cross entropy with a constant weight for each class; to override there."""
        return PriorShift(None, False, "it does not say how it weighs the classes")

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


Limits = tuple[float, float]  # low, high; NaN where there is none


@dataclass(frozen=True)
class Interval:
    """The limits of a figure and what they were made by, such as "Wilson"."""

    low: float
    high: float
    method: str | None


@dataclass(frozen=True)
class Predictions:
    """What a metric sees: the test rows' labels and probabilities, and the decisions made from them."""

    labels: np.ndarray  # int [n]
    probabilities: np.ndarray  # float [n, C]
    decisions: np.ndarray  # int [n]
    classes: tuple[str, ...]
    positive: int | None
    train_counts: tuple[int, ...] | None = None  # source training rows of each class, where they are known
    prevalences: tuple[float, ...] = ()  # shares of the positive class that the recipe asks predictive values for

    def take(self, rows: np.ndarray) -> Predictions:
        """Some rows, in any order and any number of times: positions int [m], or a mask bool [n]."""
        return replace(
            self, labels=self.labels[rows], probabilities=self.probabilities[rows], decisions=self.decisions[rows]
        )


class Metric(Part):
    """A figure on predictions. It returns NaN where it is not defined (an absent class), never a made-up number.

    `compute` is all that a metric must have. Intervals come from `resampled`; write it where the loop over `compute` is slow.
    """

    kind = "metric"
    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float] | None] = None  # of the figure, where it has both: its interval stays within
    has_interval: ClassVar[bool] = True  # False: resamples are further from the truth than the figure, or cost too much

    def compute(self, predictions: Predictions) -> float | dict[str, float]:
        """One figure, or several by name, such as one a class."""
        raise NotImplementedError

    def resampled(self, predictions: Predictions, weights: np.ndarray) -> np.ndarray | dict[str, np.ndarray]:
        """The figure of R resamples, float64 [R], or several by name; as `compute` on rows that are really repeated.

        `weights` says how often each row is in each resample, float [R, n], whole numbers.
        """
        from imbalkit.intervals import compute_each

        return compute_each(self, predictions, weights)

    def bounds_of(self, name: str) -> Limits | None:
        """The bounds of one figure of several; default: `bounds` for each."""
        return self.bounds

    def closed_form(self, predictions: Predictions, level: float) -> Interval | dict[str, Interval] | None:
        """An interval for rows that are independent of each other; None: there is none, and rows are resampled."""
        return None

    def alike(self, predictions: Predictions, groups: np.ndarray, level: float) -> Limits | dict[str, Limits]:
        """The limits (low, high) where every resample gives the same figure, and so tells nothing of its spread.

        Default: those of a figure at one of its bounds, from the groups (codes, int [n]) of the class with the fewest of them.
        """
        from imbalkit.intervals import alike_by_class

        return alike_by_class(self, predictions, groups, level)


class Calibrator(Part):
    """Fitted on validation only. `fit` returns a function from logits [n, C] to calibrated logits [n, C].

    The function's attribute `fitted`, a mapping of plain values, goes into the run folder; `restore` makes it a function again.
    If all it does is to multiply logits and to add to them, its attribute `affine` is (scale, bias), each a number or [C], and
    `is_affine` of the part is True: such a calibrator can be put into a model file.
    """

    kind = "calibrator"
    is_affine: ClassVar[bool] = False
    needs_every_class: ClassVar[bool] = (
        True  # not fitted unless validation has rows of each; else rows of two are enough
    )
    moves_prior: ClassVar[bool] = True  # afterwards the probabilities have validation's class shares on average

    def fit(self, logits: np.ndarray, labels: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """`logits` float [n, C], `labels` int [n]."""
        raise NotImplementedError

    def restore(self, fitted: Mapping[str, Any]) -> Callable[[np.ndarray], np.ndarray]:
        """What `fit` returned, from its `fitted`."""
        raise NotImplementedError


class Threshold(Part):
    """Chooses the operating point of the positive class, of two or against the rest, on validation only."""

    kind = "threshold"

    def choose(
        self,
        positives: np.ndarray,
        probabilities: np.ndarray,
        weights: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> float:
        """The probability from which on a row is called positive, 0..1.

        Args:
            positives: bool [n]
            probabilities: of the positive class, float [n]
            weights: what each row counts, float [n], such as to reckon with another prevalence; None for 1
            groups: which rows belong together (a patient's), [n]; None where each stands for itself

        Raises:
            DataError: rows that nothing can be chosen from, such as those of one class
        """
        raise NotImplementedError

    @property
    def needs_rows(self) -> bool:
        """Whether it looks at validation rows at all."""
        return True

    def check_rows(self, positives: int, negatives: int) -> str | None:
        """Why so many independent validation rows are too few for it; asked before anything is trained."""
        return None

    def for_classes(self, classes: tuple[str, ...], positive: int | None) -> Threshold:
        """The same rule with what it says of classes by name made ready for `choose`."""
        return self

    def cost_matrix(self, classes: tuple[str, ...]) -> np.ndarray | None:
        """Costs [C, C] (label down, decision across) of a rule that calls the class of least expected cost; None for others."""
        return None


class ExportLimits(Settings):
    """How far a quantised file may be from the network, on the rows that they are compared on. Otherwise it is not written."""

    auc: float = param(0.01, help="largest change of the area under the ROC curve", ge=0)
    sensitivity: float = param(
        0.03, help="largest change of the positive class's recall (without one: of the mean recall)", ge=0
    )
    ece: float = param(0.03, help="largest change of the expected calibration error", ge=0)
    flips: float = param(0.05, help="largest share of rows that are decided otherwise", ge=0)


@dataclass(frozen=True)
class Exportable:
    """What an exporter writes.

    Attributes:
        network: in eval mode on the CPU: a tensor of the type, layout and range of `card.input`, [n, ...], to probabilities
            float32 [n, classes]; normalisation and calibration are inside
        card: what the file must say of itself
        calibration: inputs of the network to fit int8 ranges on, [n, ...]; None unless `quantize` is int8
    """

    network: nn.Module
    card: Card
    calibration: np.ndarray | None = None

    def example(self, rows: int = 1) -> torch.Tensor:
        """An input of the network to trace it with, [rows, ...]."""
        import torch

        shape, kind = (rows, *self.card.input.shape), self.card.input.type
        return torch.zeros(shape, dtype=torch.uint8) if kind == "uint8" else torch.full(shape, 0.5)


@dataclass(frozen=True)
class FileRuntime:
    """A program that has loaded a file: what the network is compared with.

    Attributes:
        name: of the program
        probabilities: inputs of the file [n, ...] to its probabilities, float [n, classes]
        logits: inputs to what the file's softmax is given, float [n, classes]; None where that cannot be seen
        most: rows that it should be asked at most, where it is slow; None: any number
    """

    name: str
    probabilities: Callable[[np.ndarray], np.ndarray]
    logits: Callable[[np.ndarray], np.ndarray] | None = None
    most: int | None = None


class Exporter(Part):
    """Writes a finished run's model to a file that another program runs.

    The file is compared with the run's network, on rows of the run's data, before it gets its name (imbalkit.exporting). What it
    holds is fixed by the class; how, by the recipe.
    """

    kind = "exporter"
    suffix: ClassVar[str]
    layout: ClassVar[Literal["NHWC", "NCHW"]] = "NCHW"  # of the file's input
    quantizations: ClassVar[tuple[str, ...]] = ("none",)  # what `quantize` may be

    file: str | None = param(None, help="name of the file (default: model, the quantisation and the suffix)")
    quantize: Literal["none", "fp16", "dynamic", "int8"] = param(
        "none",
        help="numbers in the file: float32; float16 weights; int8 weights; int8 weights and layers, fitted on validation rows",
    )
    input: Literal["float32", "uint8"] = param("float32", help="what the file takes: values 0..1, or pixels 0..255")
    limits: ExportLimits = param(ExportLimits(), help="how far a quantised file may be from the network")
    rows: int = param(1000, help="most validation rows to compare on", unit="rows", ge=1)
    calibration_rows: int = param(
        200, help="validation rows that int8 is fitted on, evenly over classes", unit="rows", ge=1
    )

    @model_validator(mode="after")
    def _check(self) -> Exporter:
        if self.quantize not in self.quantizations:
            known = ", ".join(self.quantizations)
            raise ValueError(f"quantize: the exporter {self.name!r} writes {known}, got {self.quantize!r}")
        if self.file is not None and (Path(self.file).name != self.file or not self.file.endswith(self.suffix)):
            raise ValueError(f"file: expected a name that ends in {self.suffix}, without a folder, got {self.file!r}")
        return self

    @property
    def file_name(self) -> str:
        """The file's name in a run folder."""
        parts = ["model", *(word for word in (self.quantize, self.input) if word not in ("none", "float32"))]
        return self.file or "-".join(parts) + self.suffix

    def write(self, model: Exportable, path: Path) -> None:
        """Write `path` (a temporary name, of any suffix), the card inside, and leave nothing else behind."""
        raise NotImplementedError

    def runtimes(self, path: Path, threads: int | None = None) -> Sequence[FileRuntime]:
        """Programs here that run the file, first the one that its users run; none: it cannot be compared, which is said."""
        raise NotImplementedError

    def facts(self, path: Path) -> Mapping[str, Any]:
        """What else to tell of the file, as plain values."""
        return {}


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
