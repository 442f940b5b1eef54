"""Rules that choose the operating point on validation."""

from __future__ import annotations

from imbalkit.thresholds.best_f import BestF
from imbalkit.thresholds.best_g_mean import BestGMean
from imbalkit.thresholds.cost import Cost
from imbalkit.thresholds.fixed import Fixed
from imbalkit.thresholds.target_recall import TargetRecall
from imbalkit.thresholds.youden import Youden

THRESHOLDS = [BestF, BestGMean, Cost, Fixed, TargetRecall, Youden]
