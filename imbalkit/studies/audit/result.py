"""What an audit found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from imbalkit.recipe.prepared import Prepared


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes:
        prepared: recipe and data
        rows: a row a sample that some fold tested: sample, label, label_issue, suspicion (1 less the probability of its label),
            suggested, probability_of_label, probability_of_suggested, duplicate_of, mixed_group, outlier, stands_alone, loss,
            loss_rank
        pairs: near-duplicate pictures with different labels, int64 [m, 3] of two samples and bits
        groups: samples of groups with different labels
        agreement: of the label issues and what loss_rank would drop; {} without
        how: how each was made, in words
    """

    prepared: Prepared
    rows: pd.DataFrame
    pairs: np.ndarray
    groups: list[np.ndarray]
    agreement: dict[str, float]
    how: dict[str, str] = field(default_factory=dict)
