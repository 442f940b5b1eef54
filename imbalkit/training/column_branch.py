"""The part of a network that sees table columns beside the image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from imbalkit.recipe.inputs import InputSettings
from imbalkit_lite.columns import ColumnEncoding


@dataclass(frozen=True)
class ColumnInputs:
    """Which columns a network takes beside the image, and how.

    Attributes:
        encoding: fitted on training rows
        width: units of each of the two layers
        dropout: probability that training sees a row's value as missing, for each column
    """

    encoding: ColumnEncoding
    width: int
    dropout: float

    @classmethod
    def of(cls, settings: InputSettings | None, encoding: ColumnEncoding | None) -> ColumnInputs | None:
        """Those of a recipe and what was fitted for it; None without."""
        return None if settings is None or encoding is None else cls(encoding, settings.width, settings.dropout)

    def build(self) -> ColumnBranch:
        """A branch with fresh weights."""
        return ColumnBranch(self.encoding, self.width, self.dropout)


class ColumnBranch(nn.Module):
    """Encoded columns, float [n, W], to features [n, width]: two dense layers, each with a ReLU.

    In training each row's value of each column becomes missing with probability `dropout`, whole columns at a time, so that
    the network works where a value is missing (as ModDrop drops modalities, Neverova et al. 2016). Weights of "other" and
    "missing" begin at zero: one that training never meets then changes nothing at work.
    """

    owner: torch.Tensor
    missing: torch.Tensor

    def __init__(self, encoding: ColumnEncoding, width: int, dropout: float):
        super().__init__()
        self.num_features, self.dropout = width, dropout
        self.layers = nn.Sequential(nn.Linear(encoding.width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        columns = encoding.columns
        first = self.layers[0]
        assert isinstance(first, nn.Linear)
        with torch.no_grad():
            first.weight[:, encoding.unlearnt] = 0
        owner = [place for place, column in enumerate(columns) for _ in range(column.width)]
        self.count = len(columns)
        self.register_buffer("owner", torch.tensor(owner), persistent=False)
        self.register_buffer("missing", torch.from_numpy(encoding.missing()), persistent=False)

    def forward(self, columns: torch.Tensor) -> torch.Tensor:
        if self.training and self.dropout:
            dropped = torch.rand(len(columns), self.count, device=columns.device) < self.dropout
            columns = torch.where(dropped[:, self.owner], self.missing.to(columns.dtype), columns)
        return self.layers(columns)
