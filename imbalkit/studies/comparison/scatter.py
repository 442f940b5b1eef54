"""Miss rate against false alarm rate, one mark a run, with intervals. Nearer to the origin is better."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from imbalkit.errors import RunError
from imbalkit.plots import marks, style
from imbalkit.plots.study.rates import guides

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from imbalkit.studies.comparison.result import Comparison


def data(found: Comparison) -> pd.DataFrame:
    """run, positive_class, negative_class, and both rates, each with `_low` and `_high`.

    Raises RunError where the comparison has not both rates.
    """
    rows = {run: {"run": run} for run in found.runs}
    for rate in ("miss_rate", "false_alarm_rate"):
        own = found.figures[found.figures["figure"] == rate]
        if found.positive is None or own.empty or own["value"].isna().any():
            raise RunError("the scatter needs a positive class, and the figures miss_rate and false_alarm_rate")
        for _, row in own.iterrows():
            rows[row["run"]] |= {rate: row["value"], f"{rate}_low": row["low"], f"{rate}_high": row["high"]}
    others = [name for name in found.classes if name != found.positive]
    frame = pd.DataFrame(list(rows.values()))
    return frame.assign(positive_class=found.positive, negative_class=others[0] if len(others) == 1 else "others")


def notes(found: Comparison) -> list[str]:
    """The small print."""
    half = "uncalibrated at one half" if found.at == "half" else "at the threshold that each run chose on validation"
    methods = ", ".join(found.figures.loc[found.figures["figure"].str.endswith("_rate"), "method"].unique())
    positives = found.support[found.positive or ""]
    return [
        f"Decisions {half}. {sum(found.support.values()):,} test rows, {positives:,} of them {found.positive}. Crosses: "
        f"{100 * found.level:g} % intervals ({methods}). The runs share their test rows: crosses that overlap do not rule out a "
        "difference, see the paired tests."
    ]


def draw(frame: pd.DataFrame, small_print: Sequence[str] = ()) -> Figure:
    """Marks with their intervals as crosses, over lines of equal balanced accuracy."""
    colours = style.deal(frame["run"], style.COLOURS, style.OTHER_COLOUR)
    shapes = style.deal(frame["run"], style.MARKERS, style.OTHER_MARKER)
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
            thin = {"color": colour, "linewidth": 0.8, "alpha": 0.7, "zorder": 3, "clip_on": False}
            axes.plot((row["false_alarm_rate_low"], row["false_alarm_rate_high"]), (y, y), **thin)
            axes.plot((x, x), (row["miss_rate_low"], row["miss_rate_high"]), **thin)
            name = "\n".join(textwrap.wrap(row["run"], 34))
            look = marks.shape_of(shapes[row["run"]], colour, edge=True)
            axes.plot(x, y, linestyle="", label=name, clip_on=False, **look)
        figure.legend(loc="outside right upper", handlelength=1.2)
        lines = "Grey lines: equal balanced accuracy; nearer to the origin is better."
        style.note(figure, [*small_print, lines])
    return figure
