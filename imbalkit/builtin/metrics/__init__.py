"""Metrics of predictions.

Averages over classes are over the classes that occur among the labels; what is not defined is NaN. See
imbalkit.functional.metrics, ranking and usefulness for the formulas.
"""

from __future__ import annotations

from imbalkit.builtin.metrics.areas import PartialAuc, PrAuc, RocAuc, SensitivityAtSpecificity, SpecificityAtSensitivity
from imbalkit.builtin.metrics.averages import Accuracy, BalancedAccuracy, GMean, MacroF1, Mcc
from imbalkit.builtin.metrics.per_class import (
    FalseAlarmRate,
    MinorityRecall,
    MissRate,
    Precision,
    Recall,
    WorstClassRecall,
)
from imbalkit.builtin.metrics.probabilities import Brier, Ece, LogLoss
from imbalkit.builtin.metrics.usefulness import NetBenefit, PredictiveValues
from imbalkit.kinds import Metric

METRICS: list[type[Metric]] = [
    Accuracy,
    BalancedAccuracy,
    Brier,
    Ece,
    FalseAlarmRate,
    GMean,
    LogLoss,
    MacroF1,
    Mcc,
    MinorityRecall,
    MissRate,
    NetBenefit,
    PartialAuc,
    PrAuc,
    Precision,
    PredictiveValues,
    Recall,
    RocAuc,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
    WorstClassRecall,
]
