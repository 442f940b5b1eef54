"""Sharpness-aware minimisation: the gradient of a step is taken where the loss near the weights is highest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def ascended(parameters: Iterable[torch.nn.Parameter], radius: float) -> Iterator[None]:
    """The parameters moved by e = radius g / |g|, g their gradient; afterwards they are to the bit what they were.

    Foret et al. 2021, eq. 2, with |g| over all parameters that have a gradient. Inside, gradients are None. A gradient of
    zero moves nothing. Neither does a common factor on all gradients, such as the loss scale of fp16. One that is not finite
    makes the parameters NaN, and so the gradient taken inside, which the loss scaler of fp16 then skips.

    Nothing is read by the host.
    """
    moved: list[torch.Tensor] = [parameter for parameter in parameters if parameter.grad is not None]
    gradients: Any = [parameter.grad for parameter in moved]
    if not moved:
        yield
        return
    with torch.no_grad():
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        old = [parameter.clone() for parameter in moved]
        torch._foreach_mul_(gradients, radius / (norm + 1e-12))
        torch._foreach_add_(moved, gradients)
    for parameter in moved:
        parameter.grad = None
    try:
        yield
    finally:
        with torch.no_grad():
            torch._foreach_copy_(moved, old)
