"""Knowledge distillation: a student learns a teacher's softened probabilities beside the labels.

Hinton et al. 2015, section 2: (1 - w) L(z, y) + w T^2 KL(softmax(t / T) || softmax(z / T)), row by row, with the student's logits
z and the teacher's t. The gradient of the KL term falls as 1 / T^2, which the factor T^2 makes good.

**One class prior for both terms.** Where training multiplies the odds of the classes by factors f (samplers, order, weights of
L), L is least at z* = ln(P(c | x) f_c) + constant, and the KL term at z = t, whatever T and w. A teacher of the probabilities P
of the data is therefore given as t = ln(P f): both terms are then least at one z*, so is their sum, and dividing the student's
odds by f restores P. With another prior in t, the student would learn a mixture whose prior is neither's. Where L is least
elsewhere, by a map m with m(z*) = ln(P f) (focal loss, label smoothing), the teacher is compared with m(z).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imbalkit.errors import ImbalkitError
from imbalkit.functional.ce import at_least_float32
from imbalkit.functional.checks import check_number

HOOKS = ("class_weights", "epoch_started", "epoch_finished")  # what a loss may have besides (kinds.Loss)


def soft_target_loss(logits: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """T^2 KL(softmax(t / T) || softmax(z / T)) of each row, [n]. Hinton et al. 2015, section 2 and 2.1.

    Args:
        logits: z of the student, float [n, C]
        teacher: t, float [n, C], without gradient; logarithms of probabilities will do
        temperature: T, above 0
    """
    logits = at_least_float32(logits)
    soft = F.log_softmax(teacher.to(logits.dtype) / temperature, dim=1)
    own = F.log_softmax(logits / temperature, dim=1)
    return temperature**2 * (soft.exp() * (soft - own)).sum(1)


class Distillation(nn.Module):
    """A loss of the labels and a teacher's softened probabilities, weighed; a row each, [n].

    Args:
        base: the loss of the labels; its module is called as it is
        temperature: T, above 0
        weight: w, the teacher's share, 0..1
        to_true: the map of the base loss from the logits that it is least at (kinds.PriorShift); None: it is least there

    Raises:
        ImbalkitError: numbers outside their limits; a base that counts over a batch
    """

    needs_teacher = True

    def __init__(self, base: nn.Module, temperature: float, weight: float, to_true: nn.Module | None = None):
        super().__init__()
        if hasattr(base, "statistics"):
            raise ImbalkitError(f"{type(base).__name__} counts over a batch and cannot be mixed with a teacher")
        self.base, self.to_true = base, to_true
        self.temperature = check_number(temperature, "temperature")
        if not self.temperature > 0:
            raise ImbalkitError(f"temperature: expected a number above 0, got {temperature}")
        self.weight = check_number(weight, "weight", most=1)
        self.needs_features = getattr(base, "needs_features", False)
        for name in HOOKS:
            if hasattr(base, name):
                setattr(self, name, getattr(base, name))

    def forward(self, logits: Tensor, targets: Tensor, teacher: Tensor, **options: Any) -> Tensor:
        """Logits [n, C], targets int64 [n] and the teacher's logits [n, C] to [n]."""
        if teacher.shape != logits.shape:
            raise ImbalkitError(f"expected teacher {list(logits.shape)} as the logits, got {list(teacher.shape)}")
        labelled = self.base(logits, targets, **options)
        logits = at_least_float32(logits)
        if self.to_true is not None:
            logits = self.to_true(logits)
        soft = soft_target_loss(logits, teacher, self.temperature)
        return torch.add((1 - self.weight) * labelled, soft, alpha=self.weight)
