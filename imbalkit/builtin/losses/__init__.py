"""The built-in losses, one file each."""

from imbalkit.builtin.losses.auc_margin import AUCMargin
from imbalkit.builtin.losses.ce import CE
from imbalkit.builtin.losses.class_balanced import ClassBalanced
from imbalkit.builtin.losses.distill import Distill
from imbalkit.builtin.losses.focal import Focal
from imbalkit.builtin.losses.gamma_rce import GammaRCE
from imbalkit.builtin.losses.inverse_ce import InverseCE
from imbalkit.builtin.losses.label_aware_smoothing import LabelAwareSmoothing
from imbalkit.builtin.losses.ldam import LDAM
from imbalkit.builtin.losses.logit_adjusted import LogitAdjusted
from imbalkit.builtin.losses.pairwise_auc import PairwiseAUC
from imbalkit.builtin.losses.partial_auc import PartialAUC
from imbalkit.builtin.losses.poly1 import Poly1
from imbalkit.builtin.losses.rce import RCE
from imbalkit.builtin.losses.top_k import TopK
from imbalkit.builtin.losses.vs import VS
from imbalkit.builtin.losses.weighted_ce import WeightedCE
from imbalkit.kinds import Loss

LOSSES: list[type[Loss]] = [
    AUCMargin,
    CE,
    ClassBalanced,
    Distill,
    Focal,
    GammaRCE,
    InverseCE,
    LabelAwareSmoothing,
    LDAM,
    LogitAdjusted,
    PairwiseAUC,
    PartialAUC,
    Poly1,
    RCE,
    TopK,
    VS,
    WeightedCE,
]
