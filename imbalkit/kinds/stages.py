"""Stages: what follows the main training, such as a new head on a frozen body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

from imbalkit.base.parameters import Part, described, param, part_of
from imbalkit.base.text import plural
from imbalkit.kinds.common import BuildContext, PriorShift
from imbalkit.kinds.heads import Head
from imbalkit.kinds.mixers import MixerRef
from imbalkit.kinds.networks import LossRef
from imbalkit.kinds.orders import OrderRef
from imbalkit.kinds.schedules import ScheduleSettings

if TYPE_CHECKING:
    from torch import nn

    from imbalkit.plan import Counts


class AnyStage(Part):
    """What `TrainedStage` and `SolvedStage` have in common: what they do to the network's head and body."""

    kind = "stage"
    needs_linear_head: ClassVar[bool] = False  # whether the head that it meets must be one of weights and bias alone

    def head_after(self, head: Head) -> Head:
        """The head that the network has afterwards, given the one before; the same part unless the stage makes another."""
        return head

    @property
    def makes_new_head(self) -> bool:
        """Whether the head before it has no part in the result."""
        return False

    @property
    def changes_body(self) -> bool:
        """Whether the body's weights or statistics change."""
        return False

    @property
    def summary(self) -> str:
        """What it does, for people."""
        raise NotImplementedError  # TrainedStage and SolvedStage have it

    def check_counts(self, counts: Counts) -> str:
        """Why it cannot work on these rows of each class, "" if it can."""
        return ""


@dataclass(frozen=True)
class FeatureRows:
    """What the head sees of rows, in eval mode.

    Attributes:
        features: float32 [n, F]
        labels: codes, int64 [n]
    """

    features: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Solution:
    """A head that a stage has found.

    Attributes:
        state: what the head's module loads: name -> array
        facts: what the log keeps, such as {"tau": 0.7}; ready for JSON
    """

    state: Mapping[str, np.ndarray]
    facts: Mapping[str, Any] = field(default_factory=dict)


class SolvedStage(AnyStage):
    """Finds a head from the features of all rows at once, without training: in closed form or by a solver.

    A choice of its own, such as a strength, is made on validation rows, never on others.
    """

    def solve(
        self, train: FeatureRows, validation: FeatureRows, head: Mapping[str, np.ndarray], context: BuildContext
    ) -> Solution:
        """The new head.

        Args:
            train: rows of the plan
            validation: rows of validation, perhaps none
            head: state of the present head's module, such as weight [C, F] and bias [C]
            context: classes and their counts in the plan, and a seed
        """
        raise NotImplementedError  # each part of this kind writes its own

    @property
    def summary(self) -> str:
        return "finds a head from the features of all rows"

    @property
    def needs_validation(self) -> str:
        """The parameter that validation rows choose, "" if they are not needed."""
        return ""

    def prior_shift(self, context: BuildContext) -> PriorShift:
        """What the head that it finds has learnt of the class prior; probabilities of one that says nothing are fitted on
        validation."""
        return PriorShift(None, False, "it does not say how it weighs the classes")


class TrainedStage(AnyStage):
    """Trains the network further, or its head alone: with an order of rows, a loss and a number of epochs of its own."""

    order: OrderRef = param("balanced", help="which rows an epoch visits", validate_default=True)
    loss: LossRef = param("ce", help="what the stage minimises", validate_default=True)
    mixer: MixerRef | None = param(None, help="mixtures of two rows (default: none)")
    epochs: int = param(10, help="passes over the rows", unit="epochs", ge=1)
    lr: float | None = param(None, help="learning rate (default: the recipe's)", gt=0)
    weight_decay: float | None = param(None, help="weight decay (default: the recipe's)", ge=0)
    schedule: ScheduleSettings = param(ScheduleSettings(name="cosine"), help="learning-rate schedule of the stage")
    batch_norm: Literal["still", "moving"] | None = param(
        None, help="whether the running statistics of batch norm move (default: as the body is trained or not)"
    )
    augment: bool | None = param(
        None, help="whether the recipe's augmentation is on (default: as the body is trained or not)"
    )

    @property
    def trains_body(self) -> bool:
        """Whether the body learns, or the head alone."""
        return False

    def head_to_train(self, head: nn.Module) -> nn.Module:
        """What is trained in the head's place; it may hold the head."""
        return head

    @property
    def learner(self) -> str:
        """What learns in the head's place, for people."""
        return "a new head" if self.makes_new_head else "the head"

    def head_trained(self, trained: nn.Module) -> nn.Module:
        """The head again, of what `head_to_train` gave after training: a module as the part `head_after` builds it."""
        return trained

    @property
    def summary(self) -> str:
        what = f"{self.learner} and the body" if self.trains_body else f"{self.learner} on the frozen body"
        mixer = "" if self.mixer is None else f", mixer {described(self.mixer)}"
        how = f"order {described(self.order)}, loss {described(self.loss)}{mixer}"
        return f"trains {what} for {plural(self.epochs, 'epoch')}, {how}"

    @property
    def changes_body(self) -> bool:
        return self.trains_body or self.moves_batch_norm

    @property
    def moves_batch_norm(self) -> bool:
        """Whether the running statistics of batch norm move."""
        return self.trains_body if self.batch_norm is None else self.batch_norm == "moving"

    @property
    def augments(self) -> bool:
        """Whether the recipe's augmentation is on."""
        return self.trains_body if self.augment is None else self.augment

    @property
    def is_exact(self) -> bool:
        """Whether what it learns of the class prior is that of its order and loss alone, given the features."""
        return self.makes_new_head and not self.trains_body


StageRef = Annotated[AnyStage, part_of("stage")]
