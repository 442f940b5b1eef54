"""The scores in the box, one file each."""

from imbalkit.scores.loss import LossScore
from imbalkit.scores.margin import MarginScore

SCORES = [LossScore, MarginScore]
