"""What runs may be shown together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from imbalkit.errors import RunError, listing
from imbalkit.plots.study.records import RunRecord


def require_two_classes(runs: Sequence[RunRecord], figure: str) -> None:
    """Raise RunError for runs whose miss rate and false alarm rate are not defined."""
    if not runs:
        raise RunError(f"{figure}: give one finished run or more")
    for run in runs:
        if len(run.classes) != 2 or run.positive is None:
            raise RunError(
                f"{figure}: miss rate and false alarm rate need two classes; {run.name} has {len(run.classes)}: "
                f"{listing(run.classes, 4)}"
            )


def difference(runs: Sequence[RunRecord]) -> str | None:
    """Why the rates of these runs do not compare, None if they do; runs of one fold are compared with each other."""

    def first_other(value: Callable[[RunRecord], Any], among: Callable[[RunRecord], Any]) -> str | None:
        first: dict[Any, RunRecord] = {}
        for run in runs:
            other = first.setdefault(among(run), run) if value(run) is not None else run
            if value(run) != value(other):
                return f"{other.name} and {run.name}"
        return None

    if pair := first_other(lambda run: (run.classes, run.positive), lambda run: None):
        return f"{pair} have different classes, or another positive class"
    if pair := first_other(lambda run: (run.fold is None, run.fold is not None and run.folds), lambda run: None):
        return f"{pair} divide the data into folds differently"
    if pair := first_other(lambda run: run.tested, lambda run: run.fold):
        return f"{pair} were tested on different samples"
    return None


def require_same_tests(runs: Sequence[RunRecord]) -> None:
    """Raise RunError for runs whose rates do not compare: tested on other samples, or with another positive class."""
    why = difference(runs)
    if why:
        raise RunError(
            f"{why}: their rates do not compare. Give runs of the same data and split, or draw them together all the same "
            "with --mix"
        )
