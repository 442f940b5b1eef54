"""Samples and rows: data sets, operations, samplers, and the scores that samplers rank by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from imbalkit.base.parameters import Part, param, part_of
from imbalkit.kinds.common import BuildContext, PriorShift
from imbalkit.kinds.networks import BackboneRef, LossRef

if TYPE_CHECKING:
    import numpy as np
    import torch

    from imbalkit.data.table import Table
    from imbalkit.plan import Counts, Plan


class Dataset(Part):
    """Reads a user's data: `load()` returns a Table (imbalkit.data.table) of every sample, without decoding an image."""

    kind = "dataset"

    def load(self) -> Table:
        """All samples. Raises DataError with the file and row for what cannot be read."""
        raise NotImplementedError  # each part of this kind writes its own


DatasetRef = Annotated[Dataset, part_of("dataset")]


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
        raise NotImplementedError  # each part of this kind writes its own

    @property
    def label(self) -> str:
        """The operation as a person reads it in a table or a gallery."""
        return self.name.replace("_", " ")


OpRef = Annotated[Op, part_of("op")]


class Sampler(Part):
    """Adds or drops rows of a plan. A count among its parameters is always the final count of a class."""

    kind = "sampler"

    def resample(self, plan: Plan, rng: np.random.Generator) -> Plan:
        """The new plan; the given one stays as it is. Raises PlanError for the impossible."""
        raise NotImplementedError  # each part of this kind writes its own

    def preview(self, counts: Counts) -> Counts:
        """Class counts after `resample`, as ranges where only training can tell. Raises PlanError as `resample` does."""
        raise NotImplementedError  # each part of this kind writes its own

    def prior_shift(self, before: Counts, after: Counts) -> PriorShift:
        """What it does to the class prior, given the counts before and after.

        Exact only if the rows that are kept or copied do not depend on the image, and copies are the same pictures. To override
        where that holds; probabilities after a sampler that says nothing are restored by a fit on validation.
        """
        return PriorShift.of_counts(before, after, False, "it does not say whether its rows depend on the image")

    def fit_resample(self, indices: Any, y: Any, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Resample `indices` [n] by labels `y` [n] without a plan, as imbalanced-learn does; both of the new length.

        Classes are named `str(label)` in the sampler's parameters. Raises PlanError for what cannot be resampled.
        """
        import numpy as np

        from imbalkit.base.randomness import generator
        from imbalkit.errors import PlanError
        from imbalkit.plan import Plan

        indices, y = np.asarray(indices), np.asarray(y)
        if indices.shape != y.shape or y.ndim != 1:
            raise PlanError(f"expected indices and labels of one shape [n], got {indices.shape} and {y.shape}")
        if not len(y):
            raise PlanError("expected at least one label, got none")
        if isinstance(self, ScoredSampler):
            raise PlanError(f"{self.name} ranks rows by a model's score: call resample(plan, scores, rng) in your loop")
        names, labels = np.unique(y, return_inverse=True)
        plan = Plan.from_labels(labels, [str(name) for name in names], seed=seed)
        plan = self.resample(plan, generator(seed, "sampler", self.name))
        return indices[plan.source], names[plan.label]


SamplerRef = Annotated[Sampler, part_of("sampler")]


class Score(Part):
    """What a model says of a row. `build` returns `f(logits [n, C], targets int64 [n]) -> float [n]`."""

    kind = "score"

    def build(self, context: BuildContext) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        raise NotImplementedError  # each part of this kind writes its own


ScoreRef = Annotated[Score, part_of("score")]


class ScoredSampler(Sampler):
    """A sampler that ranks rows by a score of a partly trained model. It names the score; the engine trains and scores."""

    renamed: ClassVar[Mapping[str, str]] = {
        "between_rounds": "warm_start",
        "between_rounds: keep": "warm_start: true",
        "between_rounds: reset": "warm_start: false",
    }

    score: ScoreRef = param("loss", help="what a row is ranked by", validate_default=True)
    loss: LossRef = param("ce", help="the loss that the rounds train with", validate_default=True)
    backbone: BackboneRef | None = param(None, help="the backbone of the rounds (default: the recipe's)")
    rounds: int = param(1, help="how often to train, score and drop", ge=1)
    epochs: int = param(4, help="training epochs in each round", unit="epochs", ge=1)
    scores_from: Literal["pass", "last_epoch"] = param(
        "pass",
        help="`pass`: score every row in eval mode after a round's training; `last_epoch`: keep the scores that training "
        "itself meets in its last epoch (train mode, augmented, weights that change meanwhile), without a pass",
    )
    warm_start: bool = param(
        help="true: a round trains the model of the round before it further; false: each round trains a new one"
    )

    def resample(self, plan: Plan, scores: np.ndarray, rng: np.random.Generator, round: int = 0) -> Plan:  # type: ignore[override]
        """The plan after round `round` (from 0); `scores` is float [rows of the plan]."""
        raise NotImplementedError  # each part of this kind writes its own

    def preview(self, counts: Counts, round: int | None = None) -> Counts:  # type: ignore[override]
        """Class counts after round `round`, or after all rounds if it is None."""
        raise NotImplementedError  # each part of this kind writes its own
