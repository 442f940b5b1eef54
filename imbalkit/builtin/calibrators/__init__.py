"""Corrections of logits, fitted on validation."""

from __future__ import annotations

from imbalkit.builtin.calibrators.isotonic import Isotonic
from imbalkit.builtin.calibrators.temperature import Temperature
from imbalkit.builtin.calibrators.vector import Vector
from imbalkit.kinds import Calibrator

CALIBRATORS: list[type[Calibrator]] = [Isotonic, Temperature, Vector]
