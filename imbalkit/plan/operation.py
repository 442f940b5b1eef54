"""What a plan needs to know of an operation, and what an operation needs to know of a plan's rows.

The operations themselves are parts (imbalkit.kinds.Op), which know of plans; these protocols keep the plan below them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import torch


class Operation(Protocol):
    """One step of a view: random numbers become parameters first, pixels change later (imbalkit.kinds.Op)."""

    @property
    def name(self) -> str: ...
    @property
    def parameters(self) -> tuple[str, ...]: ...  # names of what `decide` draws for each row
    @property
    def square_only(self) -> bool: ...
    @property
    def label(self) -> str: ...
    def decide(self, uniforms: np.ndarray) -> np.ndarray: ...
    def apply(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor: ...
    def model_dump_json(self) -> str: ...


class RowsWithViews(Protocol):
    """What rendering reads of a plan (imbalkit.plan.Plan)."""

    @property
    def source(self) -> np.ndarray: ...  # uint32 [n]
    @property
    def label(self) -> np.ndarray: ...  # uint16 [n]
    @property
    def view(self) -> np.ndarray: ...  # uint16 [n], index into `views`
    @property
    def views(self) -> tuple[tuple[Operation, ...], ...]: ...
    def __len__(self) -> int: ...
    def parameters(self, rows: np.ndarray, index: int, op: Operation) -> np.ndarray: ...
