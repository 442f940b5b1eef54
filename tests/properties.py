"""How many examples a property is tried on; the profiles "dev" and "ci" are in conftest.py."""

from __future__ import annotations

from typing import Any

from hypothesis import settings


def examples(number: int, **more: Any) -> settings:
    """Settings of a test: `number` examples with the profile "ci", a quarter of them with "dev"."""
    return settings(max_examples=number * settings.default.max_examples // 100, **more)
