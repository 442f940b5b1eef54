"""Twelve pictures and an empty cache."""

from __future__ import annotations

import pytest

from imbalkit.data.cache import Cache
from tests.data.cached_images import RULE, write_images


@pytest.fixture
def paths(tmp_path):
    return write_images(tmp_path / "images", 12)


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache", RULE)
