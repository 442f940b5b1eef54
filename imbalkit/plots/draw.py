"""Drawing a plot by its name from finished runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from imbalkit.errors import RunError
from imbalkit.plots import OF_ONE_RUN, PLOTS, find_plot, style
from imbalkit.plots.study import gallery
from imbalkit.plots.study.records import At, RunRecord, find_runs
from imbalkit.runs.results import RunData

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from imbalkit.plan import Plan
    from imbalkit.recipe.prepared import Prepared

SIZE = (5.2, 3.9)  # inches, of a chart of one run
Drawn = tuple["Figure", pd.DataFrame]


def draw_run(name: str, folder: Path) -> Figure:
    """A plot of one finished run.

    Raises:
        RunError: no figure of that name, a run that is not finished or has nothing to draw, data of the gallery that are gone
    """
    plot = find_plot(name, OF_ONE_RUN)
    if plot.needs != "run":
        return draw_figure(name, find_runs([folder]).runs)[0]
    run = RunData.load(folder)
    with style.rules():
        figure = style.new_figure(*SIZE)
        plot.draw(run, figure.subplots())
    return figure


def draw_figure(
    name: str,
    runs: Sequence[RunRecord],
    at: At = "chosen",
    recipe: str | Path | None = None,
    samples: int = 2,
    notes: Sequence[str] = (),
    without: tuple[str, ...] = (),
) -> Drawn:
    """A figure over runs and its numbers; arguments as `imbalkit.plots.save.make`.

    Raises ImbalkitError if these runs do not allow it.
    """
    plot = PLOTS[name]
    if plot.needs == "nothing":
        frame = plot.data()
        return plot.draw(frame), frame
    if plot.needs == "plan":
        return _gallery(runs, recipe, samples, without)
    frame = plot.data(runs, at)
    return plot.draw(style.plain_frame(frame), notes), frame


def _gallery(runs: Sequence[RunRecord], recipe: str | Path | None, samples: int, without: tuple[str, ...]) -> Drawn:
    for name, prepared, plan, passed_over in _plans(runs, recipe, without):
        frame = gallery.data(prepared, plan, samples)
        notes = [
            f"Copies that the samplers of {name} make, as training sees them. Samples: {samples} of each class, the first with "
            "the most copies."
        ]
        if passed_over:
            dropped = ", ".join(dict.fromkeys(passed_over))
            notes.append(f"What {dropped} drops is known after training only; it is passed over here.")
        return gallery.draw(style.plain_frame(frame), gallery.pictures(prepared, plan, frame), notes), frame
    raise RunError(
        "gallery: give a run or a --recipe whose samplers make changed copies (such as oversample with views)"
    )


def _plans(
    runs: Sequence[RunRecord], recipe: str | Path | None, without: tuple[str, ...]
) -> Iterator[tuple[str, Prepared, Plan, list[str]]]:
    """The recipe's plan, or those of the first run of each list of samplers that may make copies."""
    from imbalkit.runs.replay import plan_of_run, replay

    if recipe is not None:
        from imbalkit.recipe.prepare import prepare

        prepared = prepare(recipe, without=without)
        yield (prepared.name, prepared, *replay(prepared))
        return
    distinct: dict[str, RunRecord] = {}
    for run in runs:
        if gallery.makes_copies(run.recipe["samplers"]):
            distinct.setdefault(json.dumps(run.recipe["samplers"]), run)
    for run in distinct.values():
        yield (run.name, *plan_of_run(run.name, run.recipe, run.folder, without))
