"""The built-in stages, one file each."""

from __future__ import annotations

from imbalkit.builtin.stages.imblearn import Imblearn
from imbalkit.builtin.stages.learnable_weight_scaling import LearnableWeightScaling
from imbalkit.builtin.stages.logistic_regression import LogisticRegression
from imbalkit.builtin.stages.nearest_class_mean import NearestClassMean
from imbalkit.builtin.stages.retrain import Retrain
from imbalkit.builtin.stages.smote import Smote
from imbalkit.builtin.stages.tau_normalisation import TauNormalisation
from imbalkit.kinds import AnyStage

STAGES: list[type[AnyStage]] = [
    Imblearn,
    LearnableWeightScaling,
    LogisticRegression,
    NearestClassMean,
    Retrain,
    Smote,
    TauNormalisation,
]
