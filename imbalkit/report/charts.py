"""Charts of the registry as inline SVG."""

from __future__ import annotations

from typing import Any

from imbalkit.plots import PLOTS
from imbalkit.plots.svg import SIZE, Chart, chart
from imbalkit.runs.results import RunData


def inline(
    name: str,
    run: RunData,
    title: str,
    description: str,
    key: str = "",
    size: tuple[float, float] = SIZE,
    **options: Any,
) -> Chart:
    """A chart of one run, by its name.

    Args:
        name: of the chart
        run: what it draws
        title, description: what a screen reader reads
        key: its id on the page (default: its name)
        size: width and height in inches
        options: of the chart
    """
    return chart(
        key or name.replace("_", "-"), lambda axes: PLOTS[name].draw(run, axes, **options), title, description, size
    )
