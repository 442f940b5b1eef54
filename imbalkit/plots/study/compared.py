"""Miss rate against false alarm rate of runs that were compared on the same test rows. Nearer to the origin is better."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from imbalkit.plots import style
from imbalkit.plots.study import marks
from imbalkit.plots.study.rates import guides

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(frame: pd.DataFrame, small_print: Sequence[str] = ()) -> Figure:
    """Marks with their intervals as crosses, over lines of equal balanced accuracy.

    Args:
        frame: a row a run: run, positive_class, negative_class, miss_rate and false_alarm_rate, each with `_low` and `_high`
        small_print: what stands below
    """
    colours = style.assign(frame["run"], style.COLOURS, style.OTHER_COLOUR)
    shapes = style.assign(frame["run"], style.MARKERS, style.OTHER_MARKER)
    right, top = (style.ceiling([*frame[rate], *frame[f"{rate}_high"]]) for rate in ("false_alarm_rate", "miss_rate"))
    miss, alarm = marks.rate_labels(frame)
    with style.rules():
        figure = style.new_figure(style.WIDTH, 4.4)
        axes = figure.subplots()
        axes.set(xlim=(0, right), ylim=(0, top), xlabel=alarm, ylabel=miss)
        style.percent_axis(axes.xaxis, right)
        style.percent_axis(axes.yaxis, top)
        guides(axes, right, top)
        for _, row in frame.iterrows():
            x, y, colour = row["false_alarm_rate"], row["miss_rate"], colours[row["run"]]
            thin: dict[str, Any] = {"color": colour, "linewidth": 0.8, "alpha": 0.7, "zorder": 3, "clip_on": False}
            axes.plot((row["false_alarm_rate_low"], row["false_alarm_rate_high"]), (y, y), **thin)
            axes.plot((x, x), (row["miss_rate_low"], row["miss_rate_high"]), **thin)
            name = "\n".join(textwrap.wrap(row["run"], 34))
            look = marks.shape_of(shapes[row["run"]], colour, edge=True)
            axes.plot(x, y, linestyle="", label=name, clip_on=False, **look)
        figure.legend(loc="outside right upper", handlelength=1.2)
        lines = "Grey lines: equal balanced accuracy; nearer to the origin is better."
        style.note(figure, [*small_print, lines])
    return figure
