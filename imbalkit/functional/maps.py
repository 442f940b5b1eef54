"""From the logits that a loss is least at to those of the true probabilities, for losses that are least elsewhere.

Each is a module from logits [n, C] to logits [n, C], at the precision of its input: float64 in a decision, float32 in an exported
graph, so only operations that a phone's runtimes have. If a row's class chances are t and softmax(z) is where the loss is least
on average, softmax(map(z)) is t. Numbers that a class depends on are float64 until the module is moved to another precision.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

LEAST = 1e-35  # of 1 - p, which float32 still holds
KEPT = 0.01  # of a probability, at least, when label smoothing is undone


def log_probabilities(logits: Tensor) -> tuple[Tensor, Tensor]:
    """ln p and ln(1 - p) of each class, [n, C] each, right also where p rounds to 1; 1 - p is never below `LEAST`."""
    shifted = logits - logits.amax(1, keepdim=True)
    odds, is_top = shifted.exp(), shifted >= 0
    # The odds of all but one of the largest classes, whose own are 1: no difference of numbers that are nearly alike.
    rest = torch.where(is_top, torch.zeros_like(odds), odds).sum(1, keepdim=True)
    rest = (rest + (is_top.to(odds.dtype).sum(1, keepdim=True) - 1)).clamp_min(LEAST)
    log_total = _log1p(rest)
    others = torch.where(is_top, rest.expand_as(odds), 1 + (rest - odds))
    return shifted - log_total, others.log() - log_total


def _log1p(x: Tensor) -> Tensor:
    """ln(1 + x) for x >= 0. In float32 without the operation of that name, which exported files write as a plain logarithm."""
    if x.dtype == torch.float64:
        return torch.log1p(x)
    return torch.where(x < 0.01, x * (1 - x * (1 / 2 - x * (1 / 3 - x / 4))), (1 + x).log())


class FocalMap(nn.Module):
    """t_c ~ p / ((1 - p)^gamma - gamma (1 - p)^(gamma - 1) p ln p), p the probability of class c.

    Charoenphakdee et al. 2021: where (1 - p)^gamma CE is least. The order of a row's classes stays.
    """

    def __init__(self, gamma: float):
        super().__init__()
        self.gamma = float(gamma)

    def forward(self, logits: Tensor) -> Tensor:
        log_p, log_rest = log_probabilities(logits)
        slope = log_rest.exp() - self.gamma * log_p.exp() * log_p
        return log_p - (self.gamma - 1) * log_rest - slope.log()


class Poly1Map(nn.Module):
    """t_c ~ p / (1 + epsilon p), p the probability of class c: where CE + epsilon (1 - p) is least, for epsilon >= -1."""

    def __init__(self, epsilon: float):
        super().__init__()
        self.epsilon = float(epsilon)

    def forward(self, logits: Tensor) -> Tensor:
        log_p, log_rest = log_probabilities(logits)
        if self.epsilon >= 0:
            return log_p - (1 + self.epsilon * log_p.exp()).log()
        return log_p - ((1 + self.epsilon) - self.epsilon * log_rest.exp()).log()  # no difference near 0


class SmoothingMap(nn.Module):
    """t_c ~ (p_c - m) / (1 - e_c) with m such that they sum to 1: where cross entropy with smoothed targets is least.

    The target of a row of class c is 1 - e_c on c and e_c spread evenly over all classes, so p_c = (1 - e_c) t_c + m with
    m = sum_k e_k t_k / C. A network that falls below m has learnt less than the formula assumes: at least `KEPT` of p_c counts,
    so that no class becomes impossible and the order stays.

    Args:
        smoothing: e_c of each class, [C], 0..1 (less than 1)
    """

    smoothing: Tensor

    def __init__(self, smoothing: Sequence[float]):
        super().__init__()
        self.register_buffer("smoothing", torch.tensor(smoothing, dtype=torch.float64), persistent=False)

    def forward(self, logits: Tensor) -> Tensor:
        log_p, _ = log_probabilities(logits)
        p, kept = log_p.exp(), 1 - self.smoothing
        m = (p * (self.smoothing / kept)).sum(1, keepdim=True) / (1 / kept).sum()
        return log_p + (1 - m / p.clamp_min(LEAST)).clamp_min(KEPT).log() - kept.log()


class ScaleMap(nn.Module):
    """Logits times a number for each class, [C], or one for all: of losses that scale logits while they learn."""

    scale: Tensor

    def __init__(self, scale: Sequence[float] | float):
        super().__init__()
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float64), persistent=False)

    def forward(self, logits: Tensor) -> Tensor:
        return logits * self.scale


MAPS: dict[str, type[nn.Module]] = {
    "focal": FocalMap,
    "poly1": Poly1Map,
    "label_smoothing": SmoothingMap,
    "scale": ScaleMap,
}
"""By the `name` in a PriorShift's `map`; the other values there are arguments."""
