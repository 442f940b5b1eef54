"""The space of a search: ranges and choices over keys of a recipe, choices that may hold further ranges and choices.

training.optimizer.lr: {low: 0.0005, high: 0.02, log: true}
loss: {choices: {plain: ce, focal: {name: focal, gamma: {low: 0.5, high: 4}}}}    # gamma counts for focal alone
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from imbalkit.kinds import Settings, param
from imbalkit.recipe.document import Place

Value = str | int | float  # of a parameter of the search: the name of a choice, or a number
Picks = dict[str, Value]  # by the name of the parameter: "loss", "loss.focal.gamma"


class RangeSettings(Settings):
    """Numbers from `low` to `high`, both included. Whole numbers where the recipe's key takes whole numbers only."""

    low: float | int = param(help="the smallest")
    high: float | int = param(help="the largest")
    log: bool = param(False, help="drawn evenly over the logarithm, for what spans magnitudes, such as a learning rate")
    step: float | int | None = param(None, help="distance of the numbers from each other (default: any)", gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> RangeSettings:
        if self.low >= self.high:
            raise _error(f"expected low < high, got {self.low:g} and {self.high:g}")
        if self.log and self.low <= 0:
            raise _error(f"expected low > 0 with `log: true`, got {self.low:g}")
        if self.log and self.step is not None:
            raise _error("expected `log` or `step`, got both: leave one out")
        if self.step is not None and not _is_whole((self.high - self.low) / self.step):
            raise _error(f"expected high - low to be a multiple of step {self.step:g}, got {self.high - self.low:g}")
        return self


@dataclass(frozen=True)
class Range:
    """A number of the space.

    Attributes:
        name: of the parameter of the search
        place: where it stands in the file
        target: the key of the recipe that it sets, ("loss", "gamma")
        settings: its bounds
    """

    name: str
    place: Place
    target: Place
    settings: RangeSettings

    def __contains__(self, value: object) -> bool:
        low, high, step = self.settings.low, self.settings.high, self.settings.step
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            return False
        return step is None or _is_whole((value - low) / step)


@dataclass(frozen=True)
class Choices:
    """Alternatives by their names; each is plain data, in which ranges and choices may stand.

    Attributes:
        name: of the parameter of the search
        place: where it stands in the file
        target: the key of the recipe that it sets; () where each alternative sets keys of its own
        options: by name
        places: where each stands in the file, by name
    """

    name: str
    place: Place
    target: Place
    options: dict[str, Any]
    places: dict[str, Place]


Node = Range | Choices


@dataclass(frozen=True)
class Entry:
    """One line of `space`: a key of the recipe, or a name of the user's own whose alternatives set several keys."""

    key: str
    node: Node

    @property
    def sets(self) -> list[str]:
        """The keys of the recipe that it may set."""
        if isinstance(self.node, Range) or self.node.target:
            return [self.key]
        return list(dict.fromkeys(key for option in self.node.options.values() for key in option))

    def overrides(self, picks: Mapping[str, Value]) -> dict[str, Any]:
        """Keys of the recipe and their values."""
        value = filled(self.node, lambda node: picks[node.name])
        return {self.key: value} if isinstance(self.node, Range) or self.node.target else value


@dataclass(frozen=True)
class Space:
    """What a search looks through."""

    entries: tuple[Entry, ...]

    def overrides(self, picks: Mapping[str, Value]) -> dict[str, Any]:
        """Keys of the recipe and their values, in the order of the file."""
        return {key: value for entry in self.entries for key, value in entry.overrides(picks).items()}

    @property
    def nodes(self) -> list[Node]:
        """Every range and every choice, nested ones too."""
        return [node for entry in self.entries for node in _nodes(entry.node)]


def filled(template: Any, pick: Callable[[Node], Value]) -> Any:
    """Plain data of a template: `pick` says the number of each range and the name of each choice."""
    if isinstance(template, Range):
        return pick(template)
    if isinstance(template, Choices):
        return filled(template.options[str(pick(template))], pick)
    if isinstance(template, dict):
        return {key: filled(value, pick) for key, value in template.items()}
    return [filled(value, pick) for value in template] if isinstance(template, list) else template


def variants(template: Any) -> list[Picks]:
    """Picks that have every choice, and the low and the high bound of every range, at least once each."""
    if isinstance(template, Range):
        return [{template.name: template.settings.low}, {template.name: template.settings.high}]
    if isinstance(template, Choices):
        return [
            {template.name: label, **inner} for label, option in template.options.items() for inner in variants(option)
        ]
    parts = [variants(part) for part in _parts(template)]
    if not parts:
        return [{}]
    longest = max(map(len, parts))
    each = [itertools.islice(itertools.cycle(part), longest) for part in parts]
    return [
        {name: value for picks in together for name, value in picks.items()} for together in zip(*each, strict=True)
    ]


def matches(template: Any, value: Any) -> Iterator[Picks]:
    """The picks with which a template may stand for a value of a resolved recipe: candidates, to be tried."""
    if isinstance(template, Range):
        if value in template:
            yield {template.name: value}
    elif isinstance(template, Choices):
        for label, option in template.options.items():
            for picks in matches(option, value):
                yield {template.name: label, **picks}
    elif isinstance(template, dict):
        if isinstance(value, dict) and all(key in value for key in template):
            yield from _together([matches(part, value[key]) for key, part in template.items()])
    elif isinstance(template, list):
        if isinstance(value, list) and len(template) == len(value):
            yield from _together([matches(part, item) for part, item in zip(template, value, strict=True)])
    elif template == value or (isinstance(value, dict) and value.get("name") == template):
        yield {}


def at_place(data: Any, place: Place) -> Any:
    """What stands at a place of plain data; None where there is nothing."""
    for step in place:
        if isinstance(data, Mapping):
            data = data.get(step, data.get(str(step)))
        elif isinstance(data, list) and isinstance(step, int) and -len(data) <= step < len(data):
            data = data[step]
        else:
            return None
    return data


def target_of(key: str) -> Place:
    """ "samplers.0.drop" as a place."""
    return tuple(int(part) if re.fullmatch(r"-?[0-9]+", part) else part for part in key.split("."))


def _nodes(template: Any) -> Iterator[Node]:
    if isinstance(template, Range | Choices):
        yield template
    for part in _parts(template):
        yield from _nodes(part)


def _parts(template: Any) -> list[Any]:
    if isinstance(template, Choices):
        return list(template.options.values())
    return list(template.values()) if isinstance(template, dict) else template if isinstance(template, list) else []


def _together(parts: list[Iterator[Picks]]) -> Iterator[Picks]:
    for picks in itertools.product(*parts):
        yield {name: value for part in picks for name, value in part.items()}


def _is_whole(number: float) -> bool:
    return math.isclose(number, round(number), abs_tol=1e-9)


def _error(message: str) -> PydanticCustomError:
    return PydanticCustomError("range", "{message}", {"message": message})
