"""A small plan of two classes, and images that tell them apart."""

from __future__ import annotations

import numpy as np
import pytest

from imbalkit.data.image_store import ArrayStore
from imbalkit.plan import Plan


@pytest.fixture
def plan() -> Plan:
    """48 rows: 36 of class 0, and every fourth one of class 1."""
    return Plan.from_labels(np.arange(48) % 4 // 3, seed=1)


@pytest.fixture
def images(plan) -> ArrayStore:
    """Noise of 8 x 8 px, one channel; the upper half is lighter in class 1."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 120, (48, 8, 8, 1), dtype=np.uint8)
    pixels[plan.label == 1, :4] += 90
    return ArrayStore(pixels)
