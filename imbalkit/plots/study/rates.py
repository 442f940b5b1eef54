"""Miss rate against false alarm rate: one mark a method. Nearer to the origin is better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from imbalkit.plots import style
from imbalkit.plots.study import marks
from imbalkit.plots.study.comparable import require_two_classes
from imbalkit.plots.study.methods import METHOD
from imbalkit.plots.study.methods import data as methods_data
from imbalkit.plots.study.records import At, RunRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def data(runs: Sequence[RunRecord], at: At = "chosen") -> pd.DataFrame:
    """The rates of every method and run; columns as in imbalkit.plots.study.methods.data.

    Raises RunError for runs with more than two classes.
    """
    require_two_classes(runs, "rates")
    return methods_data(runs, at)


def draw(frame: pd.DataFrame, notes: Sequence[str] = ()) -> Figure:
    """Marks with 95 % intervals as crosses, over lines of equal balanced accuracy; one panel a backbone."""
    backbones = list(dict.fromkeys(frame["backbone"]))
    columns = 1 if len(backbones) == 1 else 2 if len(backbones) <= 4 else 3
    rows = math.ceil(len(backbones) / columns)
    looks = marks.Marks.of(frame)
    miss, alarm = (label.replace(" (", "\n(") if columns > 1 else label for label in marks.rate_labels(frame))
    methods = frame[frame["mark"] == METHOD]
    right = style.ceiling([*frame["false_alarm_rate"], *methods["false_alarm_high"]])
    top = style.ceiling([*frame["miss_rate"], *methods["miss_high"]])
    with style.rules():
        figure = style.new_figure(style.WIDTH + 1.6 * (columns - 1), 4.4 if rows == 1 else 2.9 * rows)
        panels = marks.panels(figure, backbones, rows, columns)
        for place, (axes, backbone) in enumerate(zip(panels, backbones, strict=False)):
            axes.set(xlim=(0, right), ylim=(0, top))
            style.percent_axis(axes.xaxis, right)
            style.percent_axis(axes.yaxis, top)
            axes.set_xlabel(alarm if place + columns >= len(backbones) else "")
            axes.set_ylabel("" if place % columns else miss)
            guides(axes, right, top)
            for _, row in frame[frame["backbone"] == backbone].iterrows():
                _mark(axes, row, looks)
        for axes in panels[len(backbones) :]:
            axes.set_visible(False)
        marks.legend(figure, frame, looks)
        lines = "Grey lines: equal balanced accuracy; nearer to the origin is better."
        style.note(figure, [*marks.notes(frame, "Crosses"), lines, *notes])
    return figure


def _mark(axes: Axes, row: pd.Series, looks: marks.Marks) -> None:
    x, y, look = row["false_alarm_rate"], row["miss_rate"], looks.look(row)
    axes.plot(x, y, linestyle="", clip_on=False, **look)
    if row["mark"] == METHOD:
        thin: dict[str, Any] = {"color": look["color"], "linewidth": 0.6, "alpha": 0.55, "zorder": 2}
        axes.plot((row["false_alarm_low"], row["false_alarm_high"]), (y, y), **thin)
        axes.plot((x, x), (row["miss_low"], row["miss_high"]), **thin)


def guides(axes: Axes, right: float, top: float) -> None:
    """Lines of equal balanced accuracy, 1 - (miss rate + false alarm rate) / 2, each with its value where it ends."""
    lowest = max(0.5, 1 - (right + top) / 2)
    step = next(step for step in (0.01, 0.02, 0.05, 0.1) if (1 - lowest) / step <= 9)
    for accuracy in np.arange(1 - step, lowest, -step):
        both = 2 * (1 - accuracy)  # miss rate + false alarm rate
        left, low = max(0, both - top), max(0, both - right)
        axes.plot((left, both - low), (both - left, low), color=style.GUIDE, linewidth=0.6, zorder=0)
        # The label stands near the upper end, just inside the frame.
        x = both - 0.96 * top if left else 0.05 * right
        if x > right:
            continue  # only a corner of the line is in the frame
        axes.text(
            x,
            both - x,
            f"{accuracy:.0%}",
            fontsize=6,
            color="#8C8C8C",
            ha="center",
            va="center",
            zorder=1,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )
