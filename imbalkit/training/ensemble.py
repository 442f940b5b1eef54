"""Several networks as one: the mean of their restored probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from imbalkit.decision.corrections import Correction, corrected
from imbalkit.errors import RunError
from imbalkit.functional.views import log_mean_probabilities


class EnsembleMember(nn.Module):
    """A network and the steps from its logits to its restored probabilities, given as logarithms, float64 [n, C]."""

    def __init__(self, network: nn.Module, steps: Sequence[Correction]):
        super().__init__()
        self.network = network
        self.steps = tuple(steps)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits = self.network(images).double()
        restored = torch.from_numpy(corrected(logits.cpu().numpy(), self.steps))
        return restored.log_softmax(dim=1).to(logits.device)


class Ensemble(nn.Module):
    """Images in 0..1, float [n, C, H, W], to the log of the mean over members of their restored probabilities [n, classes]."""

    def __init__(self, members: Sequence[EnsembleMember]):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return log_mean_probabilities(torch.stack([member(images) for member in self.members]))

    @property
    def width(self) -> int:
        """Raises RunError: an ensemble has no features."""
        raise self._no_features()

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Raises RunError: an ensemble has no features."""
        raise self._no_features()

    @staticmethod
    def _no_features() -> RunError:
        return RunError("an ensemble has no features of its own, only its members have: restore one of them")
