"""The registry of plots."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from imbalkit.errors import RunError
from imbalkit.plots import FIGURES, OF_ONE_RUN, PLOTS, find_plot, plots_of


@pytest.mark.parametrize("plot", PLOTS.values(), ids=lambda plot: plot.name)
def test_every_plot_is_where_the_registry_says(plot):
    if plot.needs == "run":
        assert list(inspect.signature(plot.draw).parameters)[:2] == ["run", "axes"]
        return
    assert next(iter(inspect.signature(plot.draw).parameters)) == "frame"
    if plot.needs not in ("comparison", "search"):  # whose numbers are the comparison's own
        assert callable(plot.data)


def test_every_plot_is_reached_by_somebody():
    assert {*FIGURES, *OF_ONE_RUN, *plots_of("comparison", "search")} == set(PLOTS)
    assert not set(plots_of("run")) & set(FIGURES)


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(RunError, match=r"no figure 'rok'; did you mean 'roc'\?"):
        find_plot("rok", OF_ONE_RUN)
    with pytest.raises(RunError, match="there is no figure 'roc'"):  # a chart of one run is none of `imbalkit figures`
        find_plot("roc", FIGURES)


def test_listing_plots_draws_nothing():
    code = (
        "import sys, imbalkit.plots; print([name for name in ('matplotlib', 'pandas', 'torch') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
