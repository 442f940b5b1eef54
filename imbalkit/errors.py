"""Errors that a user reads: what was expected, what came, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class ImbalkitError(Exception):
    """Base of every error that is the user's to mend; the command line prints it without a traceback."""


class DataError(ImbalkitError):
    """The data cannot be read as the recipe says."""


class PlanError(ImbalkitError):
    """A sampler asks for rows that do not exist, or for an impossible view."""


class PluginError(ImbalkitError):
    """A plugin breaks the rules of its hook; the message names the distribution."""


class TrainingError(ImbalkitError):
    """Training cannot go on (for instance a loss that is not finite)."""


class RunError(ImbalkitError):
    """A run folder cannot be used as asked."""


class MissingExtraError(ImbalkitError):
    """A part needs a package that is not installed."""


@dataclass(frozen=True)
class Problem:
    """One mistake in a recipe."""

    where: str  # "samplers[0].views", "" for the whole recipe
    message: str
    line: str = ""  # "recipe.yaml:12" or "--set", "" if unknown

    def __str__(self) -> str:
        place = ": ".join(part for part in (self.line, self.where) if part)
        return f"{place}: {self.message}" if place else self.message


class RecipeError(ImbalkitError):
    """Every mistake of a recipe at once."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = list(problems)
        count = len(self.problems)
        head = "1 mistake in the recipe" if count == 1 else f"{count} mistakes in the recipe"
        super().__init__("\n".join([f"{head}:", *(f"  {problem}" for problem in self.problems)]))


def nearest(name: str, known: Iterable[str]) -> str:
    """'; did you mean "focal"?' or an empty string.

    >>> nearest("foocal", ["ce", "focal"])
    "; did you mean 'focal'?"
    """
    known = [str(option) for option in known]
    lower = {option.lower(): option for option in known}
    match = difflib.get_close_matches(str(name).lower(), list(lower), n=1, cutoff=0.6)
    return f"; did you mean {lower[match[0]]!r}?" if match else ""


def listing(names: Iterable[str], most: int = 12) -> str:
    """Names joined for a message, cut after `most`."""
    names = [str(name) for name in names]
    shown = ", ".join(names[:most])
    return f"{shown}, ... ({len(names)} in all)" if len(names) > most else shown
