"""The recipe's `split`."""

from __future__ import annotations

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from imbalkit.base.parameters import Settings, param


class SplitSettings(Settings):
    """How the samples are divided. The split has a seed of its own, so that a study's seeds share the test rows."""

    seed: int = param(0, help="decides the split, apart from the run's seed", ge=0, le=2**32 - 1)
    validation: float = param(
        0.2,
        help="share of all samples for validation; of the train samples where a column names no validation",
        ge=0,
        lt=1,
    )
    test: float = param(
        0.2,
        help="share of all samples for the test; not used with a column or folds, but 0 says that a column has no test samples "
        "either (with evaluation.test: false)",
        ge=0,
        lt=1,
    )
    group: bool = param(True, help="keep the samples of a group in one split, where the data have groups")
    stratify: str | None = param(
        None,
        help="column of the data of which each split gets its share beside the labels, such as the diagnosis (default: none)",
    )
    column: str | None = param(None, help="column of the data that says train, validation or test of each sample")
    folds: int | None = param(None, help="cross-validation: how many test folds", ge=2)
    fold: int | None = param(None, help="which of the folds is the test, from 0 (default: each in turn)", ge=0)

    @property
    def runs_all_folds(self) -> bool:
        """Whether a run is a cross-validation, of which every fold is a run of its own."""
        return self.folds is not None and self.fold is None

    @property
    def has_test(self) -> bool:
        """Whether there are samples that nothing is trained or chosen on."""
        return self.folds is not None or self.test > 0

    @model_validator(mode="after")
    def _check(self) -> SplitSettings:
        problem = None
        test = self.test if self.folds is None else 1 / self.folds
        if self.column is not None and self.folds is not None:
            problem = "expected a column or folds, got both: leave one out"
        elif self.column is not None and self.stratify is not None:
            problem = "expected a column that says the split or one to stratify by, got both: leave one out"
        elif self.fold is not None and self.folds is None:
            problem = "a fold needs folds: give how many there are"
        elif self.folds is not None and self.fold is not None and self.fold >= self.folds:
            problem = f"expected a fold from 0 to {self.folds - 1}, got {self.fold}"
        elif self.column is None and self.validation + test >= 1:
            problem = (
                f"validation {self.validation:g} and test {test:g} leave nothing to train on: expected a sum below 1"
            )
        if problem:
            raise PydanticCustomError("split", "{problem}", {"problem": problem})
        return self
