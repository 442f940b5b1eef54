"""The network of a run without images as a file holds it: numbers and codes of a table's columns in, probabilities out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from imbalkit.export.steps import Calibration, LossMapping, MeanOfMembers
from imbalkit.training.classifier import Classifier
from imbalkit.training.ensemble import Recoding
from imbalkit_lite.columns import MOST_SPREADS, ColumnEncoding, NumberColumn

NUMBER, MISSING = -2.0, -1.0  # what a place stands for, where it is no category's code


def too_large(encoding: ColumnEncoding) -> list[NumberColumn]:
    """Columns of numbers so far from 0 for their spread that float32, in which a file takes them, rounds rows together.

    From a rounding (2^-24 of the mean) of a hundred thousandth of a standard deviation on.
    """
    numbers = [column for column in encoding.columns if isinstance(column, NumberColumn)]
    return [column for column in numbers if abs(column.mean) * 2.0**-24 > 1e-5 * column.std]


class Encoding(nn.Module):
    """Columns as a file takes them, float [n, K] (imbalkit_lite.columns.ColumnCodes), encoded as the network takes them, [n, W].

    A number x gives clip((x - mean) / std) and a flag for "missing" (NaN), a code a 1 at its category's place.
    """

    owner: torch.Tensor
    mean: torch.Tensor
    std: torch.Tensor
    code: torch.Tensor

    def __init__(self, encoding: ColumnEncoding):
        super().__init__()
        owner: list[int] = []
        mean: list[float] = []
        std: list[float] = []
        code: list[float] = []
        for place, column in enumerate(encoding.columns):
            owner += [place] * column.width
            if isinstance(column, NumberColumn):
                mean, std, code = [*mean, column.mean, 0.0], [*std, column.std, 1.0], [*code, NUMBER, MISSING]
            else:
                zeros = [0.0] * column.width
                mean, std = [*mean, *zeros], [*std, *[1.0] * column.width]
                code += [*map(float, range(column.width - 1)), MISSING]
        self.register_buffer("owner", torch.tensor(owner), persistent=False)
        for name, values in (
            ("mean", mean),
            ("std", std),
            ("code", code),
        ):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float64).float(), persistent=False)

    def forward(self, columns: torch.Tensor) -> torch.Tensor:
        """In floats, of operations that every runtime has."""
        missing = torch.isnan(columns)
        cells = torch.where(missing, torch.zeros_like(columns), columns).index_select(1, self.owner)
        gone = missing.to(columns.dtype).index_select(1, self.owner)
        numbers = ((cells - self.mean) / self.std).clamp(-MOST_SPREADS, MOST_SPREADS)
        there = torch.where(self.code.eq(NUMBER), numbers, cells.eq(self.code).to(columns.dtype)) * (1 - gone)
        return torch.where(self.code.eq(MISSING), gone, there)


class DeployedRows(nn.Module):
    """A classifier of rows with the decision's steps, from columns as a card states them, [n, K], to probabilities."""

    def __init__(
        self,
        model: Classifier,
        affine: tuple[np.ndarray, np.ndarray],
        encoding: ColumnEncoding,
        loss_map: nn.Module | None = None,
        recoding: Recoding | None = None,
    ):
        super().__init__()
        self.encoding = Encoding(encoding)
        self.recoding = nn.Identity() if recoding is None else recoding
        self.body, self.head = model.body, model.head
        self.mapping, self.calibration = LossMapping(loss_map), Calibration(*affine)

    def forward(self, columns: torch.Tensor) -> torch.Tensor:
        return self.logits(columns).softmax(dim=1)

    def logits(self, columns: torch.Tensor) -> torch.Tensor:
        """What the softmax is given, [n, classes]."""
        features = self.body(self.recoding(self.encoding(columns)))
        return self.calibration(self.mapping(self.head(features)))


class DeployedRowsMember(DeployedRows):
    """A member of an ensemble, which gives the logarithms of its restored probabilities, [n, classes]."""

    def forward(self, columns: torch.Tensor) -> torch.Tensor:
        logits = self.logits(columns)
        return logits - logits.logsumexp(dim=1, keepdim=True)


class DeployedRowsEnsemble(nn.Module):
    """Members on one input, and the ensemble's affine step."""

    def __init__(self, members: Sequence[DeployedRowsMember], affine: tuple[np.ndarray, np.ndarray]):
        super().__init__()
        self.members = nn.ModuleList(members)
        self.averaging, self.calibration = MeanOfMembers(), Calibration(*affine)

    def forward(self, columns: torch.Tensor) -> torch.Tensor:
        logs = self.averaging(torch.stack([member(columns) for member in self.members]))
        return self.calibration(logs).softmax(dim=1)
