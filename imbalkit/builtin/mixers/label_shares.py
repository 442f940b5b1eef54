"""What mixers do to the share of each class among the labels."""

from __future__ import annotations

from imbalkit.kinds import PriorShift


def as_in_the_rows(classes: int) -> PriorShift:
    """Of a row and another one of its batch, alike in kind: no class gains, but labels are softer than those of rows."""
    why = "leaves each class its share of the labels, but draws probabilities to the middle"
    return PriorShift((1.0,) * classes, False, why)
