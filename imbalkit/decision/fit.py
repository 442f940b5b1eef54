"""Fitting a decision on validation rows, and what is said of it afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from imbalkit.decision.class_prior import Ledger
from imbalkit.decision.corrections import (
    OFFSET,
    PREVALENCE,
    PRIOR,
    Correction,
    bias_and_temperature,
    calibration,
    offset,
)
from imbalkit.decision.decision import AbstainSettings, Abstention, Decision, DecisionSettings
from imbalkit.errors import DataError, ImbalkitError, listing
from imbalkit.functional.abstain import band_of_doubt, doubt, limit_for_coverage
from imbalkit.functional.metrics import softmax
from imbalkit.functional.prior import shares, stated_prior
from imbalkit.kinds import Threshold


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
    fit = _Fit(logits, labels, settings, positive, ledger, groups, names)
    return fit.decision()


@dataclass
class _Fit:
    """One fit: what is given, and how far it is."""

    logits: np.ndarray
    labels: np.ndarray
    settings: DecisionSettings
    positive: int | None
    ledger: Ledger | None
    groups: np.ndarray | None
    classes: tuple[str, ...]
    steps: list[Correction] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    prior: str = "as_trained"
    weights: np.ndarray | None = None  # of the rows, at a stated prevalence

    def decision(self) -> Decision:
        restored = self._restore()
        moves = self._calibrate()
        if isinstance(self.settings.prior, dict) and restored:
            self._state(moves)
        probabilities = softmax(self._corrected())
        threshold, rule, costs = self._threshold(probabilities)
        abstention = self._abstention(probabilities, threshold, costs)
        return Decision(
            threshold,
            tuple(self.steps),
            self.prior,
            rule,
            None if costs is None else tuple(tuple(map(float, row)) for row in costs),
            abstention,
            self.positive,
            tuple(map(int, self._rows)),
            tuple(self.notes),
        )

    @property
    def _rows(self) -> np.ndarray:
        return np.bincount(self.labels, minlength=len(self.classes))

    @property
    def _lacking(self) -> str:
        """Which rows validation lacks for a fit of every class; empty if none."""
        if not len(self.labels):
            return "no validation rows"
        absent = [name for name, count in zip(self.classes, self._rows, strict=True) if not count]
        return f"no validation rows of {listing(absent, 6)}" if absent else ""

    def _corrected(self) -> np.ndarray:
        values = self.logits
        for step in self.steps:
            values = step.apply(values)
        return values

    # --- prior and calibration ---------------------------------------------------------------------------------------

    def _restore(self) -> bool:
        """Step 1: to the prior of the data; whether that was possible (or not needed)."""
        ledger, wanted = self.ledger, self.settings.prior
        if wanted == "as_trained":
            moves = self.settings.calibrator is not None and self.settings.calibrator.moves_prior
            if ledger is not None and ledger.is_shifted and not (moves and not self._lacking):
                self.notes.append(
                    "the probabilities are for the class prior of training, not for that of the data (see the ledger of "
                    "`imbalkit plan`); `decision: {prior: data}` restores it"
                )
            return False
        if ledger is not None and ledger.exact:
            self.prior = "data"
            if ledger.is_shifted:
                self.steps.append(offset(PRIOR, ledger.effective, ledger.data))
            return True
        why = "what training did to it is not known" if ledger is None else _inexact(ledger)
        if self._lacking:
            stated = ", nor the stated one set" if isinstance(wanted, dict) else ""
            self.notes.append(
                f"the class prior of the data was not restored{stated}: {why}, and to fit it instead there are {self._lacking}"
            )
            return False
        self.prior = "data"
        self.steps.append(bias_and_temperature(self.logits, self.labels))
        self.notes.append(
            f"the class prior of the data was restored by a bias and a temperature fitted on {len(self.labels):,} validation "
            f"rows: {why}"
        )
        return True

    def _calibrate(self) -> bool:
        """Step 2; whether validation's class shares are what the probabilities have now."""
        fitted = any(step.name != OFFSET for step in self.steps)
        calibrator = self.settings.calibrator
        if calibrator is None:
            return fitted
        present = int((self._rows > 0).sum())
        few = "" if present >= 2 else self._lacking
        if calibrator.needs_every_class:
            few = self._lacking
        if few:
            self.notes.append(f"there are {few}: the probabilities are not calibrated")
            return fitted
        restored, moves = self._corrected(), calibrator.moves_prior
        step = calibration(calibrator, restored, self.labels)
        if self.steps and not fitted:
            moves = moves and self._has_own_shares(softmax(step.apply(restored)))
            if not moves:
                # The offset is of the counts, not of the network's logits: a scale must not shrink it, so it comes after.
                held = np.array(self.steps[0].fitted["bias"])
                self.steps.insert(0, calibration(calibrator, self.logits, self.labels, held))
                return False
        self.steps.append(step)
        return fitted or moves

    def _has_own_shares(self, probabilities: np.ndarray) -> bool:
        """Whether the rows' probabilities have the rows' class shares but for chance: what `moves_prior` promises."""
        own = self._rows / len(self.labels)
        error = np.sqrt(own * (1 - own) / len(self.labels))
        return bool((np.abs(probabilities.mean(axis=0) - own) <= 3 * error).all())

    def _state(self, fitted: bool) -> None:
        """Step 3: from the prior of the data (of validation, if a fit has brought them there) to the stated one."""
        rows = self._rows.astype(np.float64)
        data = shares(rows) if self.ledger is None else self.ledger.data
        source = shares(rows) if fitted else data
        target = stated_prior(self.settings.prior, self.classes, data)
        self.steps.append(offset(PREVALENCE, source, target))
        self.prior = "stated"
        if len(self.labels):
            by_class = np.divide(target, shares(rows), out=np.zeros(len(rows)), where=rows > 0)
            self.weights = by_class[self.labels]

    # --- threshold and abstention ------------------------------------------------------------------------------------

    def _threshold(self, probabilities: np.ndarray) -> tuple[float | None, str | None, np.ndarray | None]:
        """Step 4: threshold, name of the rule, cost matrix."""
        two = len(self.classes) == 2
        rule = self.settings.threshold
        default = rule.name == "fixed" and rule.value == 0.5
        costs = None if two else rule.cost_matrix(self.classes)
        if costs is not None:
            return None, rule.name, costs
        if self.positive is None or (default and not two):
            if not default:
                self.notes.append(
                    f"the threshold {rule.name!r} needs a positive class: the most probable class is called"
                )
            return None, None, None
        rule = rule.for_classes(self.classes, self.positive)
        positives = self.labels == self.positive
        why = ""
        if rule.needs_rows and (not positives.any() or positives.all()):
            why = "no validation rows" if not len(self.labels) else "no validation rows of both classes"
            why = f"there are {why}"
        else:
            try:
                chances = probabilities[:, self.positive]
                threshold = float(rule.choose(positives, chances, weights=self.weights, groups=self.groups))
                self._note_an_end(rule, chances >= threshold)
                return threshold, rule.name, None
            except ImbalkitError as error:
                why = str(error)
        fallback = 0.5 if two else None
        said = "the threshold is 0.5" if two else "the most probable class is called"
        self.notes.append(f"{why}: {said}, not that of {rule.name!r}")
        return fallback, None, None

    def _note_an_end(self, rule: Threshold, called: np.ndarray) -> None:
        """A rule that calls all rows alike is right by its own measure; a reader must know of it all the same."""
        if rule.needs_rows and called.all() == called.any():
            which = "every" if called.all() else "no"
            name = self.classes[self.positive]
            self.notes.append(
                f"by {rule.name!r} {which} validation row is called {name}: the best that there is for it"
            )

    def _abstention(
        self, probabilities: np.ndarray, threshold: float | None, costs: np.ndarray | None
    ) -> Abstention | None:
        """Step 5."""
        wanted: AbstainSettings | None = self.settings.abstain
        if wanted is None:
            return None
        name = None if self.positive is None else self.classes[self.positive]
        if wanted.band is not None:
            if name is None:
                self.notes.append("abstain.band needs a positive class: every row is decided")
                return None
            low, high = wanted.band
            if threshold is not None and not low <= threshold <= high:
                self.notes.append(
                    f"the threshold {threshold:.4g} lies outside the band [{low:g}, {high:g}] in which rows are left undecided"
                )
            return Abstention(f"undecided where the probability of {name} is {low:g} to {high:g}", band=(low, high))
        if not len(self.labels):
            self.notes.append("there are no validation rows: every row is decided, whatever abstain.coverage says")
            return None
        doubts = doubt(probabilities, threshold, self.positive, costs)
        limit = limit_for_coverage(doubts, wanted.coverage, self.weights)
        rule = f"undecided where most doubtful, so that {wanted.coverage:.4g} of the validation rows are decided"
        if not np.isfinite(limit):
            self.notes.append("validation rows of equal doubt cannot be parted: every row is decided")
            return None
        if threshold is None or self.positive is None or costs is not None:
            return Abstention(rule, limit=limit)
        low, high = band_of_doubt(limit, threshold)
        return Abstention(f"{rule}: a probability of {name} of {low:.4g} to {high:.4g}", band=(low, high))


def _inexact(ledger: Ledger) -> str:
    parts = [f"{entry.stage}: {entry.shift.why}" for entry in ledger.entries if not entry.shift.exact]
    return "it cannot be worked out (" + "; ".join(parts or ["a class was left with no weight"]) + ")"
