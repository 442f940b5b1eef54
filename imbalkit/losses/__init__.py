"""The losses in the box, one file each."""

from imbalkit.losses.ce import CE
from imbalkit.losses.focal import Focal
from imbalkit.losses.gamma_rce import GammaRCE
from imbalkit.losses.inverse_ce import InverseCE
from imbalkit.losses.rce import RCE
from imbalkit.losses.weighted_ce import WeightedCE

LOSSES = [CE, Focal, GammaRCE, InverseCE, RCE, WeightedCE]
