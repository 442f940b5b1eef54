"""The operating point: the threshold, or the costs, that a rule chooses on validation rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from imbalkit.base.parameters import with_origin
from imbalkit.decision.validation_rows import Notes, ValidationRows
from imbalkit.errors import ImbalkitError, PluginError
from imbalkit.functional.thresholds import cost_threshold
from imbalkit.kinds import CostRows, Threshold, ThresholdRows
from imbalkit_lite.card import NEVER


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold, the name of its rule, and the costs [C, C] if the least expected cost decides; None each without one.

    `fitted` has the numbers that the rule fitted besides, by name.
    """

    threshold: float | None = None
    rule: str | None = None
    costs: np.ndarray | None = None
    fitted: Mapping[str, float] = field(default_factory=dict)


def choose_threshold(
    rows: ValidationRows,
    probabilities: np.ndarray,
    rule: Threshold,
    weights: np.ndarray | None = None,
    prior: np.ndarray | None = None,
) -> tuple[OperatingPoint, Notes]:
    """The operating point that a rule chooses from probabilities [n, C]; without one, 0.5 or the most probable class.

    Args:
        rows: what the probabilities are of
        probabilities: float [n, C]
        rule: of the recipe
        weights: what each row counts, float [n]; None for 1
        prior: shares of the classes that the probabilities are for, float64 [C]; None if not known
    """
    if rule.fits_costs:
        return _with_fitted_costs(rows, probabilities, rule, weights, prior)
    two, is_default = len(rows.classes) == 2, rule.is_half
    costs = None if two else rule.cost_matrix(rows.classes)
    if costs is not None:
        return OperatingPoint(rule=rule.name, costs=costs), ()
    if rows.positive is None or (is_default and not two):
        if is_default:
            return OperatingPoint(), ()
        return OperatingPoint(), (
            f"the threshold {rule.name!r} needs a positive class: the most probable class is predicted",
        )
    rule = rule.for_classes(rows.classes, rows.positive)
    positives = rows.labels == rows.positive
    if rule.needs_rows and (not positives.any() or positives.all()):
        why = f"there are no validation rows{' of both classes' if len(rows.labels) else ''}"
    else:
        try:
            of_positive = probabilities[:, rows.positive]
            threshold = float(rule.choose(ThresholdRows(positives, of_positive, weights, rows.groups)))
            if not 0 <= threshold <= NEVER:  # NaN fails too
                raise PluginError(f"{with_origin(rule)} chose the threshold {threshold:g}: expected one from 0 to 1")
            point = OperatingPoint(threshold, rule.name)
            return point, _note_one_sided(rule, of_positive >= threshold, rows.classes[rows.positive])
        except PluginError:
            raise
        except ImbalkitError as error:
            why = str(error)
    return _without(rule, why, 0.5 if two else None)


def _without(rule: Threshold, why: str, threshold: float | None) -> tuple[OperatingPoint, Notes]:
    """What decides where a rule could not choose, and the note on it."""
    instead = "the most probable class is predicted" if threshold is None else f"the threshold is {threshold}"
    return OperatingPoint(threshold), (f"{why}: {instead}, not that of {rule.name!r}",)


def _with_fitted_costs(
    rows: ValidationRows,
    probabilities: np.ndarray,
    rule: Threshold,
    weights: np.ndarray | None,
    prior: np.ndarray | None,
) -> tuple[OperatingPoint, Notes]:
    """The operating point of a rule that fits its costs: a threshold for a positive class of two, else the costs."""
    positive = rows.positive if len(rows.classes) == 2 else None
    half = None if positive is None else 0.5
    if prior is None:
        why = "which class prior the probabilities are for is not known (`decision: {prior: data}` restores that of the data)"
        return _without(rule, why, half)
    try:
        costs, fitted = rule.fit_costs(CostRows(rows.labels, probabilities, prior, weights))
    except ImbalkitError as error:
        return _without(rule, str(error), half)
    notes = (
        (f"there are {rows.missing}: {rule.name!r} was fitted without them",)
        if rule.needs_rows and rows.missing
        else ()
    )
    if positive is None:
        return OperatingPoint(None, rule.name, costs, fitted), notes
    order = [1 - positive, positive]
    threshold = cost_threshold(costs[np.ix_(order, order)])
    one_sided = _note_one_sided(rule, probabilities[:, positive] >= threshold, rows.classes[positive])
    return OperatingPoint(threshold, rule.name, fitted=fitted), (*notes, *one_sided)


def _note_one_sided(rule: Threshold, predicted: np.ndarray, positive: str) -> Notes:
    """A rule that predicts one class for all rows is right by its own measure; a reader must know of it all the same."""
    if not rule.needs_rows or predicted.all() != predicted.any():
        return ()
    which = "every" if predicted.all() else "no"
    return (f"by {rule.name!r} {which} validation row is predicted {positive}: the best that there is for it",)
