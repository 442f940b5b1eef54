"""Rules that choose the operating point of a two-class problem on validation."""

from __future__ import annotations

from imbalkit.thresholds.best_g_mean import BestGMean
from imbalkit.thresholds.fixed import Fixed
from imbalkit.thresholds.target_recall import TargetRecall
from imbalkit.thresholds.youden import Youden

THRESHOLDS = [BestGMean, Fixed, TargetRecall, Youden]
