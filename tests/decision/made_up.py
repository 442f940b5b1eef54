"""Validation rows, ledgers and settings of a decision, made up."""

from __future__ import annotations

import numpy as np

from imbalkit.decision.class_prior import Entry, Ledger
from imbalkit.decision.settings import DecisionSettings
from imbalkit.kinds import PriorShift

NOTHING = np.zeros((0, 2)), np.zeros(0, dtype=int)


def validation_rows(rows: int = 300):
    rng = np.random.default_rng(0)
    labels = (rng.random(rows) < 0.2).astype(np.int64)
    return rng.normal(size=(rows, 2)) + 2.0 * np.eye(2)[labels] * [1, 0.5], labels


def ledger(*shifts: PriorShift, rows=(900, 100), classes=("benign", "mel")) -> Ledger:
    return Ledger(classes, rows, tuple(Entry(f"part {n}", shift) for n, shift in enumerate(shifts)))


EXACT = PriorShift((1.0, 9.0), True, "copies at random")
INEXACT = PriorShift((1.0, 9.0), False, "copies are blurred")


def chosen(**settings) -> DecisionSettings:
    return DecisionSettings.model_validate(settings)
