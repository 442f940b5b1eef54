"""Error rates against the balance ratio of the rows that were trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
    require_two_classes(runs, "balance")
    return methods_data(runs, at)


def rounded(ratios: pd.Series) -> pd.Series:
    """Balance ratios to two digits: folds differ by a few rows."""
    return ratios.map(lambda ratio: float(f"{ratio:.2g}"))


def sideways(frame: pd.DataFrame) -> dict[str, float]:
    """A factor of the balance ratio for each loss, so that the marks of losses at one ratio stand side by side."""
    methods = frame[(frame["mark"] == METHOD) & (frame["balance_ratio"] > 0)]
    losses = marks.ordered(frame["loss"])
    ratios = np.log(np.unique(rounded(methods["balance_ratio"])))
    if len(losses) == 1 or len(ratios) == len(methods):
        return dict.fromkeys(losses, 1.0)
    # About 1 % of the axis apart, but never nearer to the neighbouring ratio than to their own.
    step = min(0.012 * (ratios[-1] - ratios[0] + 0.6), 0.7 * min(np.diff(ratios), default=1.0) / len(losses))
    middle = (len(losses) - 1) / 2
    return {loss: float(np.exp(step * (index - middle))) for index, loss in enumerate(losses)}


def lines(frame: pd.DataFrame, rate: str) -> dict[str, pd.Series]:
    """For each loss the mean rate of its methods at each balance ratio (to two digits), by rising ratio."""
    methods = frame[(frame["mark"] == METHOD) & (frame["balance_ratio"] > 0)]
    found = {}
    for loss, own in methods.groupby("loss", sort=False):
        by_ratio = own.groupby(rounded(own["balance_ratio"]))
        found[str(loss)] = pd.Series(
            by_ratio[rate].mean().to_numpy(), index=by_ratio["balance_ratio"].mean().to_numpy()
        )
    return found


def draw(frame: pd.DataFrame, notes: Sequence[str] = ()) -> Figure:
    """Miss rate above, false alarm rate below, over the balance ratio on a log axis; one column a backbone."""
    backbones = list(dict.fromkeys(frame["backbone"]))
    looks, aside = marks.Marks.of(frame), sideways(frame)
    columns = len(backbones)
    with style.rules():
        figure = style.new_figure(max(style.WIDTH, 2.4 + 1.7 * columns), 5.2)
        panels = marks.panels(figure, backbones, 2, columns)
        for line, (rate, label) in enumerate(zip(("miss", "false_alarm"), marks.rate_labels(frame), strict=True)):
            top = style.ceiling([*frame[f"{rate}_rate"], *frame.loc[frame["mark"] == METHOD, f"{rate}_high"]])
            for column, backbone in enumerate(backbones):
                axes = panels[line * columns + column]
                axes.set(xscale="log", ylim=(0, top))
                style.percent_axis(axes.yaxis, top)
                style.grid(axes)
                _ratio_ticks(axes, frame["balance_ratio"])
                _marks(axes, frame[frame["backbone"] == backbone], rate, looks, aside)
                axes.set_ylabel("" if column else label.replace(" (", "\n("))
                axes.set_xlabel(_ratio_label(frame, columns) if line else "")
        marks.legend(figure, frame, looks)
        joint = "Lines join the means of a loss at each balance ratio."
        if any(factor != 1 for factor in aside.values()):
            joint += " Losses stand side by side around the balance ratio."
        style.note(figure, [*marks.notes(frame, "Bars"), joint, *notes])
    return figure


def _marks(axes: Axes, frame: pd.DataFrame, rate: str, looks: marks.Marks, aside: dict[str, float]) -> None:
    """One backbone's lines and marks of one rate."""
    for loss, line in lines(frame, f"{rate}_rate").items():
        axes.plot(line.index * aside[loss], line, color=looks.colours[loss], linewidth=0.9, alpha=0.8, zorder=3)
    for _, row in frame[frame["balance_ratio"] > 0].iterrows():
        x, look = row["balance_ratio"] * aside[row["loss"]], looks.look(row)
        axes.plot(x, row[f"{rate}_rate"], linestyle="", clip_on=False, **look)
        if row["mark"] == METHOD:
            axes.plot((x, x), (row[f"{rate}_low"], row[f"{rate}_high"]), color=look["color"], linewidth=0.6, alpha=0.55)


def _ratio_label(frame: pd.DataFrame, columns: int) -> str:
    pairs = frame[["positive_class", "negative_class"]].drop_duplicates()
    names = (
        f"({pairs['positive_class'].iloc[0]} / {pairs['negative_class'].iloc[0]})"
        if len(pairs) == 1
        else "(positive / negative)"
    )
    return f"balance ratio of the training rows {names}" if columns == 1 else f"balance ratio\n{names}"


def _ratio_ticks(axes: Axes, ratios: pd.Series) -> None:
    """Plain numbers, and room at both ends."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    known = ratios[ratios > 0]
    if len(known):
        low, high = known.min() / 1.35, known.max() * 1.35
        axes.set_xlim(low, high)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low > 4 else (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
