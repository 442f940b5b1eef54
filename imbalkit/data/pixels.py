"""Images in memory as the pixels that everything works on."""

from __future__ import annotations

from typing import Any

import numpy as np

from imbalkit.errors import DataError


def as_uint8(array: np.ndarray, key: str) -> np.ndarray:
    """Images [n, h, w] or [n, h, w, c], with what to call them in a message, to uint8 [n, h, w, c].

    uint8 is taken as it is; floats must lie within 0..1 and become round(255 x); other integers must fit 0..255. Raises
    DataError for others, and for other shapes.
    """
    shape: Any = list(array.shape)
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[3] not in (1, 3):
        first = array.ndim == 4 and array.shape[1] in (1, 3)
        hint = ": channels come last; transpose it with array.transpose(0, 2, 3, 1)" if first else ""
        raise DataError(f"expected {key} of shape [n, h, w] or [n, h, w, c] with c 1 or 3, got {shape}{hint}")
    if array.dtype == np.uint8 or not array.size:
        return np.ascontiguousarray(array.astype(np.uint8, copy=False))
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind not in "iuf":
        raise DataError(f"expected {key} to hold numbers, got {array.dtype}")
    low, high, top = array.min(), array.max(), 1 if array.dtype.kind == "f" else 255
    if not (low >= 0 and high <= top):  # NaN fails too
        raise DataError(f"expected {array.dtype} {key} within 0..{top}, got {low} to {high}: scale them first")
    return np.floor(array * 255.0 + 0.5).astype(np.uint8) if top == 1 else array.astype(np.uint8)
