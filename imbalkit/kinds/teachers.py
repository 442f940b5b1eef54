"""Who teaches a loss that learns from another model's probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Teacher:
    """A finished run whose probabilities a loss is given, and which of its members teach a row.

    Attributes:
        run: a run folder, or that of a cross-validation or an ensemble, which has several members
        members: "out_of_fold": of all members, those that did not train on the row, where there are such; "same_split": of the
            members that trained on no validation or test row of the student
        allow_overlap: whether a teacher may have trained on the student's test rows without teaching out of fold for it
        views: mirrored and turned views of a picture that its probabilities are averaged over; None as it predicts itself
    """

    run: str
    members: Literal["out_of_fold", "same_split"] = "out_of_fold"
    allow_overlap: bool = False
    views: Literal["none", "flips", "dihedral"] | None = None
