"""Corrections of logits, fitted on validation."""

from __future__ import annotations

from imbalkit.calibrators.temperature import Temperature

CALIBRATORS = [Temperature]
