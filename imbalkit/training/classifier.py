"""The network: normalisation, a backbone's features, dropout and a head."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
from torch import nn

from imbalkit.errors import PluginError
from imbalkit.kinds import Backbone, BuildContext, Head, Preprocessing
from imbalkit.training.column_branch import ColumnBranch, ColumnInputs


class Classifier(nn.Module):
    """Images in 0..1, float [n, C, H, W], to logits [n, classes]; `with_features` gives what the head saw, too, [n, F].

    Normalisation is part of the network. One with inputs beside the image is called with their columns, float [n, W], too: the
    features of a branch of their own follow those of the body (late fusion).
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(
        self,
        body: nn.Module,
        head: nn.Module,
        preprocessing: Preprocessing,
        dropout: float,
        columns: ColumnBranch | None = None,
    ):
        super().__init__()
        self.body = body
        self.dropout = nn.Dropout(dropout)
        self.head = head
        self.columns = columns
        self.register_buffer("mean", torch.tensor(preprocessing.mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(preprocessing.std).view(1, -1, 1, 1), persistent=False)
        self.body_frozen = False
        self.batch_norm_moves = True

    def forward(self, images: torch.Tensor, columns: torch.Tensor | None = None, with_features: bool = False) -> Any:
        return logits_of(self.features(images, columns), self.dropout, self.head, with_features)

    @property
    def width(self) -> int:
        """F, how many features the head sees."""
        beside = 0 if self.columns is None else self.columns.num_features
        return cast(int, self.body.num_features) + beside

    def features(self, images: torch.Tensor, columns: torch.Tensor | None = None) -> torch.Tensor:
        """What the head sees before dropout, [n, F]; a network without columns takes no notice of them."""
        normalised = (images - self.mean) / self.std
        with self._gradient():
            features = self.body(normalised)
        return features if self.columns is None else torch.cat([features, self.columns(columns)], dim=1)

    def _gradient(self) -> AbstractContextManager[Any]:
        """Whether the body is given a gradient."""
        return torch.no_grad() if self.body_frozen else nullcontext()

    def freeze_body(self, frozen: bool, batch_norm_moves: bool | None = None) -> None:
        """Train the head (and the branch of the columns) alone: no gradient for the body, which is in eval mode.

        The running statistics of its batch norm move in training or stay as they are: by default as the body learns or not.
        """
        self.body_frozen = frozen
        self.batch_norm_moves = not frozen if batch_norm_moves is None else batch_norm_moves
        self.train(self.training)

    def train(self, mode: bool = True) -> Classifier:
        super().train(mode)
        if self.body_frozen:
            self.body.eval()
        if self.columns is not None and not any(value.requires_grad for value in self.columns.parameters()):
            self.columns.eval()  # frozen as the body is: its features are those that were computed once
        if self.batch_norm_moves == self.body_frozen:  # otherwise than the rest of the body
            for module in self._batch_norms():
                module.train(mode and self.batch_norm_moves)
        return self

    @property
    def has_batch_norm(self) -> bool:
        """Whether the body has running statistics that could move."""
        return any(True for _ in self._batch_norms())

    def _batch_norms(self) -> Iterator[nn.Module]:
        return (each for each in self.body.modules() if isinstance(each, nn.modules.batchnorm._BatchNorm))


class ColumnClassifier(Classifier):
    """The same on columns alone, float [n, W], which the body sees as they are; images are empty, and nobody looks at them."""

    def features(self, images: torch.Tensor, columns: torch.Tensor | None = None) -> torch.Tensor:
        with self._gradient():
            return cast(torch.Tensor, self.body(columns))


def logits_of(features: torch.Tensor, dropout: nn.Module, head: nn.Module, with_features: bool = False) -> Any:
    """Logits [n, C] of features [n, F]; `with_features` gives what the head saw, too, [n, F]."""
    features = dropout(features)
    logits = head(features)
    return (logits, features) if with_features else logits


def build_model(
    backbone: Backbone, head: Head, context: BuildContext, columns: ColumnInputs | None = None
) -> Classifier:
    """A network with fresh (or pretrained) weights, seeded by `context.seed`; `columns` are its inputs beside the image.

    Raises PluginError for a backbone that breaks its contract.
    """
    torch.manual_seed(context.seed)
    body = backbone.build(context)
    features = getattr(body, "num_features", None)
    if not isinstance(features, int):
        raise PluginError(
            f"backbone {backbone.name!r} must return a module with an int `num_features`, got {features!r}"
        )
    preprocessing = backbone.preprocessing()
    if backbone.reads == "columns":
        return ColumnClassifier(body, head.build(context, features), preprocessing, head.dropout)
    mean, std = preprocessing.mean, preprocessing.std
    if context.channels == 1 and len(mean) == 3:
        preprocessing = Preprocessing((sum(mean) / 3,), (sum(std) / 3,), preprocessing.size)
    elif len(mean) not in (1, context.channels):
        raise PluginError(f"backbone {backbone.name!r} is for {len(mean)} channels, the images have {context.channels}")
    branch = None if columns is None else columns.build()
    width = features if branch is None else features + branch.num_features
    return Classifier(body, head.build(context, width), preprocessing, head.dropout, branch)
