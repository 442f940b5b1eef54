"""Losses of a whole batch that rank: large where rows of a class do not score above the rest; 0 for a perfect ranking.

Common arguments of the functions: scores float [K, n], higher for the class, of K classes against the rest; members bool
[K, n], which rows are of the class. Each returns [K]; 0, with a gradient of 0, where the batch lacks the class or the rest.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imbalkit.errors import ImbalkitError
from imbalkit.functional.ce import at_least_float32, check_batch
from imbalkit.functional.checks import check_count, check_number

SURROGATES = ("squared_hinge", "logistic")
SIDES = ("low_fpr", "high_tpr")


def auc_margin_loss(scores: Tensor, members: Tensor, margin: float = 1.0) -> Tensor:
    """Var(class) + Var(rest) + max(0, margin + mean(rest) - mean(class))^2. Yuan et al. 2021 (ICCV), AUC margin loss.

    Theirs is min over a, b and max over alpha >= 0 of E(s - a)^2 + E(s - b)^2 + 2 alpha (margin + E(rest) - E(class)) -
    alpha^2: the class's mean for a, the rest's for b and the last bracket for alpha give this, so that no optimiser of
    its own is needed. Where the bracket is positive, it is the mean of (margin - s_i + s_j)^2 over all pairs of both.
    """
    rest = ~members
    own_mean, rest_mean = _mean(scores, members), _mean(scores, rest)
    own_var = _mean((scores - own_mean[:, None]) ** 2, members)
    rest_var = _mean((scores - rest_mean[:, None]) ** 2, rest)
    return (own_var + rest_var + F.relu(margin + rest_mean - own_mean) ** 2) * _has_both(members)


def pairwise_auc_loss(
    scores: Tensor, members: Tensor, surrogate: str = "squared_hinge", margin: float = 1.0, rest: Tensor | None = None
) -> Tensor:
    """Mean over the pairs of a row i of the class and a row j of the rest of a bound on [s_i < s_j]: 1 - AUC, made smooth.

    "squared_hinge": max(0, margin - (s_i - s_j))^2; "logistic": log(1 + exp(-(s_i - s_j))) (Burges et al. 2005). Both are
    consistent with the area (Gao and Zhou 2015). Takes memory for n^2 numbers a class.

    Args:
        margin: of "squared_hinge"
        rest: bool [K, n], the rows to rank below (default: all that are not members)
    """
    difference = scores[:, :, None] - scores[:, None, :]
    pairs = members[:, :, None] & (~members if rest is None else rest)[:, None, :]
    loss = F.softplus(-difference) if surrogate == "logistic" else F.relu(margin - difference) ** 2
    # By `where`: a pair that does not count must not do so through an infinite loss times 0 either.
    total = torch.where(pairs, loss, torch.zeros((), dtype=loss.dtype, device=loss.device)).sum((1, 2))
    return total / pairs.sum((1, 2)).clamp_min(1)


def partial_auc_loss(
    scores: Tensor,
    members: Tensor,
    side: str,
    share: float = 0.2,
    surrogate: str = "squared_hinge",
    margin: float = 1.0,
) -> Tensor:
    """`pairwise_auc_loss` of the pairs that a part of the ROC curve is made of.

    "low_fpr": the curve up to a false positive rate of `share`: the class against the share of the rest that scores
    highest, which are the hardest for each of its rows (the CVaR form of Zhu et al. 2022, within the batch).
    "high_tpr": the curve above a true positive rate of 1 - `share`, as in ISIC 2024: the share of the class that scores
    lowest against all of the rest. Shares are rounded up to whole rows.
    """
    if side == "low_fpr":
        return pairwise_auc_loss(scores, members, surrogate, margin, _first(scores, ~members, share))
    return pairwise_auc_loss(scores, _first(-scores, members, share), surrogate, margin, ~members)


def log_odds(logits: Tensor) -> Tensor:
    """log p_c - log(1 - p_c) of each class, [n, C], exact also where p_c rounds to 1."""
    total = logits.logsumexp(1, keepdim=True)
    probabilities = (logits - total).exp()
    # Of the likeliest class, the rest is summed; of others p is 0.5 at most, and 1 - p exact.
    classes = torch.arange(logits.shape[1], device=logits.device)
    top = logits.argmax(1, keepdim=True) == classes
    rest_of_top = logits.masked_fill(top, -torch.inf).logsumexp(1, keepdim=True)
    rest = torch.where(top, rest_of_top, total + torch.log1p(-probabilities.masked_fill(top, 0.0)))
    return logits - rest


class AUCLoss(nn.Module):
    """A class against the rest of the batch, or the mean over all classes of which the batch has rows and others.

    Args:
        num_classes: C
        positive: code of the class; None for every class
    """

    def __init__(self, num_classes: int, positive: int | None = None):
        super().__init__()
        self.num_classes = check_count(num_classes, "num_classes")
        self.positive = positive

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Logits [n, C] and targets [n] to a scalar: 0 where the batch has rows of one class alone."""
        check_batch(logits, targets, self.num_classes)
        scores = self.scores(at_least_float32(logits)).T
        members = torch.arange(self.num_classes, device=targets.device)[:, None] == targets
        if self.positive is not None:
            scores, members = scores[self.positive, None], members[self.positive, None]
        return self.losses(scores, members).sum() / _has_both(members).sum().clamp_min(1)

    def scores(self, logits: Tensor) -> Tensor:
        """What rows are ranked by, [n, C]: the log odds of each class."""
        return log_odds(logits)

    def losses(self, scores: Tensor, members: Tensor) -> Tensor:
        """The loss of each class, [K]."""
        raise NotImplementedError  # each loss of AUC writes its own


class AUCMargin(AUCLoss):
    """`auc_margin_loss` of probabilities."""

    def __init__(self, num_classes: int, positive: int | None = None, margin: float = 1.0):
        super().__init__(num_classes, positive)
        self.margin = check_number(margin, "margin")

    def scores(self, logits: Tensor) -> Tensor:
        """What rows are ranked by, [n, C]: probabilities."""
        return logits.softmax(1)

    def losses(self, scores: Tensor, members: Tensor) -> Tensor:
        """The loss of each class, [K]."""
        return auc_margin_loss(scores, members, self.margin)


class PairwiseAUC(AUCLoss):
    """`pairwise_auc_loss` of log odds; of a part of the curve with `side`, see `partial_auc_loss`."""

    def __init__(
        self,
        num_classes: int,
        positive: int | None = None,
        surrogate: str = "squared_hinge",
        margin: float = 1.0,
        side: str | None = None,
        share: float = 1.0,
    ):
        super().__init__(num_classes, positive)
        if surrogate not in SURROGATES:
            raise ImbalkitError(f"surrogate: expected one of {', '.join(SURROGATES)}, got {surrogate!r}")
        if side is not None and side not in SIDES:
            raise ImbalkitError(f"side: expected one of {', '.join(SIDES)}, got {side!r}")
        self.surrogate, self.side = surrogate, side
        self.margin = check_number(margin, "margin")
        self.share = check_number(share, "share", most=1)

    def losses(self, scores: Tensor, members: Tensor) -> Tensor:
        """The loss of each class, [K]."""
        if self.side is None:
            return pairwise_auc_loss(scores, members, self.surrogate, self.margin)
        return partial_auc_loss(scores, members, self.side, self.share, self.surrogate, self.margin)


def _mean(values: Tensor, rows: Tensor) -> Tensor:
    """Mean of the values [K, n] over those rows, [K]; 0 without any. Counts rows, never values that are not 0."""
    return (values * rows).sum(1) / rows.sum(1).clamp_min(1)


def _has_both(members: Tensor) -> Tensor:
    return members.any(1) & ~members.all(1)


def _first(scores: Tensor, rows: Tensor, share: float) -> Tensor:
    """The share of the rows that scores highest, rounded up to a whole row: bool [K, n]."""
    order = scores.detach().masked_fill(~rows, -torch.inf).argsort(dim=1, descending=True, stable=True)
    places = torch.arange(rows.shape[1], device=rows.device).expand_as(order)
    rank = torch.empty_like(order).scatter_(1, order, places)
    count = (
        (share * rows.sum(1, keepdim=True) - 1e-3).ceil().clamp_min(1)
    )  # 1e-3: 0.2 times 15 is more than 3 in float32
    return rows & (rank < count)
