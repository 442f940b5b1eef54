"""The recipe's `decision`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from imbalkit.base.parameters import ClassName, Settings, one_of, param
from imbalkit.kinds import CalibratorRef, ThresholdRef

Prevalences = Annotated[dict[ClassName, Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1)]


class AbstainSettings(Settings):
    """Which rows are left to a person. They still have a decision, for metrics of all rows."""

    band: list[float] | None = param(
        None,
        help="[low, high]: undecided where the probability of the positive class is at least low and below high; either this "
        "or `coverage`",
    )
    coverage: float | None = param(
        None, help="share of the validation rows to decide, the least uncertain ones; either this or `band`", gt=0, lt=1
    )

    @field_validator("band")
    @classmethod
    def _band(cls, value: list[float] | None) -> list[float] | None:
        if value is not None and not (len(value) == 2 and 0 <= value[0] < value[1] <= 1):
            raise ValueError(f"expected [low, high] with 0 <= low < high <= 1, got {value}")
        return value

    @model_validator(mode="after")
    def _one_of_both(self) -> AbstainSettings:
        if (self.band is None) == (self.coverage is None):
            got = "neither" if self.band is None else "both"
            raise PydanticCustomError("band_or_coverage", "expected either band or coverage, got {got}", {"got": got})
        return self


class DecisionSettings(Settings):
    """How logits become probabilities, and probabilities decisions: prior and calibrator, then threshold, then abstention."""

    prior: Annotated[
        Literal["as_trained", "data", "balanced"] | Prevalences,
        one_of(
            "'as_trained', 'data', 'balanced' or a mapping from classes to prevalences",
            words=["as_trained", "data", "balanced"],
            mapping=Prevalences,
        ),
    ] = param(
        "as_trained",
        help="the class prior that the probabilities are for: that of the training rows after all samplers (and as the loss "
        "weighs them), that of the data, equal shares (balanced), or one that is stated, such as {malignant: 0.02} (other "
        "classes share the rest)",
    )
    calibrator: CalibratorRef | None = param(
        None, help="correction of the logits, fitted on validation beside the restored prior (default: none)"
    )
    threshold: ThresholdRef = param(
        "fixed",
        help="rule for the operating point of the positive class, chosen on validation; with more than two classes fixed at 0.5 "
        "means the most probable class",
        validate_default=True,
    )
    abstain: AbstainSettings | None = param(None, help="which rows are left to a person (default: none)")

    @field_validator("prior")
    @classmethod
    def _prior(cls, value: Any) -> Any:
        if isinstance(value, dict) and sum(value.values()) > 1 + 1e-9:
            raise ValueError(f"expected prevalences that sum to 1 at most, got {sum(value.values()):g}")
        return value
