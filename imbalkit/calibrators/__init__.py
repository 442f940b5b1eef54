"""Corrections of logits, fitted on validation."""

from __future__ import annotations

from imbalkit.calibrators.isotonic import Isotonic
from imbalkit.calibrators.temperature import Temperature
from imbalkit.calibrators.vector import Vector

CALIBRATORS = [Isotonic, Temperature, Vector]
