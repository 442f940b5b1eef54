"""How figures look: fonts, colours that colour-blind readers tell apart, markers that survive print, small helpers."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

from imbalkit_lite.text import printable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

DPI = 200
WIDTH = 7.2  # inches: the text width of two columns
# Okabe and Ito 2008, without the yellow that white paper swallows.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
OPEN = "-open"  # a marker that is an outline
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "o-open", "s-open", "^-open", "D-open", "v-open")
OTHER_COLOUR, OTHER_MARKER = "#8C8C8C", "."  # what comes after the last of them
GUIDE, NOTE = "#C8C8C8", "#555555"

_RULES = {
    "font.family": "sans-serif",
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "lines.linewidth": 1.0,
    "legend.frameon": False,
    "text.parse_math": False,  # a name may hold dollar signs
    "svg.hashsalt": "imbalkit",  # the same figure gives the same bytes
    "savefig.facecolor": "white",
}

Value = TypeVar("Value", bound=Hashable)


@contextmanager
def rules() -> Iterator[None]:
    """Draw and save inside this: matplotlib's own defaults and these rules, whatever the user's settings are."""
    import matplotlib.style

    with matplotlib.style.context(["default", _RULES]):
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, inches; free of pyplot's global state."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def shown(figure: Figure) -> Figure:
    """The figure, which a notebook now shows although pyplot has no part in it."""
    vars(figure)["_repr_png_"] = partial(_png, figure)
    return figure


def _png(figure: Figure) -> bytes:
    with io.BytesIO() as stream, rules():
        figure.savefig(stream, format="png", dpi=110)
        return stream.getvalue()


def plain_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """The numbers of a figure with names that can be drawn: what is no visible character stands there as an escape."""
    return frame.map(lambda value: printable(value) if isinstance(value, str) else value)


def assign(values: Iterable[Value], kinds: Sequence[str], other: str) -> dict[Value, str]:
    """A colour or marker for each distinct value, in order; `other` for those after the last kind."""
    distinct = list(dict.fromkeys(values))
    return {value: kinds[index] if index < len(kinds) else other for index, value in enumerate(distinct)}


def note(figure: Figure, lines: Sequence[str]) -> None:
    """Small print under the figure; takes room of its own."""
    width = int(19.5 * figure.get_figwidth())  # characters
    text = "\n".join(part for line in lines for part in textwrap.wrap(printable(line), width))
    if text:
        figure.supxlabel(text, x=0.01, ha="left", fontsize=6.5, color=NOTE, linespacing=1.3)


def percent_axis(axis: Axis, top: float) -> None:
    """Ticks of an axis of shares in 0..1 as percent, from 0 to `top`."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(PercentFormatter(xmax=1, decimals=0 if top > 0.06 else 1))


def ceiling(values: Iterable[float]) -> float:
    """An upper end for an axis of shares: a bit above the largest, at most 1."""
    largest = max((value for value in values if value == value), default=0.0)
    return min(1.0, max(0.02, largest * 1.08))


def grid(axes: Axes, which: Literal["both", "x", "y"] = "both") -> None:
    """Light lines behind the marks."""
    axes.grid(True, axis=which, color="#ECECEC", linewidth=0.6)
    axes.set_axisbelow(True)
