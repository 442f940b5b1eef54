"""The charts of a search's report as inline SVG."""

from __future__ import annotations

import math

import pandas as pd
from markupsafe import Markup

from imbalkit.plots import PLOTS
from imbalkit.plots.svg import chart
from imbalkit.studies.search.outcome import Outcome
from imbalkit.studies.search.words import last_value, metric_words


def history_chart(outcome: Outcome) -> Markup:
    """The first metric of each trial in order."""
    frame = pd.DataFrame(
        {
            "trial": row.number,
            "state": row.state,
            "base": row.picks == outcome.base_picks,
            "value": row.values[0] if row.values else last_value(row) if row.state == "ended early" else math.nan,
        }
        for row in outcome.rows
    )
    draw, metric = PLOTS["search_history"].draw, outcome.metrics[0]
    return chart(
        "search-history",
        lambda axes: draw(frame, axes, metric, outcome.maximised[0]),
        "Trials in order",
        f"{metric_words(metric)} of validation by trial; the best is that of trial {outcome.winner.number}.",
    ).svg


def importance_chart(importances: dict[str, float]) -> Markup:
    """How much each parameter decides."""
    frame = pd.DataFrame({"parameter": list(importances), "importance": list(importances.values())})
    most = max(importances, key=lambda name: importances[name])
    height = 1.2 + 0.3 * min(len(frame), 12)
    draw = PLOTS["search_importance"].draw
    words = f"Importance of the parameters, the largest is that of {most}."
    return chart("search-importance", lambda axes: draw(frame, axes), "Importance", words, (4.6, height)).svg


def rates_chart(frame: pd.DataFrame) -> Markup:
    """Both rates of the winner at every threshold."""
    draw = PLOTS["search_rates"].draw
    words = "Miss rate against false alarm rate on the test rows, a line a run, with the chosen thresholds as dots."
    return chart("search-rates", lambda axes: draw(frame, axes), "Miss rate and false alarm rate", words).svg


def front_chart(outcome: Outcome) -> Markup:
    """The first two of several metrics."""
    front = {row.number for row in outcome.front}
    frame = pd.DataFrame(
        {"x": row.values[0], "y": row.values[1], "front": row.number in front}
        for row in outcome.of("finished")
        if row.values is not None
    )
    draw, names = PLOTS["search_front"].draw, outcome.metrics[:2]
    words = f"{metric_words(names[0])} against {metric_words(names[1])} of the finished trials."
    return chart("search-front", lambda axes: draw(frame, axes, names), "Front of two metrics", words).svg
