"""Heads: from a backbone's features to logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from imbalkit.base.parameters import Part, param, part_of
from imbalkit.kinds.common import BuildContext

if TYPE_CHECKING:
    from torch import nn


class Head(Part):
    """`build` returns a module from features [n, features] to logits [n, classes]; dropout comes before it."""

    kind = "head"
    is_linear: ClassVar[bool] = False  # logits W h + b, and the module's state is `weight` [C, F] and `bias` [C]
    normalised: ClassVar[bool] = False  # logits are `logit_scale` times the cosine of features and a class's weights

    dropout: float = param(0.2, help="share of features dropped in training", ge=0, lt=1)

    @property
    def logit_scale(self) -> float:
        """What cosines are multiplied by, for a loss that adds margins to cosines; 1 for a head that is not normalised."""
        return 1.0

    def build(self, context: BuildContext, features: int) -> nn.Module:
        raise NotImplementedError  # each part of this kind writes its own


HeadRef = Annotated[Head, part_of("head", default="linear")]
