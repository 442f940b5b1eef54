"""Several networks as one: the mean of their restored probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from imbalkit.decision.corrections import Correction, corrected
from imbalkit.errors import RunError
from imbalkit.functional.views import log_mean_probabilities


class Recoding(nn.Module):
    """Columns as an ensemble takes them, [n, W], to columns as one member was trained on them, [n, V] (data.column_merge)."""

    matrix: torch.Tensor
    shift: torch.Tensor

    def __init__(self, matrix: np.ndarray, shift: np.ndarray):
        super().__init__()
        self.register_buffer("matrix", torch.from_numpy(matrix).float(), persistent=False)
        self.register_buffer("shift", torch.from_numpy(shift).float(), persistent=False)

    def forward(self, columns: torch.Tensor) -> torch.Tensor:
        return columns @ self.matrix + self.shift


class EnsembleMember(nn.Module):
    """A network and the steps from its logits to its restored probabilities, given as logarithms, float64 [n, C].

    One that takes columns beside the image is called with those of the ensemble, which `recoding` makes its own.
    """

    def __init__(self, network: nn.Module, steps: Sequence[Correction], recoding: Recoding | None = None):
        super().__init__()
        self.network = network
        self.recoding = recoding
        self.steps = tuple(steps)

    def forward(self, images: torch.Tensor, columns: torch.Tensor | None = None) -> torch.Tensor:
        logits = self.network(images, *self.beside(columns)).double()
        restored = torch.from_numpy(corrected(logits.cpu().numpy(), self.steps))
        return restored.log_softmax(dim=1).to(logits.device)

    def beside(self, columns: torch.Tensor | None = None) -> tuple[torch.Tensor, ...]:
        """What the network takes beside the images, of columns as the ensemble takes them."""
        return () if self.recoding is None or columns is None else (self.recoding(columns),)


class Ensemble(nn.Module):
    """Images in 0..1, float [n, C, H, W], to the log of the mean over members of their restored probabilities [n, classes].

    With columns beside the images, float32 [n, W], where the members take some.
    """

    def __init__(self, members: Sequence[EnsembleMember]):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, images: torch.Tensor, *columns: torch.Tensor) -> torch.Tensor:
        return log_mean_probabilities(torch.stack([member(images, *columns) for member in self.members]))

    @property
    def width(self) -> int:
        """Raises RunError: an ensemble has no features."""
        raise self._no_features()

    def features(self, images: torch.Tensor, *columns: torch.Tensor) -> torch.Tensor:
        """Raises RunError: an ensemble has no features."""
        raise self._no_features()

    @staticmethod
    def _no_features() -> RunError:
        return RunError("an ensemble has no features of its own, only its members have: restore one of them")
