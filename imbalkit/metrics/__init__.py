"""Figures on predictions.

Averages over classes are over the classes that occur among the labels; what is not defined is NaN. See
imbalkit.functional.metrics for the formulas.
"""

from __future__ import annotations

from imbalkit.metrics.areas import PrAuc, RocAuc
from imbalkit.metrics.averages import Accuracy, BalancedAccuracy, GMean, MacroF1, Mcc
from imbalkit.metrics.per_class import FalseAlarmRate, MinorityRecall, MissRate, Precision, Recall, WorstClassRecall
from imbalkit.metrics.probabilities import Brier, LogLoss

METRICS = [
    Accuracy,
    BalancedAccuracy,
    Brier,
    FalseAlarmRate,
    GMean,
    LogLoss,
    MacroF1,
    Mcc,
    MinorityRecall,
    MissRate,
    PrAuc,
    Precision,
    Recall,
    RocAuc,
    WorstClassRecall,
]
