"""A normalised classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import BuildContext, Head, param

if TYPE_CHECKING:
    from torch import nn


class Cosine(Head):
    """Dropout, and logits s cos(h, w_c): features h and weights w_c on the unit sphere, no bias. Cao et al. 2019 (LDAM).

    No class can win by the length of its weights, which grows with its rows in a linear head. The scale is part of the head, so
    that its logits can be calibrated.
    """

    name = "cosine"
    normalised = True
    scale: float = param(
        30.0, help="s: what the cosines are multiplied by; with 1 probabilities stay close to equal", gt=0
    )

    @property
    def logit_scale(self) -> float:
        return self.scale

    def build(self, context: BuildContext, features: int) -> nn.Module:
        from imbalkit.functional.cosine import CosineClassifier

        return CosineClassifier(features, len(context.classes), self.scale)
