"""From logits to decisions: calibrators and thresholds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from imbalkit.base.arrays import read_only
from imbalkit.base.parameters import Part, part_of

if TYPE_CHECKING:
    import numpy as np


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
        raise NotImplementedError  # each part of this kind writes its own

    def fit_under(
        self, logits: np.ndarray, labels: np.ndarray, offset: np.ndarray
    ) -> Callable[[np.ndarray], np.ndarray]:
        """As `fit`, where `offset` [C] will be added to what the function returns: that of a restored prior.

        Asked of calibrators that leave the prior where it is (`moves_prior` False, or not true of the validation rows), as these
        must not scale the offset. Default:
        `fit` on rows repeated, or left out, so that their class shares are those which the logits are for.
        """
        from imbalkit.functional.prior import rows_under

        rows = rows_under(labels, offset)
        return self.fit(logits[rows], labels[rows])

    def restore(self, fitted: Mapping[str, Any]) -> Callable[[np.ndarray], np.ndarray]:
        """What `fit` returned, from its `fitted`."""
        raise NotImplementedError  # each part of this kind writes its own

    def notes(self, fitted: Mapping[str, Any]) -> list[str]:
        """What a reader must know of what was fitted, such as that it reached a limit."""
        return []


CalibratorRef = Annotated[Calibrator, part_of("calibrator")]


@dataclass(frozen=True)
class ThresholdRows:
    """The validation rows that a threshold is chosen on.

    Attributes:
        positives: bool [n]
        probabilities: of the positive class, float [n]
        weights: what each row counts, float [n], such as for another prevalence; None for 1
        groups: which rows belong together (a patient's), [n]; None where each stands for itself
    """

    positives: np.ndarray
    probabilities: np.ndarray
    weights: np.ndarray | None = None
    groups: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name in ("positives", "probabilities"):
            object.__setattr__(self, name, read_only(getattr(self, name)))


@dataclass(frozen=True)
class CostRows:
    """The validation rows that costs are fitted on.

    Attributes:
        labels: int64 [n]
        probabilities: of every class, float [n, C]
        prior: shares of the classes that the probabilities are for, float64 [C]
        weights: what each row counts, float [n], such as for another prevalence; None for 1
    """

    labels: np.ndarray
    probabilities: np.ndarray
    prior: np.ndarray
    weights: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name in ("labels", "probabilities"):
            object.__setattr__(self, name, read_only(getattr(self, name)))


class Threshold(Part):
    """Chooses the operating point of the positive class, of two or against the rest, on validation only.

    Or it predicts the class of least expected cost: by costs that it is given (`cost_matrix`), or that it fits (`fits_costs`).
    """

    kind = "threshold"
    fits_costs: ClassVar[bool] = False  # `fit_costs` then decides, for any number of classes, and `choose` is not asked

    def choose(self, rows: ThresholdRows) -> float:
        """The probability from which on a row is predicted positive, 0..1, or imbalkit.functional.thresholds.NEVER.

        Raises DataError for rows that nothing can be chosen from, such as those of one class.
        """
        raise NotImplementedError  # each part of this kind writes its own

    @property
    def is_half(self) -> bool:
        """Whether it is 0.5 whatever the rows are; with more than two classes that means the most probable one."""
        return False

    @property
    def needs_rows(self) -> bool:
        """Whether it looks at validation rows at all."""
        return True

    def check_rows(self, positives: int, negatives: int) -> str | None:
        """Why so many independent validation rows are too few for it; called before anything is trained."""
        return None

    def for_classes(self, classes: tuple[str, ...], positive: int | None) -> Threshold:
        """The same rule with what it has of classes by name made ready for `choose`."""
        return self

    def cost_matrix(self, classes: tuple[str, ...]) -> np.ndarray | None:
        """Costs [C, C] (label down, decision across) of a rule that predicts the class of least expected cost; else None."""
        return None

    def fit_costs(self, rows: CostRows) -> tuple[np.ndarray, Mapping[str, float]]:
        """Costs [C, C] (label down, decision across; 0 for being right), and what it fitted, by name.

        Of two classes these become a threshold. Raises DataError for rows that nothing can be fitted on.
        """
        raise NotImplementedError  # each part that says `fits_costs` writes its own


ThresholdRef = Annotated[Threshold, part_of("threshold")]
