"""Fitting a decision on validation rows: prior, calibration, prevalence, threshold and abstention, one function each.

Each returns what it fitted and its notes: what a reader must know of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from imbalkit.decision.class_prior import Ledger
from imbalkit.decision.corrections import (
    BIAS_AND_TEMPERATURE,
    MAPPED,
    PREVALENCE,
    PRIOR,
    Correction,
    bias_and_temperature,
    calibration,
    corrected,
    loss_map,
    offset,
)
from imbalkit.decision.decision import Abstention, Decision
from imbalkit.decision.operating_point import OperatingPoint, choose_threshold
from imbalkit.decision.settings import AbstainSettings, DecisionSettings
from imbalkit.decision.validation_rows import Notes, ValidationRows
from imbalkit.errors import DataError
from imbalkit.functional.abstain import limit_for_coverage, uncertainty, uncertainty_band
from imbalkit.functional.metrics import softmax
from imbalkit.functional.prior import shares, stated_prior
from imbalkit.kinds import Calibrator


def fit_decision(
    logits: np.ndarray,
    labels: np.ndarray,
    settings: DecisionSettings,
    positive: int | None,
    ledger: Ledger | None = None,
    groups: np.ndarray | None = None,
    classes: Sequence[str] | None = None,
) -> Decision:
    """Fit the prior, the calibration, the threshold and the abstention, in this order, on validation rows.

    What there are too few rows for is left out (the threshold is then 0.5, or the one that is fixed), and the notes say so.

    Args:
        logits: float [n, C]
        labels: label codes, int [n]
        settings: what to fit
        positive: code of the positive class, of two or against the rest; None without one
        ledger: what training did to the class prior (imbalkit.decision.class_prior); None if that is not known
        groups: which rows belong together, [n]; None where each stands for itself
        classes: class names (default: the codes as text)

    Raises:
        DataError: logits that are not finite, shapes that do not fit
    """
    logits, labels = np.asarray(logits), np.asarray(labels, dtype=np.int64)
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise DataError(f"expected logits [n, C] and labels [n], got {list(logits.shape)} and {list(labels.shape)}")
    if not np.isfinite(logits).all():
        raise DataError("the validation logits are not finite: training diverged; lower the learning rate")
    names = tuple(str(code) for code in range(logits.shape[1])) if classes is None else tuple(classes)
    rows = ValidationRows(logits, labels, names, positive, groups)

    restored, prior_notes = restore_prior(rows, settings, ledger)
    corrections, is_fitted, calibration_notes = calibrate(rows, restored or (), settings.calibrator)
    prior, weights = "as_trained" if restored is None else "data", None
    are_for, stated = prior_of_probabilities(rows, ledger, restored, is_fitted), stated_shares(settings, names)
    if restored is not None and stated is not None:
        prior = "balanced" if settings.prior == "balanced" else "stated"
        shift, weights = shift_to_prevalence(rows, stated, ledger, is_fitted)
        corrections, are_for = (*corrections, shift), stated_prior(stated, names, data_prior(rows, ledger))
    probabilities = softmax(corrected(logits, corrections))
    point, threshold_notes = choose_threshold(rows, probabilities, settings.threshold, weights, are_for)
    abstention, abstention_notes = choose_abstention(rows, probabilities, point, settings.abstain, weights)
    return Decision(
        threshold=point.threshold,
        corrections=corrections,
        prior=prior,
        rule=point.rule,
        costs=None if point.costs is None else tuple(tuple(map(float, row)) for row in point.costs),
        abstention=abstention,
        positive=positive,
        rows=tuple(map(int, rows.counts)),
        notes=(*prior_notes, *calibration_notes, *threshold_notes, *abstention_notes),
        rule_fitted=point.fitted,
    )


def stated_shares(settings: DecisionSettings, classes: Sequence[str]) -> Mapping[str, float] | None:
    """The shares by class name that the recipe wants the probabilities for; None for those of the data, or as trained."""
    if settings.prior == "balanced":
        return dict.fromkeys(classes, 1 / len(classes))
    return settings.prior if isinstance(settings.prior, dict) else None


def data_prior(rows: ValidationRows, ledger: Ledger | None) -> np.ndarray:
    """Shares of the classes in the data, float64 [C]: by the ledger, else those of the validation rows."""
    return shares(rows.counts) if ledger is None else ledger.data


def prior_of_probabilities(
    rows: ValidationRows, ledger: Ledger | None, restored: tuple[Correction, ...] | None, is_fitted: bool
) -> np.ndarray | None:
    """Shares of the classes, float64 [C], that probabilities are for before any move to stated ones; None if not known.

    Those of validation after a fit that brought them there, those of the data once restored, else those of training.
    """
    if is_fitted:
        return shares(rows.counts)
    if ledger is None:
        return None
    return ledger.effective if restored is None else ledger.data


def restore_prior(
    rows: ValidationRows, settings: DecisionSettings, ledger: Ledger | None
) -> tuple[tuple[Correction, ...] | None, Notes]:
    """The corrections to the prior of the data, by the ledger where it is exact, else fitted.

    Empty where nothing shifted it; None where it is not requested or not possible.
    """
    if settings.prior == "as_trained":
        refits = settings.calibrator is not None and settings.calibrator.moves_prior and not rows.missing
        if ledger is None or not ledger.is_shifted or refits:
            return None, ()
        return None, (
            "the probabilities are for the class prior of training, which may not be that of the data (see the table `class "
            "prior` of `imbalkit plan`); `decision: {prior: data}` restores the latter",
        )
    if ledger is not None and ledger.exact and ledger.effective is not None:
        return exact_steps(ledger, ledger.effective), ()
    why = "what training did to it is not known" if ledger is None else _inexact(ledger)
    if rows.missing:
        words = {"data": "", "balanced": ", nor the balanced one set"}
        stated = words.get(str(settings.prior), ", nor the stated one set")
        return None, (
            f"the class prior of the data was not restored{stated}: {why}, and to fit it instead there are {rows.missing}",
        )
    return (bias_and_temperature(rows.logits, rows.labels),), (
        f"the class prior of the data was restored by a bias and a temperature fitted on {len(rows.labels):,} validation "
        f"rows: {why}",
    )


def exact_steps(ledger: Ledger, effective: np.ndarray) -> tuple[Correction, ...]:
    """The corrections of an exact ledger, whose effective prior is [C]: the loss's map, then the factors' offset."""
    steps = [] if ledger.map is None else [loss_map(*ledger.map)]
    if ledger.is_weighted:
        steps.append(offset(PRIOR, effective, ledger.data))
    return tuple(steps)


def _inexact(ledger: Ledger) -> str:
    parts = [f"{entry.stage}: {entry.shift.why}" for entry in ledger.entries if not entry.shift.exact]
    return "it cannot be worked out (" + "; ".join(parts or ["a class was left with no weight"]) + ")"


def calibrate(
    rows: ValidationRows, restored: tuple[Correction, ...], calibrator: Calibrator | None
) -> tuple[tuple[Correction, ...], bool, Notes]:
    """The corrections with the calibrator's among them, and whether validation's class shares are what they now give."""
    is_fitted = any(step.name == BIAS_AND_TEMPERATURE for step in restored)
    if calibrator is None:
        return restored, is_fitted, ()
    missing = rows.missing if calibrator.needs_every_class or (rows.counts > 0).sum() < 2 else ""
    if missing:
        return restored, is_fitted, (f"there are {missing}: the probabilities are not calibrated",)
    logits, moves = corrected(rows.logits, restored), calibrator.moves_prior
    step = calibration(calibrator, logits, rows.labels)
    if restored and not is_fitted:
        moves = moves and _has_shares_of(rows, softmax(step.apply(logits)))
        maps = tuple(each for each in restored if each.stage == MAPPED)
        shift = restored[len(maps) :]
        if not moves and shift:
            # The offset is of the counts, not of the network's logits: a scale must not shrink it, so it comes after.
            bias = np.array(shift[0].fitted["bias"])
            under = calibration(calibrator, corrected(rows.logits, maps), rows.labels, bias)
            return (*maps, under, *shift), False, tuple(calibrator.notes(under.fitted))
    return (*restored, step), is_fitted or moves, tuple(calibrator.notes(step.fitted))


def _has_shares_of(rows: ValidationRows, probabilities: np.ndarray) -> bool:
    """Whether probabilities [n, C] have the rows' class shares up to sampling error: what `moves_prior` promises."""
    expected = rows.counts / len(rows.labels)
    error = np.sqrt(expected * (1 - expected) / len(rows.labels))
    return bool((np.abs(probabilities.mean(axis=0) - expected) <= 3 * error).all())


def shift_to_prevalence(
    rows: ValidationRows, stated: Mapping[str, float], ledger: Ledger | None, is_fitted: bool
) -> tuple[Correction, np.ndarray | None]:
    """The correction from the prior of the data (of validation, if a fit has brought them there) to the stated one.

    Also what each row counts at that prevalence, float64 [n]; None without rows.
    """
    counts = rows.counts.astype(np.float64)
    data = data_prior(rows, ledger)
    target = stated_prior(stated, rows.classes, data)
    step = offset(PREVALENCE, shares(counts) if is_fitted else data, target)
    if not len(rows.labels):
        return step, None
    by_class = np.divide(target, shares(counts), out=np.zeros(len(counts)), where=counts > 0)
    return step, by_class[rows.labels]


def choose_abstention(
    rows: ValidationRows,
    probabilities: np.ndarray,
    point: OperatingPoint,
    settings: AbstainSettings | None,
    weights: np.ndarray | None = None,
) -> tuple[Abstention | None, Notes]:
    """Which rows are left undecided; None: none.

    Args:
        rows: what the probabilities are of
        probabilities: float [n, C]
        point: what decides
        settings: of the recipe
        weights: what each row counts, float [n]; None for 1
    """
    if settings is None:
        return None, ()
    name = None if rows.positive is None else rows.classes[rows.positive]
    if settings.band is not None:
        if name is None:
            return None, ("abstain.band needs a positive class: every row is decided",)
        low, high = settings.band
        abstention = Abstention(f"undecided where the probability of {name} is {low:g} to {high:g}", band=(low, high))
        if point.threshold is None or low <= point.threshold <= high:
            return abstention, ()
        return abstention, (
            f"the threshold {point.threshold:.4g} lies outside the band [{low:g}, {high:g}] in which rows are left undecided",
        )
    if settings.coverage is None or not len(rows.labels):
        return None, ("there are no validation rows: every row is decided, whatever abstain.coverage says",)
    uncertainties = uncertainty(probabilities, point.threshold, rows.positive, point.costs)
    limit = limit_for_coverage(uncertainties, settings.coverage, weights)
    if not np.isfinite(limit):
        return None, ("equally uncertain validation rows cannot be parted: every row is decided",)
    of_rows = "the validation rows" if weights is None else "the validation rows, weighed to the stated class prior,"
    rule = f"undecided where most uncertain, so that {settings.coverage:.4g} of {of_rows} are decided"
    if point.threshold is None or rows.positive is None or point.costs is not None:
        return Abstention(rule, limit=limit), ()
    low, high = uncertainty_band(limit, point.threshold)
    return Abstention(f"{rule}: a probability of {name} of {low:.4g} to {high:.4g}", band=(low, high)), ()
