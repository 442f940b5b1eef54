"""The built-in scores, one file each."""

from imbalkit.builtin.scores.loss import LossScore
from imbalkit.builtin.scores.margin import MarginScore
from imbalkit.kinds import Score

SCORES: list[type[Score]] = [LossScore, MarginScore]
