"""A search is checked before it starts: base recipe, metric, every choice and bound, and every two of them together."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from imbalkit.base.text import part_text
from imbalkit.catalogue import Catalogue
from imbalkit.engine.teaching import check_teachers
from imbalkit.errors import Problem, RecipeError, listing, nearest
from imbalkit.kinds import Metric
from imbalkit.recipe.document import Place, read_document, show_place
from imbalkit.recipe.prepare import Loaded, prepare_document
from imbalkit.recipe.prepared import Prepared
from imbalkit.recipe.validation import validate
from imbalkit.studies.search.file import SearchFile
from imbalkit.studies.search.space import Choices, Entry, Picks, Range, Space, at_place, matches, target_of, variants
from imbalkit.studies.sweeps.file import Overrides, as_override
from imbalkit.studies.sweeps.metric_names import example_metrics

MOST_PAIRS = 400  # of variants that are checked together; beyond, the first of each choice


@dataclass(frozen=True)
class Checked:
    """A search that can start.

    Attributes:
        base: the base recipe
        base_picks: where it stands in the space
        maximised: of each metric, whether higher is better
        whole: names of the ranges that take whole numbers only
    """

    base: Prepared
    base_picks: Picks
    maximised: tuple[bool, ...]
    whole: frozenset[str]


def check_search(found: SearchFile, catalogue: Catalogue, runtime: bool = True) -> Checked:
    """Raises RecipeError with every mistake, each with its place in the search file."""
    return Checker(found, catalogue, runtime).check()


@dataclass(frozen=True)
class Checker:
    """What the checks of one search share."""

    found: SearchFile
    catalogue: Catalogue
    runtime: bool

    @cached_property
    def loaded(self) -> Loaded:
        return Loaded()

    def check(self) -> Checked:
        """As `check_search`."""
        base = self._base()
        problems, maximised = self._metrics(base)
        alone = {entry.key: self._alone(entry) for entry in self.found.space.entries}
        problems += [problem for found, _ in alone.values() for problem in found]
        picks: Picks = {}
        for entry in self.found.space.entries:
            if not alone[entry.key][0]:
                where = self._where(base, entry)
                problems += [] if where is not None else [self._outside(base, entry)]
                picks |= where or {}
        problems += self._together([entry for entry in self.found.space.entries if not alone[entry.key][0]])
        if problems:
            raise RecipeError(dict.fromkeys(problems))
        whole = frozenset(name for _, names in alone.values() for name in names)
        return Checked(base, picks, maximised, whole)

    # --- base recipe and metric ---------------------------------------------------------------------------------------

    def _base(self) -> Prepared:
        document, prepared = self.found.document, None
        try:
            prepared = self._prepare({})
        except RecipeError as error:
            raise RecipeError(self._of_base(problem) for problem in error.problems) from None
        if prepared.recipe.split.runs_all_folds:
            message = "the base recipe runs all folds, and a trial is one run: add split.fold, such as {split.fold: 0}"
            raise RecipeError([document.problem(("set",), message)])
        if not prepared.recipe.evaluation.test:
            message = (
                "the base recipe has `evaluation.test: false`: trials leave the test rows alone by themselves, and the winner is "
                "tested once with each fresh seed; add evaluation.test: true"
            )
            raise RecipeError([document.problem(("set",), message)])
        if not len(prepared.split.validation):
            message = (
                "trials are compared on validation rows, and the base recipe has none: give split.validation a share"
            )
            raise RecipeError([document.problem(("base",), message)])
        return prepared

    def _of_base(self, problem: Problem) -> Problem:
        """A mistake of the base recipe with its place in the search file, where it comes from there."""
        document, search = self.found.document, self.found.search
        if search.at is not None and problem.where.startswith("decision.threshold"):
            return document.problem(("search", "at"), problem.message)
        for key in self.found.settings.set:
            if problem.where == show_place(target_of(key)):
                return document.problem(("set", key), problem.message)
        line = document.line(("base",)) if problem.line.startswith("--set") else problem.line
        return Problem(f"base: {problem.where}".removesuffix(": "), problem.message, line, problem.renamed)

    def _metrics(self, base: Prepared) -> tuple[list[Problem], tuple[bool, ...]]:
        """What is wrong with the metrics, and whether higher is better of each."""
        known = metrics_of_validation(base)
        found, maximised = [], []
        several = isinstance(self.found.search.metric, list)
        for index, name in enumerate(self.found.search.metrics):
            place: Place = ("search", "metric", index) if several else ("search", "metric")
            if name not in known:
                inner = [other for other in known if other.startswith(f"{name}_")]
                hint = f": it has a value for each class, name one: {listing(inner, 20)}" if inner else ""
                message = f"there is no metric {name!r}{hint or nearest(name, known)} (metrics: {listing(known, 60)})"
                found.append(self.found.document.problem(place, message))
            elif known[name] is None:
                message = f"{name} is not defined for these data: it needs a `positive` class"
                found.append(self.found.document.problem(place, message))
            else:
                maximised.append(higher_is_better(name, self.catalogue))
        return found, tuple(maximised)

    # --- the space ----------------------------------------------------------------------------------------------------

    def _alone(self, entry: Entry) -> tuple[list[Problem], set[str]]:
        """What is wrong with each choice and bound of an entry, the rest as in the base recipe; names of whole numbers."""
        problems: list[Problem] = []
        whole: set[str] = set()
        for picks in variants(entry.node):
            try:
                prepared = self._prepare(entry.overrides(picks))
            except RecipeError as error:
                problems += [self._located(problem, entry, picks) for problem in error.problems]
                continue
            recipe = prepared.recipe.model_dump(mode="json")
            whole |= {node.name for node in _ranges(entry, picks) if _takes_whole(node, recipe)}
        return list(dict.fromkeys(problems)), whole

    def _together(self, entries: list[Entry]) -> Iterator[Problem]:
        """Pairs of choices, and of bounds, that are right alone and wrong together."""
        tried = {entry.key: variants(entry.node) for entry in entries}
        if sum(len(tried[a.key]) * len(tried[b.key]) for a, b in itertools.combinations(entries, 2)) > MOST_PAIRS:
            tried = {entry.key: _first_of_each(entry, tried[entry.key]) for entry in entries}
        for first, second in itertools.combinations(entries, 2):
            for one, other in itertools.product(tried[first.key], tried[second.key]):
                try:
                    self._prepare(first.overrides(one) | second.overrides(other))
                except RecipeError as error:
                    for problem in error.problems:
                        at = self._located(problem, second, other)
                        with_ = ", ".join(f"{name} {value}" for name, value in one.items())
                        yield Problem(
                            at.where, f"together with {with_}: {at.message}; make one choice of both", at.line
                        )

    def _where(self, base: Prepared, entry: Entry) -> Picks | None:
        """Where the base recipe stands in an entry; None if it is outside."""
        recipe = base.recipe.model_dump(mode="json")
        for picks in _candidates(entry, recipe):
            document = self._document(entry.overrides(picks))
            if validate(document, self.catalogue, base.classes).model_dump(mode="json") == recipe:
                return picks
        return None

    def _outside(self, base: Prepared, entry: Entry) -> Problem:
        recipe = base.recipe.model_dump(mode="json")
        values = [f"{key} {_text(at_place(recipe, target_of(key)))}" for key in entry.sets]
        return self.found.document.problem(
            ("space", entry.key),
            f"the base recipe has {listing(values, 5)}, which is not in the space: add it, as the first trial is the base recipe "
            f"(or begin elsewhere: `set: {{{entry.sets[0]}: ...}}`)",
        )

    def _located(self, problem: Problem, entry: Entry, picks: Picks) -> Problem:
        """A mistake of a recipe where it stands in the search file."""
        document = self.found.document
        nodes = [node for node in self.found.space.nodes if node.name in picks]
        for node in nodes:
            if isinstance(node, Range) and problem.where == show_place(node.target):
                bound = "low" if picks[node.name] == node.settings.low else "high"
                return document.problem((*node.place, bound), problem.message)
        chosen = [node for node in nodes if isinstance(node, Choices)]
        place = chosen[-1].places[str(picks[chosen[-1].name])] if chosen else entry.node.place
        return document.problem(place, f"{problem.where}: {problem.message}".removeprefix(": "))

    def _prepare(self, overrides: Mapping[str, Any]) -> Prepared:
        prepared = prepare_document(self._document(overrides), self.catalogue, self.runtime, self.loaded)
        check_teachers(prepared)
        return prepared

    def _document(self, overrides: Mapping[str, Any]) -> Any:
        changes: Overrides = self.found.overrides() | dict(overrides)
        return read_document(self.found.base, self.catalogue.recipes, [as_override(*item) for item in changes.items()])


def metrics_of_validation(prepared: Prepared) -> dict[str, float | None]:
    """The names of a run's metrics as a search calls them; None for those that are not defined for its classes."""
    values = example_metrics(prepared)
    names = [name for name in values if name != "n" and not name.startswith("support_")]
    return {name: values[name] for name in names}


def higher_is_better(name: str, catalogue: Catalogue) -> bool:
    """Of a metric's value, such as recall_melanoma, as its metric says."""
    of = max((known for known in catalogue.names("metric") if name.startswith(known)), key=len)
    return cast("type[Metric]", catalogue.get("metric", of)).higher_is_better_of(
        name.removeprefix(of).removeprefix("_")
    )


def _candidates(entry: Entry, recipe: Mapping[str, Any]) -> Iterator[Picks]:
    node = entry.node
    if isinstance(node, Range) or node.target:
        yield from matches(node, at_place(recipe, target_of(entry.key)))
        return
    for label, option in node.options.items():
        values = {key: at_place(recipe, target_of(key)) for key in option}
        for picks in matches(option, values):
            yield {node.name: label, **picks}


def _ranges(entry: Entry, picks: Picks) -> Iterable[Range]:
    return (node for node in Space((entry,)).nodes if isinstance(node, Range) and node.name in picks)


def _takes_whole(node: Range, recipe: Mapping[str, Any]) -> bool:
    bounds = (node.settings.low, node.settings.high, node.settings.step or 1)
    value = at_place(recipe, node.target)
    return all(isinstance(bound, int) for bound in bounds) and isinstance(value, int | None)


def _first_of_each(entry: Entry, tried: list[Picks]) -> list[Picks]:
    """The first variant of each choice of an entry."""
    first: dict[object, Picks] = {}
    for picks in tried:
        first.setdefault(picks[entry.node.name] if isinstance(entry.node, Choices) else None, picks)
    return list(first.values())


def _text(value: Any) -> str:
    return part_text(value) if isinstance(value, dict) and "name" in value else str(value)
