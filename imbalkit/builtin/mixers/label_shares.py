"""What mixers do to the share of each class among the labels."""

from __future__ import annotations

from imbalkit.functional.prior import with_labels_of
from imbalkit.kinds import BuildContext, Order, PriorShift


def as_in_the_rows(classes: int) -> PriorShift:
    """Of a row and another one of its batch, alike in kind: no class gains, but labels are softer than those of rows."""
    why = "leaves each class its share of the labels, but draws probabilities to the middle"
    return PriorShift((1.0,) * classes, False, why)


def with_those_of(order: Order, share: float, context: BuildContext) -> PriorShift:
    """Of rows and partners of another order, whose labels are on average `share` of all."""
    why = "mixes in labels of another order, in a share known on average, but draws probabilities to the middle"
    return PriorShift(with_labels_of(order.prior_shift(context.counts).factors, share), False, why)
