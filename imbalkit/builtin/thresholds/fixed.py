"""A threshold that is given."""

from __future__ import annotations

from imbalkit.kinds import Threshold, ThresholdRows, param


class Fixed(Threshold):
    """The given probability, whatever the validation rows say."""

    name = "fixed"

    value: float = param(0.5, help="a row is predicted positive from this probability on", ge=0, le=1)

    @property
    def needs_rows(self) -> bool:
        return False

    @property
    def is_half(self) -> bool:
        return self.value == 0.5

    def choose(self, rows: ThresholdRows) -> float:
        """The value."""
        return float(self.value)
