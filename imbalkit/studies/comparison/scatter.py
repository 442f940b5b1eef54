"""Both rates of compared runs, with their intervals, as the plot `compared` takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from imbalkit.errors import RunError
from imbalkit.plots import PLOTS, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from imbalkit.studies.comparison.result import ComparisonResult


def data(found: ComparisonResult) -> pd.DataFrame:
    """run, positive_class, negative_class, and both rates, each with `_low` and `_high`.

    Raises RunError where the comparison has not both rates.
    """
    rows = {run: {"run": run} for run in found.runs}
    for rate in ("miss_rate", "false_alarm_rate"):
        values = found.metrics[found.metrics["metric"] == rate]
        if found.positive is None or values.empty or values["value"].isna().any():
            raise RunError("the scatter needs a positive class, and the metrics miss_rate and false_alarm_rate")
        for _, row in values.iterrows():
            rows[row["run"]] |= {rate: row["value"], f"{rate}_low": row["low"], f"{rate}_high": row["high"]}
    others = [name for name in found.classes if name != found.positive]
    frame = pd.DataFrame(list(rows.values()))
    return frame.assign(positive_class=found.positive, negative_class=others[0] if len(others) == 1 else "others")


def notes(found: ComparisonResult) -> list[str]:
    """The small print."""
    half = "uncalibrated at one half" if found.at == "half" else "at the threshold that each run chose on validation"
    methods = ", ".join(found.metrics.loc[found.metrics["metric"].str.endswith("_rate"), "method"].unique())
    positives = found.support[found.positive or ""]
    return [
        f"Decisions {half}. {sum(found.support.values()):,} test rows, {positives:,} of them {found.positive}. Crosses: "
        f"{100 * found.level:g} % intervals ({methods}). The runs share their test rows: crosses that overlap do not rule out a "
        "difference, see the paired tests."
    ]


def draw(found: ComparisonResult, frame: pd.DataFrame) -> Figure:
    """The plot of a comparison's rates (`data`)."""
    return PLOTS["compared"].draw(style.plain_frame(frame), notes(found))
