"""Errors that a user reads: what was expected, what was given, where, and what to do. The general ones are imbalkit_lite's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from imbalkit_lite.errors import CardError, DataError, ImbalkitError, MissingExtraError, ModelError, listing, nearest
from imbalkit_lite.files import WriteError

__all__ = [
    "CardError",
    "DataError",
    "ImbalkitError",
    "MissingExtraError",
    "ModelError",
    "PlanError",
    "PluginError",
    "Problem",
    "RecipeError",
    "RenamedError",
    "RunError",
    "StoppedError",
    "TrainingError",
    "WriteError",
    "listing",
    "nearest",
]


class PlanError(ImbalkitError):
    """A sampler asks for rows that do not exist, or for an impossible view."""


class PluginError(ImbalkitError):
    """A plugin breaks the rules of its hook; the message names the distribution."""


class TrainingError(ImbalkitError):
    """Training cannot go on (for instance a loss that is not finite)."""


class RunError(ImbalkitError):
    """A run folder cannot be used as requested."""


class StoppedError(RunError):
    """A run ended after an epoch, as a file in its folder asks; it can go on."""


class RenamedError(RunError):
    """The recipe of a run folder uses names of an earlier version."""


@dataclass(frozen=True)
class Problem:
    """One mistake in a recipe."""

    where: str  # "samplers[0].views", "" for the whole recipe
    message: str
    line: str = ""  # "recipe.yaml:12" or "--set", "" if unknown
    renamed: bool = False  # a name of an earlier version

    def __str__(self) -> str:
        text = ": ".join(part for part in (self.line, self.where, self.message) if part)
        return text if len(text) <= 2000 else f"{text[:1000]} ... {text[-900:]}"  # a key or a value may be a whole file


class RecipeError(ImbalkitError):
    """Every mistake of a recipe at once."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = list(problems)
        count = len(self.problems)
        head = "1 mistake in the recipe" if count == 1 else f"{count} mistakes in the recipe"
        super().__init__("\n".join([f"{head}:", *(f"  {problem}" for problem in self.problems)]))
