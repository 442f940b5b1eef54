"""Miss rate and false alarm rate of every method as a table of dots, grouped by loss."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from imbalkit.plots import style
from imbalkit.plots.study import marks
from imbalkit.plots.study.balance import rounded
from imbalkit.plots.study.comparable import require_two_classes
from imbalkit.plots.study.methods import METHOD
from imbalkit.plots.study.methods import data as methods_data
from imbalkit.plots.study.records import At, RunRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINE = 0.19  # inches a line


def data(runs: Sequence[RunRecord], at: At = "chosen") -> pd.DataFrame:
    """The rates of every method and run, grouped by loss and by rising balance ratio.

    Columns as in imbalkit.plots.study.methods.data, and `line`: where the method stands in the figure, from 0.

    Raises RunError for runs with more than two classes.
    """
    require_two_classes(runs, "by_loss")
    frame = methods_data(runs, at)
    methods = frame[frame["mark"] == METHOD]
    rank = {loss: index for index, loss in enumerate(marks.ordered(frame["loss"]))}
    order = methods.assign(rank=methods["loss"].map(rank), ratio=rounded(methods["balance_ratio"]))
    order = order.sort_values(["rank", "backbone", "ratio"], kind="stable")
    line = {index: position for position, index in enumerate(order.index)}
    # The rows of a method's runs follow it.
    own = frame.index.where(frame["mark"] == METHOD).to_series().ffill().astype(int).map(line)
    frame.insert(1, "line", own.to_numpy())
    return frame.sort_values("line", kind="stable", ignore_index=True)


def draw(frame: pd.DataFrame, notes: Sequence[str] = ()) -> Figure:
    """Two panels of dots with 95 % intervals; one line a method under the heading of its loss."""
    methods = frame[frame["mark"] == METHOD]
    looks = marks.Marks.of(frame)
    places, headings, labels = _lines(methods)
    height = 1.35 + LINE * (max(places.values()) + 1)
    with style.rules():
        figure = style.new_figure(style.WIDTH, height)
        panels = figure.subplots(1, 2, sharey=True)
        for axes, rate, label in zip(panels, ("miss", "false_alarm"), marks.rate_labels(frame), strict=True):
            right = style.ceiling([*frame[f"{rate}_rate"], *methods[f"{rate}_high"]])
            axes.set(xlim=(0, right), xlabel=label.replace(" (", "\n("))
            style.percent_axis(axes.xaxis, right)
            style.grid(axes, "x")
            axes.spines["left"].set_visible(False)
            axes.tick_params(axis="y", length=0)
            for _, row in frame.iterrows():
                place, look = places[row["line"]], looks.look(row)
                if row["mark"] == METHOD:
                    ends = (row[f"{rate}_low"], row[f"{rate}_high"])
                    axes.plot(ends, (place, place), color=look["color"], linewidth=1.0, alpha=0.6, zorder=2)
                axes.plot(row[f"{rate}_rate"], place, linestyle="", clip_on=False, **look)
        texts = sorted(
            [(places[line], label, False) for line, label in labels.items()]
            + [(place, loss, True) for loss, place in headings.items()]
        )
        panels[0].set_ylim(max(places.values()) + 0.6, -0.6)  # the first line on top
        panels[0].set_yticks([place for place, _, _ in texts], [text for _, text, _ in texts])
        for tick, (_, _, heading) in zip(panels[0].get_yticklabels(), texts, strict=True):
            tick.set_fontweight("bold" if heading else "normal")
        style.note(figure, [*marks.notes(frame, "Bars"), "Under each loss: methods by rising balance ratio.", *notes])
    return figure


def _lines(methods: pd.DataFrame) -> tuple[dict[int, float], dict[str, float], dict[int, str]]:
    """Height of each method's line and of each loss's heading, downwards (no headings with one loss); labels by line."""
    several = methods["backbone"].nunique() > 1
    places: dict[int, float] = {}
    headings: dict[str, float] = {}
    labels: dict[int, str] = {}
    below = 0.0
    for _, row in methods.sort_values("line").iterrows():
        if methods["loss"].nunique() > 1 and row["loss"] not in headings:
            below += 0.35 if headings else 0
            headings[row["loss"]] = below
            below += 1
        label = f"{row['label']}, {row['backbone']}" if several else row["label"]
        wrapped = textwrap.wrap(label, 48)
        room = 0.3 * (len(wrapped) - 1)
        places[row["line"]], labels[row["line"]] = below + room, "\n".join(wrapped)
        below += 1 + 2 * room
    return places, headings, labels
