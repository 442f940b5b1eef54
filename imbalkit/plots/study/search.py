"""Charts of a search: its trials in order, what of the space matters, and the winner's rates at every threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from imbalkit.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PARAMETERS = 12  # of the importance chart


def search_history(frame: pd.DataFrame, axes: Axes, metric: str, maximised: bool) -> None:
    """The metric of each trial in order, and the best so far.

    Args:
        frame: columns trial, state ("finished", "ended early", "failed"), base: whether it is the base recipe, value: at the
            end, or when it was ended early (NaN where there is none)
        axes: to draw on
        metric: its name
        maximised: whether higher is better
    """
    finished = frame[frame["state"] == "finished"]
    early = frame[(frame["state"] == "ended early") & frame["value"].notna()]
    best = finished["value"].cummax() if maximised else finished["value"].cummin()
    if len(finished):
        steps = np.append(best.to_numpy(), best.iloc[-1])
        ends = np.append(finished["trial"].to_numpy(), frame["trial"].max() + 0.5)
        axes.plot(
            ends, steps, drawstyle="steps-post", color=style.COLOURS[1], linewidth=1.4, zorder=3, label="best so far"
        )
        axes.plot(
            finished["trial"], finished["value"], "o", color=style.COLOURS[0], markersize=4, zorder=4, label="finished"
        )
        base = finished[finished["base"]]
        if len(base):
            axes.axhline(base["value"].iloc[0], color=style.GUIDE, linewidth=0.9, zorder=1, label="base recipe")
    if len(early):
        axes.plot(
            early["trial"],
            early["value"],
            "x",
            color=style.OTHER_COLOUR,
            markersize=4,
            zorder=2,
            label="ended early, at its last",
        )
    _integers(axes)
    axes.set(xlabel="trial", ylabel=f"{metric.replace('_', ' ')}, validation")
    style.grid(axes, "y")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, borderaxespad=0, handletextpad=0.5, fontsize=8.5)


def search_importance(frame: pd.DataFrame, axes: Axes) -> None:
    """How much each parameter decides the metric: columns parameter and importance, which sum to 1."""
    shown = frame.sort_values("importance", kind="stable").tail(MOST_PARAMETERS)
    axes.barh(shown["parameter"], shown["importance"], color=style.COLOURS[0], height=0.6)
    top = max(shown["importance"].max(), 1e-9)
    for place, value in enumerate(shown["importance"]):
        axes.text(value + 0.015 * top, place, f"{value:.2f}", va="center", color=style.NOTE, fontsize=8.5)
    axes.set(xlim=(0, 1.12 * top), xlabel="importance (sums to 1)")
    axes.tick_params(axis="y", labelcolor="#000000")
    style.grid(axes, "x")


def search_rates(frame: pd.DataFrame, axes: Axes) -> None:
    """Miss rate against false alarm rate at every threshold, a line a run, and the chosen threshold of each as a mark.

    Columns: run, recipe ("winner" or "base"), false_alarm_rate, miss_rate, chosen (whether the row is the chosen threshold).
    """
    looks = {"base": (style.OTHER_COLOUR, "base recipe"), "winner": (style.COLOURS[1], "winner")}
    chosen = frame[frame["chosen"]]
    for recipe, (colour, label) in looks.items():
        look: dict[str, Any] = {
            "color": colour,
            "linewidth": 1.1,
            "alpha": 0.8,
            "zorder": 3 if recipe == "winner" else 2,
        }
        lines = frame[(frame["recipe"] == recipe) & ~frame["chosen"]]
        for index, (_, line) in enumerate(lines.groupby("run", sort=False)):
            axes.plot(line["false_alarm_rate"], line["miss_rate"], **look | ({"label": label} if index == 0 else {}))
        marks = chosen[chosen["recipe"] == recipe]
        dots: dict[str, Any] = {"color": colour, "markersize": 5, "markeredgecolor": "white", "zorder": 5}
        axes.plot(marks["false_alarm_rate"], marks["miss_rate"], "o", **dots)
    right = _edge(frame["false_alarm_rate"], frame["miss_rate"], chosen["false_alarm_rate"])
    top = _edge(frame["miss_rate"], frame["false_alarm_rate"], chosen["miss_rate"])
    axes.set(xlim=(0, right), ylim=(0, top), xlabel="false alarm rate, test", ylabel="miss rate, test")
    style.percent_axis(axes.xaxis, right)
    style.percent_axis(axes.yaxis, top)
    style.grid(axes)
    axes.legend(loc="upper right")


def search_front(frame: pd.DataFrame, axes: Axes, metrics: tuple[str, str]) -> None:
    """Two metrics of the finished trials against each other; those of the front in colour. Columns: x, y, front."""
    for front, colour, label in ((False, style.OTHER_COLOUR, "other trials"), (True, style.COLOURS[1], "front")):
        part = frame[frame["front"] == front]
        axes.plot(part["x"], part["y"], "o", color=colour, markersize=5, label=label, zorder=3 + front)
    axes.set(xlabel=f"{metrics[0].replace('_', ' ')}, validation", ylabel=f"{metrics[1].replace('_', ' ')}, validation")
    style.grid(axes)
    axes.legend(loc="best")


def _edge(rates: pd.Series, others: pd.Series, chosen: pd.Series) -> float:
    """Where an axis ends: behind the chosen thresholds and the knees of the curves; what is beyond trades all for nothing."""
    knees = rates[(rates <= others) & (others > 0)]
    return min(1.0, max(0.05, 2.0 * max([*knees, *chosen, 0.0])))


def _integers(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
