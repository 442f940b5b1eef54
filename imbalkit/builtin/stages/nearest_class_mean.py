"""The class whose mean features are nearest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from imbalkit.builtin.heads import Cosine, Linear
from imbalkit.kinds import BuildContext, Counts, FeatureRows, Head, PriorShift, Solution, SolvedStage, listing, param


class NearestClassMean(SolvedStage):
    """The class whose mean of features is nearest (Kang et al. 2020, section 4.2).

    As a head: for `euclidean` a linear one, z_c = <m_c, h> - |m_c|^2 / 2, which is -|h - m_c|^2 / 2 but for what all classes
    share; for `cosine` one of directions, z_c = scale <h/|h|, m_c/|m_c|>. It is a decision rule rather than a model of
    probabilities: how frequent a class is has no part in it, and probabilities are fitted on validation.
    """

    name = "nearest_class_mean"
    distance: Literal["euclidean", "cosine"] = param("euclidean", help="how features are compared with a mean")
    scale: float = param(30.0, help="factor of the cosines", gt=0)

    @property
    def makes_new_head(self) -> bool:
        return True

    def head_after(self, head: Head) -> Head:
        return (
            Linear(dropout=head.dropout)
            if self.distance == "euclidean"
            else Cosine(scale=self.scale, dropout=head.dropout)
        )

    def check_counts(self, counts: Counts) -> str:
        empty = [name for name, most in zip(counts.classes, counts.high, strict=True) if not most]
        return f"{listing(empty)} has no training rows, so no mean; leave the class out of the data" if empty else ""

    def solve(
        self, train: FeatureRows, validation: FeatureRows, head: Mapping[str, np.ndarray], context: BuildContext
    ) -> Solution:
        from imbalkit.functional.class_means import class_means, euclidean_head

        means = class_means(train.features, train.labels, len(context.classes))
        if self.distance == "cosine":
            return Solution({"weight": means})
        weight, bias = euclidean_head(means)
        return Solution({"weight": weight, "bias": bias})

    def prior_shift(self, context: BuildContext) -> PriorShift:
        return PriorShift(None, False, "distances to class means are no probabilities, and leave frequencies out")
