"""Rules that choose the operating point on validation."""

from __future__ import annotations

from imbalkit.builtin.thresholds.best_f import BestF
from imbalkit.builtin.thresholds.best_g_mean import BestGMean
from imbalkit.builtin.thresholds.cost import Cost
from imbalkit.builtin.thresholds.fixed import Fixed
from imbalkit.builtin.thresholds.logit_adjustment import LogitAdjustment
from imbalkit.builtin.thresholds.target_recall import TargetRecall
from imbalkit.builtin.thresholds.youden import Youden
from imbalkit.kinds import Threshold

THRESHOLDS: list[type[Threshold]] = [BestF, BestGMean, Cost, Fixed, LogitAdjustment, TargetRecall, Youden]
