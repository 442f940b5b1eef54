"""Figures as files: each drawn as pictures, with the numbers behind it as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from imbalkit.base.files import write_csv
from imbalkit.errors import ImbalkitError
from imbalkit.plots import FIGURES, find_plot, plots_of, style
from imbalkit.plots.draw import draw_figure
from imbalkit.plots.study.comparable import difference, require_same_tests
from imbalkit.plots.study.records import At, RunRecord, find_runs
from imbalkit_lite.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")
OF_RUNS = plots_of("runs")


@dataclass(frozen=True)
class Made:
    """What `make` wrote, and what it could not draw, by name and reason."""

    files: tuple[Path, ...]
    left_out: dict[str, str]
    notes: tuple[str, ...]


def make(
    folders: Iterable[str | Path] = (),
    out: str | Path = "figures",
    only: Sequence[str] | None = None,
    formats: Sequence[str] = FORMATS,
    at: At = "chosen",
    recipe: str | Path | None = None,
    samples: int = 2,
    mix: bool = False,
    without: tuple[str, ...] = (),
) -> Made:
    """Draw figures of runs and write each as OUT/NAME.FORMAT and OUT/NAME.csv, whole or not at all.

    Args:
        folders: run folders and sweep folders
        only: names of figures (default: all that these runs allow)
        formats: "png", "svg", or both
        at: rates at the chosen threshold, or at one half (whose files are NAME-at-half)
        recipe: of the gallery, instead of a run's
        samples: of each class in the gallery
        mix: draw runs together although they were tested on different samples
        without: plugins to leave out

    Raises:
        RunError: a folder that is no finished run, runs that do not compare, a figure in `only` that cannot be drawn
    """
    for name in only or ():
        find_plot(name, FIGURES)
    found = find_runs(folders)
    names = [name for name in FIGURES if (name in only if only is not None else found.runs or name not in OF_RUNS)]
    notes = [f"{len(found.unfinished)} unfinished runs are left out."] if found.unfinished else []
    two_classes = all(len(run.classes) == 2 for run in found.runs)
    if two_classes and any(name in OF_RUNS for name in names):
        if not mix:
            require_same_tests(found.runs)
        notes += _comparability(found.runs)
    files: list[Path] = []
    left_out: dict[str, str] = {}
    for name in names:
        try:
            figure, frame = draw_figure(name, found.runs, at, recipe, samples, notes, without)
        except ImbalkitError as error:
            if only is not None or (name == "gallery" and recipe is not None):
                raise
            left_out[name] = str(error).removeprefix(f"{name}: ")
            continue
        stem = f"{name}-at-half" if name in OF_RUNS and at == "half" else name
        files += save(figure, frame, Path(out), stem, formats)
    return Made(tuple(files), left_out, tuple(notes))


def save(figure: Figure, frame: pd.DataFrame, out: Path, stem: str, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write pictures and CSV; returns their paths. The same figure gives the same bytes.

    Raises WriteError for a folder that cannot be written.
    """
    pictures = {kind: out / f"{stem}.{kind}" for kind in formats}
    table = out / f"{stem}.csv"
    with style.rules():
        for kind, path in pictures.items():
            write_atomic(path, partial(_picture, figure, kind))
    write_csv(table, frame, float_format="%.10g")
    return [*pictures.values(), table]


def _picture(figure: Figure, kind: str, path: Path) -> None:
    metadata = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}  # without dates and versions
    figure.savefig(path, format=kind, dpi=style.DPI, metadata=metadata[kind])


def _comparability(runs: Sequence[RunRecord]) -> list[str]:
    notes = []
    why = difference(runs)
    if why:
        notes.append(f"The rates do not compare: {why}.")
    unknown = sum(run.tested is None for run in runs)
    if unknown and len(runs) > 1:
        notes.append(f"Unknown whether tested on the same samples (without predictions): {unknown} runs.")
    return notes
