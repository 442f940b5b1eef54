"""Knowledge distillation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from imbalkit.kinds import BuildContext, Loss, LossRef, Order, PathText, PriorShift, Teacher, param

if TYPE_CHECKING:
    from torch import nn


class Distill(Loss):
    """(1 - w) L(z, y) + w T^2 KL(softmax(t / T) || softmax(z / T)): labels and a teacher's softened probabilities.

    Hinton et al. 2015, section 2. The teacher's probabilities of each row's source picture are computed once, restored by its own
    decision and moved to the class prior that this training leads to (imbalkit.functional.distillation derives why). Class prior:
    as the loss L moves it.
    """

    name = "distill"
    teacher: PathText = param(
        help="a finished run, or a cross-validation or an ensemble, of which the members teach that did not train on a row"
    )
    temperature: float = param(3.0, help="T: above 1 softens the probabilities of both", gt=0)
    weight: float = param(0.7, help="w: the teacher's share of the loss; the labels have the rest", ge=0, le=1)
    loss: LossRef = param("ce", help="L: of the labels", validate_default=True)
    members: Literal["out_of_fold", "same_split"] = param(
        "out_of_fold",
        help="out_of_fold: each row is taught by members that did not train on it, where there are such; same_split: by members "
        "that trained on no validation or test row of this run",
    )
    allow_overlap: bool = param(
        False, help="take a teacher that trained on test rows of this run and on the rows that it teaches, too"
    )
    views: Literal["none", "flips", "dihedral"] | None = param(
        None,
        help="mirrored and turned views of a picture that the teacher's probabilities are averaged over (default: those of its "
        "own `predict`)",
    )

    @property
    def taught_by(self) -> Teacher:
        return Teacher(self.teacher, self.members, self.allow_overlap, self.views)

    def check_classes(self, classes: tuple[str, ...]) -> list[tuple[str, str]]:
        if self.loss.taught_by is not None:
            return [
                ("loss", f"{self.loss.name!r} has a teacher of its own: make one `imbalkit ensemble` of the teachers")
            ]
        if not self.loss.by_row:
            return [
                ("loss", f"{self.loss.name!r} compares the rows of a batch; expected a loss of each row, such as ce")
            ]
        return []

    def first_epoch(self, epochs: int) -> int:
        return self.loss.first_epoch(epochs)

    def prior_shift(self, context: BuildContext) -> PriorShift:
        shift = self.loss.prior_shift(context)
        return replace(shift, why=f"{shift.why}; the teacher is moved to the same class prior")

    def notes(
        self, classes: tuple[str, ...], rows: tuple[float, ...], positive: int | None, order: Order | None = None
    ) -> list[str]:
        return self.loss.notes(classes, rows, positive, order)

    def build(self, context: BuildContext) -> nn.Module:
        from imbalkit.functional.distillation import Distillation

        values = self.loss.prior_shift(context).map
        to_true = None if values is None else self.loss.build_map(values)
        return Distillation(self.loss.build(context), self.temperature, self.weight, to_true)

    def build_map(self, values: Mapping[str, Any]) -> nn.Module:
        return self.loss.build_map(values)
