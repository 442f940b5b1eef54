"""Reports without charts, which take longer than a training on a few pictures."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from markupsafe import Markup


@contextmanager
def without_charts() -> Iterator[None]:
    """Within it, the reports that this process writes have every section and text, and no chart."""
    from imbalkit.plots.svg import Chart
    from imbalkit.report.page import ORDER

    def empty(*arguments: Any, **options: Any) -> Chart:
        return Chart(Markup(""), (0.0, 1.0, 1.0, 0.0))

    with pytest.MonkeyPatch.context() as patch:
        for key, _ in (entry for entries in ORDER.values() for entry in entries):
            section = importlib.import_module(f"imbalkit.report.sections.{key}")
            if hasattr(section, "chart"):
                patch.setattr(section, "chart", empty)
        yield
