"""Every plot by name: charts of one run (`plots/run`), figures over many runs (`plots/study`), and what each is drawn from.

The report, `Run.figure`, `imbalkit figures` and `imbalkit compare` find their plots here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from imbalkit.errors import RunError, listing, nearest

Needs = Literal["nothing", "plan", "runs", "comparison", "run", "search"]


@dataclass(frozen=True)
class Plot:
    """A plot that has a name.

    A chart of one run is a function of its name, `roc(run_data, axes)`, and so is one of a search, `search_history(frame, axes,
    ...)`, for its report. Every other figure is a module with `data(...)`, the
    numbers behind every mark, and `draw(frame, ...)`, which makes a matplotlib Figure of them.

    Attributes:
        name: what users call it
        shows: what it shows, in a few words
        needs: what it is drawn from: one "run", finished "runs" of two classes, the "plan" of a run or a recipe, a
            "comparison" of runs on the same test rows, the trials of a "search", or "nothing"
        module: where it is, below imbalkit.plots
    """

    name: str
    shows: str
    needs: Needs
    module: str

    @property
    def data(self) -> Callable[..., Any]:
        """What gives the numbers of a figure."""
        return self._imported().data

    @property
    def draw(self) -> Callable[..., Any]:
        """What draws: `draw(run_data, axes, ...)` of a chart, which raises RunError where the run has nothing to draw;
        `draw(frame, ...)` of a figure.
        """
        return getattr(self._imported(), self.name if self.needs in ("run", "search") else "draw")

    def _imported(self) -> Any:
        return importlib.import_module(f"imbalkit.plots.{self.module}")


PLOTS = {
    plot.name: plot
    for plot in (
        Plot("roc", "recall against false alarm rate at every threshold", "run", "run.curves"),
        Plot("precision_recall", "precision against recall at every threshold", "run", "run.curves"),
        Plot("reliability", "whether a probability of 20 % means one in five", "run", "run.calibration"),
        Plot("confusion", "the confusion matrix", "run", "run.matrix"),
        Plot("scores", "how probabilities spread over the classes", "run", "run.calibration"),
        Plot("learning", "recall of each class by epoch", "run", "run.training"),
        Plot("loss", "training loss by epoch", "run", "run.training"),
        Plot("class_weights", "the class weights of the loss by epoch", "run", "run.training"),
        Plot("risk_coverage", "what abstaining on the least certain rows gives", "run", "run.risk_coverage"),
        Plot("net_benefit", "the decision curve", "run", "run.net_benefit"),
        Plot("cost_curve", "expected cost over every mix of prevalence and costs", "run", "run.net_benefit"),
        Plot("psf", "where radial blur puts the light of a white dot", "nothing", "study.psf"),
        Plot("psf_colour", "the same with a rho for each colour channel", "nothing", "study.psf_colour"),
        Plot("gallery", "the copies that a recipe's samplers make", "plan", "study.gallery"),
        Plot("rates", "miss rate against false alarm rate, one mark a method", "runs", "study.rates"),
        Plot("balance", "error rates against the balance ratio of the training rows", "runs", "study.balance"),
        Plot("by_loss", "the same rates in a list, grouped by loss", "runs", "study.by_loss"),
        Plot("compared", "both rates of compared runs with their intervals", "comparison", "study.compared"),
        Plot("search_history", "the trials of a search in order, and the best so far", "search", "study.search"),
        Plot("search_importance", "how much each parameter of a search decides", "search", "study.search"),
        Plot(
            "search_rates",
            "miss rate against false alarm rate of the winner at every threshold",
            "search",
            "study.search",
        ),
        Plot("search_front", "two metrics of the trials against each other", "search", "study.search"),
    )
}


def plots_of(*needs: Needs) -> tuple[str, ...]:
    """Names of the plots that are drawn from one of these."""
    return tuple(name for name, plot in PLOTS.items() if plot.needs in needs)


def find_plot(name: str, among: Iterable[str] = PLOTS) -> Plot:
    """A plot by its name. Raises RunError for a name that is not among these."""
    known = list(among)
    if name not in known:
        raise RunError(f"there is no figure {name!r}{nearest(name, known)} (figures: {listing(known, 20)})")
    return PLOTS[name]


FIGURES = plots_of("nothing", "plan", "runs")  # of `imbalkit figures`
OF_ONE_RUN = plots_of("run", "plan", "runs")  # of `Run.figure`
