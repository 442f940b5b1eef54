"""The parts of a recipe, wherever they stand in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from imbalkit.catalogue import Catalogue
from imbalkit.kinds import Backbone, Metric, Op, Part, Settings
from imbalkit.recipe.document import Place, show_place
from imbalkit.recipe.recipe import Recipe


def metrics_of(recipe: Recipe, catalogue: Catalogue) -> list[Metric]:
    """The recipe's metrics, or every installed one that has no required parameter."""
    if recipe.metrics is not None:
        return list(recipe.metrics)
    classes = [cast("type[Metric]", catalogue.get("metric", name)) for name in catalogue.names("metric")]
    return [part() for part in classes if not any(field.is_required() for field in part.model_fields.values())]


def metric_names(recipe: Recipe, catalogue: Catalogue) -> list[str]:
    """Names of the metrics that the evaluation gives."""
    return [metric.name for metric in metrics_of(recipe, catalogue)]


def parts_of(recipe: Recipe) -> Iterable[tuple[Place, Part]]:
    """Every part of a recipe, nested ones too, with its place."""

    def walk(value: object, place: Place) -> Iterable[tuple[Place, Part]]:
        if isinstance(value, Part):
            yield place, value
        if isinstance(value, Settings):
            for name in type(value).model_fields:
                yield from walk(getattr(value, name), (*place, name))
        elif isinstance(value, dict):
            for key, item in value.items():
                yield from walk(item, (*place, str(key)))
        elif isinstance(value, list | tuple):
            for index, item in enumerate(value):
                yield from walk(item, (*place, index))

    yield from walk(recipe, ())


def operations(recipe: Recipe) -> list[tuple[Place, Op]]:
    """Every operation of every view, with its place."""
    return [(place, part) for place, part in parts_of(recipe) if isinstance(part, Op)]


def needs_square(recipe: Recipe) -> Iterator[tuple[Place, str]]:
    """What swaps the height and width of images: where it stands, and that it needs square ones, in words."""
    for place, op in operations(recipe):
        if op.square_only:
            yield place, f"{op.label} needs square images"
    if recipe.predict.views == "dihedral":
        yield ("predict", "views"), "dihedral turns images by a quarter and needs square images (flips does not)"


def every_text(value: Any) -> Iterator[str]:
    """Every text in plain data, such as the names of files in a recipe's `data`."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from every_text(item)


def initial_weights_of(recipe: Recipe) -> dict[str, dict[str, str]]:
    """Source and checksum of the weights that each backbone starts from, by its place: "backbone", "samplers.0.backbone".

    They are fetched where need be. Raises DataError where they cannot be had.
    """
    backbones = [(place, part) for place, part in parts_of(recipe) if isinstance(part, Backbone)]
    found = {".".join(map(str, place)): part.initial_weights() for place, part in backbones}
    return {place: asdict(weights) for place, weights in found.items() if weights is not None}


def missing_weights(recipe: Recipe) -> list[str]:
    """Files of weights that a run of the recipe needs and this machine lacks, a note each; a plan does without."""
    parts = ((place, getattr(part, "weights", None)) for place, part in parts_of(recipe) if isinstance(part, Backbone))
    return [
        f"a run needs the weights of {show_place((*place, 'weights'))}, and there is no file {Path(file).expanduser().absolute()}"
        for place, file in parts
        if isinstance(file, str) and not Path(file).expanduser().is_file()
    ]


def moved_weights(then: Recipe, now: Recipe, known: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """Places ("samplers[0].backbone") of backbones that differ by where their weights lie alone: the checksums are the same.

    Args:
        then: the recipe before
        now: the recipe to compare
        known: the initial weights of `then`, as `initial_weights_of` gave them

    Raises:
        DataError: weights of `now` that cannot be had
    """
    before, moved = dict(parts_of(then)), []
    for place, part in parts_of(now):
        old, record = before.get(place), known.get(".".join(map(str, place)))
        if not (isinstance(part, Backbone) and isinstance(old, Backbone) and record) or part == old:
            continue
        weights = part.initial_weights() if old.without_initial_weights() == part.without_initial_weights() else None
        if weights is not None and weights.sha256 == record["sha256"]:
            moved.append(show_place(place))
    return tuple(moved)
