"""A search file: a base recipe, what to look for and how, and the space to look through."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from imbalkit.catalogue import Catalogue
from imbalkit.errors import Problem, RecipeError
from imbalkit.kinds import LauncherRef, Settings, ThresholdRef, param
from imbalkit.recipe.document import Document
from imbalkit.recipe.validation import problems
from imbalkit.studies.search.read_space import read_space
from imbalkit.studies.search.space import Picks, Space
from imbalkit.studies.sweeps.file import Overrides, as_override, base_of, open_sweep

Prune = Literal["median", "halving", "none"]
# What a trial is, whatever the file says: it leaves the test rows alone and tells the decision's metrics each epoch.
OF_TRIALS: Overrides = {"evaluation.test": False, "logging.decision": True, "export": []}
# Keys of the recipe that no space may have, and why.
NOT_SEARCHED = {
    "seed": "is the same in all trials, or luck would be chosen",
    "data": "decides the validation rows, and trials are compared on the same ones",
    "split": "decides the validation rows, and trials are compared on the same ones",
    "positive": "decides what the metric is",
    "metrics": "decides what the metric is",
    "evaluation": "changes no trial",
    "export": "changes no trial",
    "logging": "changes no trial",
    "launcher": "changes no trial",
    "card": "changes no trial",
    "description": "changes no trial",
}


class SearchSettings(Settings):
    """What a search looks for, and how."""

    metric: str | list[str] = param(
        help="metric of the validation rows at the decision: its best value is looked for, the highest or the lowest as the "
        "metric is; a metric of each class is named with one, such as recall_melanoma. Several: a front, without pruning"
    )
    at: ThresholdRef | None = param(
        None, help="threshold rule of all trials and of the winner, such as target_recall (default: that of the recipe)"
    )
    trials: int = param(40, help="how many trials; the first one is the base recipe", ge=1)
    prune: Prune | None = param(
        None,
        help="how trials that fall behind are ended: median, behind the median of the others at the same epoch; halving, the "
        "best quarter goes on after 1, 4, 16, ... epochs; none (default: median, none with several metrics)",
    )
    sampler: Literal["tpe", "random"] = param(
        "tpe", help="how values are chosen: by a tree-structured Parzen estimator, or at random as the control of it"
    )
    startup_trials: int = param(
        10, help="first trials that are drawn at random (with tpe) and not ended early (by median)", ge=1
    )
    warmup_epochs: int = param(1, help="epochs of a trial before median may end it", unit="epochs", ge=0)
    fresh_seeds: int = param(
        3,
        help="seeds, none of them that of the trials, that the winner and the base recipe are run and tested with",
        ge=3,
    )
    seed: int = param(0, help="seed of the sampler", ge=0)
    at_once: int | None = param(
        None,
        help="how many trials run at once (default: as the launcher does; 4 where it has a queue of its own)",
        ge=1,
    )

    @field_validator("metric")
    @classmethod
    def _metrics(cls, value: str | list[str]) -> str | list[str]:
        if isinstance(value, list) and (not value or len(set(value)) < len(value)):
            raise PydanticCustomError(
                "metric", "expected one metric, or several that differ, got {value}", {"value": value}
            )
        return value

    @model_validator(mode="after")
    def _one_to_prune_by(self) -> SearchSettings:
        if len(self.metrics) > 1 and self.prune not in (None, "none"):
            raise PydanticCustomError(
                "prune",
                "prune: {prune} ends trials that fall behind in one metric, and with {n} metrics there is no one order: leave "
                "`prune` out, or name one metric",
                {"prune": self.prune, "n": len(self.metrics)},
            )
        return self

    @property
    def metrics(self) -> list[str]:
        """The metrics, one or more."""
        return [self.metric] if isinstance(self.metric, str) else self.metric

    @property
    def pruner(self) -> Prune:
        """How trials are ended early."""
        return self.prune or ("median" if len(self.metrics) == 1 else "none")


class SearchFileSettings(Settings):
    """A sweep file with `search` and `space` in place of `axes`. Each trial is a cell: a run of its own."""

    description: str = param("", help="what the search is for")
    base: str = param(
        help="recipe that the trials change: a file (from the search file's folder), or a registered name"
    )
    set: Overrides = param({}, help="overrides of every trial, such as {training.epochs: 4}, as with --set")
    search: SearchSettings = param(help="what is looked for, and how")
    space: dict[str, Any] = param(
        help="keys of the recipe, each with {low, high}, {low, high, log: true}, {low, high, step} or {choices}; what a choice "
        "holds may be such again"
    )
    keep: Literal["everything", "results"] = param(
        "everything", help="whether finished trials keep their run folders, or only their results"
    )
    launcher: LauncherRef = param("local", help="what runs the trials", validate_default=True)


@dataclass(frozen=True)
class SearchFile:
    """A search file that was read; its space is not yet checked against the recipe."""

    name: str
    text: str
    document: Document
    settings: SearchFileSettings
    space: Space
    base: str  # file or registered name

    @property
    def search(self) -> SearchSettings:
        return self.settings.search

    def overrides(self, picks: Picks | None = None) -> Overrides:
        """Keys of the recipe and their values, of one trial as it would be run by hand; None: of the base recipe."""
        at = self.search.at
        decided = {} if at is None else {"decision.threshold": at.model_dump(mode="json")}
        return self.settings.set | decided | ({} if picks is None else self.space.overrides(picks))

    def trial_overrides(self, picks: Picks) -> list[str]:
        """The same for a trial of the search, as --set takes them."""
        return [as_override(key, value) for key, value in (self.overrides(picks) | OF_TRIALS).items()]


def is_search(file: str | Path, catalogue: Catalogue) -> bool:
    """Whether a sweep file is a search. Raises RecipeError for a file that cannot be read, or is of both kinds."""
    _, _, _, document = open_sweep(file, catalogue)
    if "search" in document.data and "axes" in document.data:
        message = "expected `axes` (every combination is run) or `search` with `space` (some are), got both"
        raise RecipeError([document.problem(("search",), message)])
    return "search" in document.data or "space" in document.data


def read_search(file: str | Path, catalogue: Catalogue) -> SearchFile:
    """Read a search file, or a registered one. Raises RecipeError with every mistake that shows without the recipe."""
    name, path, text, document = open_sweep(file, catalogue)
    found: list[Problem] = []
    settings, space = None, None
    try:
        settings = SearchFileSettings.model_validate(document.data, context={"catalogue": catalogue})
    except ValidationError as error:
        found += problems(error, document)
    if isinstance(document.data.get("space"), dict):
        try:
            space = read_space(document)
        except RecipeError as error:
            found += error.problems
    if settings is None or space is None:
        raise RecipeError(found)
    if settings.search.at is not None:
        found += [
            document.problem(("space", entry.key), f"sets {key}, and so does search.at: leave one out")
            for entry in space.entries
            for key in entry.sets
            if key == "decision" or key.startswith("decision.threshold")
        ]
    found += [
        document.problem(("space", entry.key), f"sets {key}, which {why}: leave it out")
        for entry in space.entries
        for key in entry.sets
        for top, why in NOT_SEARCHED.items()
        if key == top or key.startswith(f"{top}.")
    ]
    if found:
        raise RecipeError(found)
    return SearchFile(name, text, document, settings, space, base_of(settings.base, path, catalogue))
