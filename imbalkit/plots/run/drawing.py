"""How charts look: lines that are labelled where they end, colours by class, shares as percent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from imbalkit.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from imbalkit.runs.results import RunData

POSITIVE, OTHER, QUIET = style.COLOURS[1], style.COLOURS[0], style.OTHER_COLOUR
MOST_COLOURS = 4  # classes beside each other in a colour of their own; of more, the rarest three
BAND = 0.16  # opacity of an interval's band


def class_colours(run: RunData) -> dict[int, str]:
    """A colour for each class code: the positive class stands out; of many classes the three rarest, the rest is grey."""
    codes = range(len(run.classes))
    if run.positive is not None:
        others = iter([OTHER, *style.COLOURS[2:]])
        many = len(run.classes) > MOST_COLOURS
        return {code: POSITIVE if code == run.positive else QUIET if many else next(others) for code in codes}
    if len(run.classes) <= MOST_COLOURS:
        return {code: style.COLOURS[code] for code in codes}
    rare = run.smallest_first[:3]
    return {code: style.COLOURS[rare.index(code)] if code in rare else QUIET for code in codes}


def named(run: RunData) -> list[int]:
    """Codes of the classes that a chart names: those that are not grey."""
    return [code for code, colour in class_colours(run).items() if colour != QUIET]


def end_labels(axes: Axes, entries: Sequence[tuple[float, str, str]], gap: float = 0.075) -> None:
    """Texts at the right edge, level with the lines that end there: (y in data, text, colour); none on another.

    Call it when the limits of the axes are final.
    """
    low, high = axes.get_ylim()
    places = sorted(((y - low) / (high - low), text, colour) for y, text, colour in entries)
    level: list[float] = []
    for place, text, _ in places:
        above = level[-1] + gap * (1 + places[len(level) - 1][1].count("\n")) if level else -1.0
        level.append(max(place, above))
        del text
    shift = max(0.0, level[-1] - 1.0) if level else 0.0  # the topmost stays inside
    for at, (_, text, colour) in zip(level, places, strict=True):
        axes.annotate(
            text,
            (1.015, at - shift),
            xycoords="axes fraction",
            color=colour,
            va="center",
            ha="left",
            annotation_clip=False,
        )


def key(axes: Axes, entries: Sequence[tuple[str, str]]) -> None:
    """What the colours are, above the axes: (text, colour), a line each, the first on top."""
    for line, (text, colour) in enumerate(reversed(entries)):
        axes.text(0.0, 1.03 + 0.075 * line, text, color=colour, transform=axes.transAxes, va="bottom")


def unit_square(axes: Axes) -> None:
    """Both axes are shares from 0 to 1, written as percent."""
    from matplotlib.ticker import PercentFormatter

    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.015), box_aspect=1)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks([0, 0.25, 0.5, 0.75, 1])
        axis.set_major_formatter(PercentFormatter(1, 0))
    style.grid(axes)
