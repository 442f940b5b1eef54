"""A sweep file: overrides over a base recipe, in a grid or a list, and the cells that they make."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from imbalkit.base.text import slug
from imbalkit.base.yaml_text import one_line
from imbalkit.catalogue import Catalogue
from imbalkit.errors import Problem, RecipeError, listing, nearest
from imbalkit.kinds import Launcher, LauncherRef, Settings, param
from imbalkit.recipe.document import Document, parse, read_document
from imbalkit.recipe.prepare import Loaded, prepare_document
from imbalkit.recipe.prepared import Prepared
from imbalkit.recipe.validation import problems

Overrides = dict[str, Any]
_OF_ROWS = ("samplers", "data", "split")
Axis = dict[str, Overrides] | list[Any]
COLUMNS = (
    "cell",
    "cells",
    "fold",
    "seed",
    "state",
    "error",
    "initial_weights",
    "recipe",
)  # of every sweep's tables: no axis may have their names


class TableSettings(Settings):
    """A table over the cells: one row for each combination of the axes, over its seeds and folds."""

    metrics: list[str] = param(
        ["accuracy", "balanced_accuracy", "roc_auc", "recall"],
        help="columns; a metric of each class gives a column a class",
        min_length=1,
    )
    of: Literal["test", "validation"] | None = param(
        None, help="rows that the metrics are of (default: test, or validation with `evaluation.test: false`)"
    )
    at: Literal["one_half", "chosen"] = param("chosen", help="threshold of the decisions: one half, or the chosen one")
    counts: bool = param(True, help="with the class counts of the rows that were trained on")
    minimum: dict[str, float] = param({}, help="leave out rows whose mean of a metric is below, by metric")

    def wrong_rows(self, tested: bool) -> str | None:
        """Why it cannot be made of cells that have metrics of test rows, or not."""
        if self.of == "test" and not tested:
            return "expected `of: validation`, as no cell looks at test rows"
        if self.at == "one_half" and (self.of == "validation" or not tested):
            return "expected `at: chosen`: at one half there are metrics of test rows alone"
        return None


class SweepSettings(Settings):
    """A sweep file. Each combination of one value of every axis, a seed and a fold is a cell: a separate run."""

    description: str = param("", help="what the sweep is for")
    base: str = param(help="recipe that the cells change: a file (from the sweep file's folder), or a registered name")
    set: Overrides = param({}, help="overrides of every cell, such as {training.epochs: 4}, as with --set")
    axes: dict[str, Axis] = param(
        {}, help="axis -> its values: names with their overrides, or a list of values of the key that the axis names"
    )
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = param(
        [0], help="seeds that every combination runs with"
    )
    folds: Literal["all"] | list[int] | None = param(
        None, help="test folds that every combination runs with, each as a separate run; needs split.folds"
    )
    keep: Literal["everything", "results"] = param(
        "everything", help="whether finished cells keep their run folders, or only their results"
    )
    launcher: LauncherRef = param("local", help="what runs the cells", validate_default=True)
    tables: dict[str, TableSettings] = param({"overview": TableSettings()}, help="tables to write, by name")

    @field_validator("axes")
    @classmethod
    def _values(cls, axes: dict[str, Axis]) -> dict[str, Axis]:
        for name, values in axes.items():
            if not values:
                raise PydanticCustomError("axis", "axis {name} has no values", {"name": repr(name)})
            if name in COLUMNS:
                beside = name in ("seed", "fold")
                facts = {"name": repr(name), "do": f"write {name}s beside axes" if beside else "choose another name"}
                raise PydanticCustomError(
                    "axis", "an axis cannot be called {name}, as a column of tables is: {do}", facts
                )
        return axes

    @field_validator("tables")
    @classmethod
    def _table_names(cls, tables: dict[str, TableSettings]) -> dict[str, TableSettings]:
        for name in tables:
            if not re.fullmatch(r"[\w.-]+", name):
                message = "expected a name that can be a file's (letters, digits, _ . -), got {name}"
                raise PydanticCustomError("table_name", message, {"name": repr(name)})
        return tables


class _OneLauncher(Settings):
    launcher: LauncherRef


@dataclass(frozen=True)
class Cell:
    """One run of a sweep."""

    id: str  # names its folder: "efficientnet-b0--ce--fold-1--seed-0"
    labels: dict[str, str]  # axis -> the value's name
    seed: int
    fold: int | None
    overrides: tuple[str, ...]  # as with --set

    @property
    def group(self) -> str:
        """The same for cells that differ by seed and fold only."""
        return "--".join(slug(label) for label in self.labels.values()) or "base"


@dataclass(frozen=True)
class SweepFile:
    """A sweep file that was read and checked."""

    name: str
    text: str
    settings: SweepSettings
    base: str  # file or registered name
    cells: tuple[Cell, ...]


def read_sweep(file: str | Path, catalogue: Catalogue) -> SweepFile:
    """Read a sweep file, or a registered sweep, and make its cells; seeds vary fastest.

    Raises RecipeError with every mistake of the file, and for cells that would share a folder. The cells' recipes are not
    checked here.
    """
    name, path, text, document = open_sweep(file, catalogue)
    try:
        settings = SweepSettings.model_validate(document.data, context={"catalogue": catalogue})
    except ValidationError as error:
        raise RecipeError(problems(error, document)) from error
    problems_of_axes = overwritten(settings)
    if problems_of_axes:
        raise RecipeError(problems_of_axes)
    base = base_of(settings.base, path, catalogue)
    cells = make_cells(settings, _folds(settings, base, catalogue, document))
    found = [
        Problem(f"axes: {', '.join(cell.labels.values())}", f"has the same folder name {cell.id!r} as another cell")
        for index, cell in enumerate(cells)
        if cell.id in {other.id for other in cells[:index]}
    ]
    if found:
        raise RecipeError(found)
    return SweepFile(name, text, settings, base, tuple(cells))


def open_sweep(file: str | Path, catalogue: Catalogue) -> tuple[str, Path, str, Document]:
    """The name of a sweep file or a registered sweep, its path, text and document. Raises RecipeError."""
    path = catalogue.sweeps.get(str(file), Path(file).expanduser())
    if not path.is_file():
        known = sorted(catalogue.sweeps)
        message = (
            f"there is no sweep file {str(file)!r}{nearest(str(file), known)} (registered: {listing(known) or 'none'})"
        )
        raise RecipeError([Problem("", message)])
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError([Problem("", f"{path} cannot be read: {error}")]) from error
    name = str(file).replace("/", "-") if str(file) in catalogue.sweeps else path.stem
    return name, path, text, parse(text, path.name)


def base_of(base: str, file: Path, catalogue: Catalogue) -> str:
    """The base recipe that a file names: a registered one, or a file, which is looked for beside it first."""
    beside = file.parent / base
    return str(beside) if base not in catalogue.recipes and beside.is_file() else base


def read_launcher(text: str, catalogue: Catalogue) -> Launcher:
    """A launcher as --launcher gives it: a name, or a mapping in YAML. Raises RecipeError."""
    document = parse(f"launcher: {text}", "--launcher")
    try:
        return _OneLauncher.model_validate(document.data, context={"catalogue": catalogue}).launcher
    except ValidationError as error:
        raise RecipeError(problems(error, document)) from error


def make_cells(settings: SweepSettings, folds: list[int] | None = None) -> list[Cell]:
    """Every combination of the axes' values, the folds and the seeds. What `overwritten` names is refused before."""
    axes = [[(name, *value) for value in _values(name, axis)] for name, axis in settings.axes.items()]
    each_fold: list[int | None] = [*folds] if folds else [None]
    cells = []
    for combination in itertools.product(*axes):
        labels = {axis: label for axis, label, _ in combination}
        changes = [settings.set, *(overrides for _, _, overrides in combination)]
        for fold, seed in itertools.product(each_fold, settings.seeds):
            last = {"seed": seed} if fold is None else {"split.fold": fold, "seed": seed}
            overrides = [as_override(key, value) for change in [*changes, last] for key, value in change.items()]
            parts = [*(slug(label) for label in labels.values()), *([] if fold is None else [f"fold-{fold}"])]
            cells.append(Cell("--".join([*parts, f"seed-{seed}"]), labels, seed, fold, tuple(overrides)))
    return cells


def overwritten(settings: SweepSettings) -> list[Problem]:
    """Overrides that have no effect, as an axis after them, the folds or the seeds set the same key or one above it."""
    problems = []
    axes = {name: [key for _, value in _values(name, axis) for key in value] for name, axis in settings.axes.items()}
    parts = {"set": list(settings.set), **{f"axes.{name}": keys for name, keys in axes.items()}}
    beside = [("seeds", "seed"), *([("folds", "split.fold")] if settings.folds is not None else [])]
    for place, keys in parts.items():
        for key in dict.fromkeys(keys):
            for name, last in beside:
                if _covers(last, key):
                    problems.append(
                        Problem(place, f"{key!r} is set by `{name}` for every cell: write `{name}` beside axes")
                    )
    for index, (name, axis) in enumerate(settings.axes.items()):
        before = ["set", *(f"axes.{other}" for other in list(axes)[:index])]
        in_all = [key for key in axes[name] if all(key in value for _, value in _values(name, axis))]
        for place in before:
            for key in dict.fromkeys(parts[place]):
                # An axis may set another value of a key in `set`.
                late = [other for other in (in_all if place == "set" else axes[name]) if _covers(other, key)]
                if late and (place != "set" or key not in late):
                    problems.append(Problem(place, _without_effect(key, late[0], name, place != "set")))
    return problems


def _covers(late: str, early: str) -> bool:
    """Whether an override of the key `late` leaves nothing of one of `early` before it."""
    return early == late or early.startswith((f"{late}.", f"{late}["))


def _without_effect(key: str, late: str, axis: str, may_move: bool) -> str:
    do = (
        f"put it after that axis, or set `{late}` in one of them alone"
        if may_move
        else f"write it into the values of {axis!r}"
    )
    return f"{key!r} has no effect, as the axis {axis!r} sets {late!r} after it: {do}"


def sweep_counts(recipe: str, catalogue: Catalogue, loaded: Loaded) -> dict[str, Prepared]:
    """The plans of the registered sweeps that are built on a recipe, by "name of the rows (sweep)".

    The rows of a sweep are the values of the axes that set samplers, data or split. Counts that are the beginning of
    another are left out. Raises RecipeError for a sweep with mistakes in its recipe.
    """
    found: dict[str, Prepared] = {}
    seen: set[str] = set()
    for name, path in catalogue.sweeps.items():
        data = parse(path.read_text(encoding="utf-8"), path.name).data
        if data.get("base") != recipe or "search" in data:
            continue
        settings = SweepSettings.model_validate(data, context={"catalogue": catalogue})
        for label, overrides in [value for axis, values in settings.axes.items() for value in _values(axis, values)]:
            rows = {key: value for key, value in (settings.set | overrides).items() if key.split(".")[0] in _OF_ROWS}
            changes = [as_override(key, value) for key, value in rows.items()]
            if rows and str(changes) not in seen:
                seen.add(str(changes))
                document = read_document(recipe, catalogue.recipes, changes)
                found[f"{label} ({name})"] = prepare_document(document, catalogue, loaded=loaded)
    counts = {label: [stage.counts for stage in prepared.class_counts] for label, prepared in found.items()}
    return {
        label: prepared
        for index, (label, prepared) in enumerate(found.items())
        if not any(
            counts[label] == longer[: len(counts[label])] and (len(longer) > len(counts[label]) or other < index)
            for other, longer in enumerate(counts.values())
            if other != index
        )
    }


def as_override(key: str, value: Any) -> str:
    """`key: value` as --set takes it."""
    return f"{key}={one_line(value)}"


def _values(name: str, axis: Axis) -> list[tuple[str, Overrides]]:
    """The values of an axis: (name, overrides)."""
    if isinstance(axis, Mapping):
        return [(str(label), overrides) for label, overrides in axis.items()]
    named = [value.get("name", value) if isinstance(value, Mapping) else value for value in axis]
    repeated = {str(label) for label in named if named.count(label) > 1}
    labels = [
        json.dumps(value) if str(label) in repeated else str(label) for value, label in zip(axis, named, strict=True)
    ]
    return [(label, {name: value}) for label, value in zip(labels, axis, strict=True)]


def _folds(settings: SweepSettings, base: str, catalogue: Catalogue, document: Document) -> list[int] | None:
    """The folds to run. Raises RecipeError if the recipes have none, or not these."""
    if settings.folds is None:
        return None
    recipe = read_document(base, catalogue.recipes, [as_override(key, value) for key, value in settings.set.items()])
    split = recipe.data.get("split")
    count = split.get("folds") if isinstance(split, dict) else None
    if not isinstance(count, int):
        message = "needs a number of folds: give split.folds in the base recipe or in `set`"
        raise RecipeError([Problem("folds", message, document.line(("folds",)))])
    if settings.folds == "all":
        return list(range(count))
    wrong = [fold for fold in settings.folds if not 0 <= fold < count]
    if wrong or not settings.folds:
        message = f"expected folds from 0 to {count - 1}, got {settings.folds}"
        raise RecipeError([Problem("folds", message, document.line(("folds",)))])
    return list(dict.fromkeys(settings.folds))
