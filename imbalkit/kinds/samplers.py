"""Samplers: parts that add or drop rows of a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from imbalkit.base.parameters import Part, param, part_of
from imbalkit.base.randomness import generator
from imbalkit.errors import PlanError
from imbalkit.kinds.common import PriorShift
from imbalkit.kinds.networks import BackboneRef, LossRef
from imbalkit.kinds.orders import OrderRef
from imbalkit.kinds.rows import ScoreRef
from imbalkit.plan import Plan

if TYPE_CHECKING:
    from imbalkit.plan import Counts
    from imbalkit_lite.columns import ColumnEncoding


class AnySampler(Part):
    """What `Sampler`, `ScoredSampler` and `FeatureSampler` have in common: their stages, and what they do to the class prior."""

    kind = "sampler"

    def preview(self, counts: Counts) -> Counts:
        """Class counts after `resample`, as ranges where only training or features tell. Raises PlanError as `resample` does."""
        raise NotImplementedError  # each part of this kind writes its own

    @property
    def stages(self) -> tuple[str, ...]:
        """A name for each plan that it makes, one after the other: its own, or one a round."""
        return (self.name,)

    def stage_counts(self, counts: Counts) -> list[Counts]:
        """Class counts after each stage, given those before the first. Raises PlanError for the impossible."""
        return [self.preview(counts)]

    def prior_shift(self, before: Counts, after: Counts) -> PriorShift:
        """What it does to the class prior, given the counts before and after all its stages.

        Exact only if the rows that are kept or copied do not depend on the image, and copies are the same pictures. To override
        where that holds; probabilities after a sampler that says nothing are restored by a fit on validation.
        """
        return PriorShift.of_counts(before, after, False, "it does not say whether its rows depend on the image")


class Sampler(AnySampler):
    """Adds or drops rows of a plan. A count among its parameters is always the final count of a class."""

    def resample(self, plan: Plan, rng: np.random.Generator) -> Plan:
        """The new plan; the given one stays as it is. Raises PlanError for the impossible."""
        raise NotImplementedError  # each part of this kind writes its own

    def fit_resample(self, indices: Any, y: Any, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Resample `indices` [n] by labels `y` [n] without a plan, as imbalanced-learn does; both of the new length.

        Classes are named `str(label)` in the sampler's parameters. Raises PlanError for what cannot be resampled.
        """
        indices, y = np.asarray(indices), np.asarray(y)
        if indices.shape != y.shape or y.ndim != 1:
            raise PlanError(f"expected indices and labels of one shape [n], got {indices.shape} and {y.shape}")
        if not len(y):
            raise PlanError("expected at least one label, got none")
        names, labels = np.unique(y, return_inverse=True)
        plan = Plan.from_labels(labels, [str(name) for name in names], seed=seed)
        plan = self.resample(plan, generator(seed, "sampler", self.name))
        return indices[plan.source], names[plan.label]


class ScoredSampler(AnySampler):
    """Ranks rows by a score of a partly trained model, in rounds. It names the score; the engine trains and scores."""

    renamed: ClassVar[Mapping[str, str]] = {
        "between_rounds": "warm_start",
        "between_rounds: keep": "warm_start: true",
        "between_rounds: reset": "warm_start: false",
    }

    score: ScoreRef = param("loss", help="what a row is ranked by", validate_default=True)
    loss: LossRef = param("ce", help="the loss that the rounds train with", validate_default=True)
    backbone: BackboneRef | None = param(None, help="the backbone of the rounds (default: the recipe's)")
    order: OrderRef = param("natural", help="which rows the rounds' epochs visit", validate_default=True)
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

    @model_validator(mode="after")
    def _a_score_for_every_row(self) -> ScoredSampler:
        if self.scores_from == "last_epoch" and not self.order.visits_each_row_once:
            text = (
                "scores_from: last_epoch needs an order that visits every row once, got {order}: use scores_from: pass"
            )
            raise PydanticCustomError("rows_without_score", text, {"order": repr(self.order.name)})
        return self

    def resample(self, plan: Plan, scores: np.ndarray, rng: np.random.Generator, round: int = 0) -> Plan:
        """The plan after round `round` (from 0), given the one before it and `scores`, float [rows of the plan].

        Raises PlanError for the impossible, for scores of another shape, and for NaN among them.
        """
        raise NotImplementedError  # each part of this kind writes its own

    def preview(self, counts: Counts, round: int = 0) -> Counts:
        """Class counts after round `round` (from 0), given those before it; as ranges where only training can tell.

        Raises PlanError as `resample` does.
        """
        raise NotImplementedError  # each part of this kind writes its own

    @property
    def stages(self) -> tuple[str, ...]:
        """One a round."""
        return tuple(f"{self.name}, round {number}" for number in range(1, self.rounds + 1))

    def stage_counts(self, counts: Counts) -> list[Counts]:
        """What `preview` gives for each round."""
        found = []
        for round in range(self.rounds):
            counts = self.preview(counts, round)
            found.append(counts)
        return found

    def fit_resample(self, indices: Any, y: Any, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Raises PlanError: there are no scores."""
        raise PlanError(f"{self.name} ranks rows by a model's score: call resample(plan, scores, rng) in your loop")


class FeatureSampler(AnySampler):
    """Chooses rows by what the last layer of a frozen network sees of them. It names the network; the engine computes.

    By default that is the recipe's backbone with the weights that it starts from, which must then be pretrained ones.
    """

    backbone: BackboneRef | None = param(
        None, help="the network whose features rows are compared by (default: the recipe's)"
    )
    epochs: int = param(
        0,
        help="epochs that it is trained for first, on these rows; 0: it stays as its pretrained weights are",
        unit="epochs",
        ge=0,
    )
    loss: LossRef = param("ce", help="the loss of these epochs", validate_default=True)

    @property
    def idle(self) -> tuple[str, ...]:
        return () if self.epochs else ("loss",)

    @property
    def makes_rows(self) -> bool:
        """Whether it makes rows of columns that the data do not have: the engine then calls `make` in place of `resample`."""
        return False

    def check_columns(self, categories: Sequence[str], numbers: Sequence[str]) -> str:
        """Why it cannot make rows of such columns, "" if it can."""
        return ""

    def make(
        self, plan: Plan, columns: np.ndarray, encoding: ColumnEncoding, rng: np.random.Generator
    ) -> tuple[Plan, np.ndarray, np.ndarray]:
        """The rows of the plan that stay, and new ones: their columns, float32 [m, W], and labels, uint16 [m].

        Args:
            plan: rows of a table
            columns: of each row, encoded as the network takes them, float32 [rows of the plan, W]
            encoding: what each place of a row stands for
            rng: of this sampler

        Raises:
            PlanError: for the impossible
        """
        raise NotImplementedError  # of those alone that make rows

    def resample(self, plan: Plan, features: np.ndarray, rng: np.random.Generator) -> Plan:
        """The new plan, given `features`, float32 [rows of the plan, F], each standardised over them.

        Raises PlanError for the impossible, for features of another shape, and for NaN among them.
        """
        raise NotImplementedError  # each part of this kind writes its own

    def fit_resample(self, indices: Any, y: Any, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Raises PlanError: there are no features."""
        raise PlanError(f"{self.name} compares rows by features: call resample(plan, features, rng) in your loop")


SamplerRef = Annotated[Sampler | ScoredSampler | FeatureSampler, part_of("sampler")]
