"""Methods that add or drop rows of a plan. A count among their parameters is always the final count of a class."""

from __future__ import annotations

from imbalkit.builtin.samplers.imblearn import Imblearn
from imbalkit.builtin.samplers.loss_rank import LossRank
from imbalkit.builtin.samplers.oversample import Oversample
from imbalkit.builtin.samplers.random_drop import RandomDrop
from imbalkit.builtin.samplers.random_over import RandomOver
from imbalkit.builtin.samplers.random_under import RandomUnder
from imbalkit.builtin.samplers.row_pickers import EditedNearestNeighbours, NearMiss, TomekLinks
from imbalkit.kinds import AnySampler

SAMPLERS: list[type[AnySampler]] = [
    EditedNearestNeighbours,
    Imblearn,
    LossRank,
    NearMiss,
    Oversample,
    RandomDrop,
    RandomOver,
    RandomUnder,
    TomekLinks,
]
