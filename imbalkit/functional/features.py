"""Features of rows, as methods that compare rows by distance want them."""

from __future__ import annotations

import numpy as np


def standardised(features: np.ndarray) -> np.ndarray:
    """Each feature with mean 0 and deviation 1 over the rows, float32 [n, F]; one that does not vary is 0."""
    features = np.asarray(features, dtype=np.float32)
    mean, deviation = (
        part(features, axis=0, dtype=np.float64, keepdims=True) if len(features) else 0.0 for part in (np.mean, np.std)
    )
    # Below what float32 keeps of its digits, a deviation is rounding.
    varies = deviation > 1e-6 * np.maximum(np.abs(mean), 1e-30)
    result: np.ndarray = np.where(varies, (features - mean) / np.where(varies, deviation, 1.0), 0.0).astype(np.float32)
    return result
