"""From a recipe to its split and the class counts after each stage, without decoding an image or training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imbalkit.base.arguments import words
from imbalkit.base.parameters import parameters_text
from imbalkit.base.variables import variables_in
from imbalkit.catalogue import Catalogue, default_catalogue
from imbalkit.data.split import Split, split_table
from imbalkit.data.split_settings import SplitSettings
from imbalkit.data.table import Table
from imbalkit.errors import ImbalkitError, Problem, RecipeError
from imbalkit.kinds import Dataset
from imbalkit.plan import Counts
from imbalkit.recipe.checks import cross_checks, validation_problems
from imbalkit.recipe.document import Document, read_document
from imbalkit.recipe.prepared import Prepared, StageCounts
from imbalkit.recipe.recipe import Recipe
from imbalkit.recipe.validation import validate, validate_part


@dataclass(frozen=True)
class Loaded:
    """Tables and splits that recipes share, so that a sweep loads its data once."""

    tables: dict[str, Table] = field(default_factory=dict)
    splits: dict[tuple[int, str], Split] = field(default_factory=dict)

    def table(self, dataset: Dataset) -> Table:
        """The data set's table. Raises DataError as `load` does."""
        key = parameters_text(dataset)
        if key not in self.tables:
            self.tables[key] = dataset.read()
        return self.tables[key]

    def split(self, table: Table, settings: SplitSettings) -> Split:
        """The table's split. Raises DataError as `split_table` does."""
        key = (id(table), settings.model_dump_json())
        if key not in self.splits:
            self.splits[key] = split_table(table, settings)
        return self.splits[key]


def prepare(
    recipe: str | Path | Mapping[str, Any],
    overrides: Iterable[str] = (),
    without: tuple[str, ...] = (),
    runtime: bool = False,
    loaded: Loaded | None = None,
) -> Prepared:
    """Read and check a recipe, load its table, split it, and count the classes after each stage.

    Args:
        recipe: a file, the name of a registered recipe, or what a file would hold as a mapping
        overrides: "a.b=value"
        without: plugins to leave out
        runtime: also check what only an import of torch and timm can tell (names of models, optimisers, schedules)
        loaded: tables and splits of recipes prepared before

    Raises:
        RecipeError: every mistake at once
        RunError: overrides that are no list
        PluginError: a plugin breaks the rules
    """
    overrides, without = words(overrides, "overrides", "training.epochs=5"), words(without, "without", "plugin-name")
    catalogue = default_catalogue(without)
    return prepare_document(read_document(recipe, catalogue.recipes, overrides), catalogue, runtime, loaded)


def prepare_document(
    document: Document, catalogue: Catalogue, runtime: bool = False, loaded: Loaded | None = None
) -> Prepared:
    """As `prepare`, from a document; `loaded` holds the tables and splits of recipes prepared before."""
    loaded = Loaded() if loaded is None else loaded
    found: list[Problem] = []
    table, recipe, split = None, None, None
    try:
        if "data" in document.data:
            table = loaded.table(validate_part("dataset", document, ("data",), catalogue))
    except RecipeError:
        pass  # the whole recipe's check below reports it among the others
    except ImbalkitError as error:
        found.append(document.problem(("data",), str(error)))
    try:
        recipe = validate(document, catalogue, table.classes if table else None)
    except RecipeError as error:
        found += error.problems
    if recipe is None or table is None:
        raise RecipeError(found)

    found += cross_checks(recipe, table, document, catalogue)
    if runtime:
        from imbalkit.recipe.runtime_checks import runtime_problems

        found += [document.problem(("data",), message) for message in table.problems]
        found += [document.problem(place, message) for place, message in runtime_problems(recipe)]
    try:
        split = loaded.split(table, recipe.split)
    except ImbalkitError as error:
        lines = [str(error), *(f"note: {caution}" for caution in table.cautions)]  # they may be why
        found.append(document.problem(("split",), "\n    ".join(lines)))
    class_counts: tuple[StageCounts, ...] = ()
    if split is not None:
        try:
            class_counts = count_stages(recipe, Counts.exact(table.classes, table.counts(split.train)), document)
        except RecipeError as error:
            found += error.problems
    if found or split is None:
        raise RecipeError(found)
    variables = tuple(sorted(set(variables_in(document.data))))
    prepared = Prepared(document.name, recipe, catalogue, table, split, class_counts, variables)
    found += validation_problems(prepared, document)
    if found:
        raise RecipeError(found)
    return prepared


def count_stages(recipe: Recipe, counts: Counts, document: Document) -> tuple[StageCounts, ...]:
    """Class counts after every sampler and round. Raises RecipeError for a sampler that asks for the impossible."""
    stages = [StageCounts("train", counts)]
    for index, sampler in enumerate(recipe.samplers):
        try:
            for stage, after in zip(sampler.stages, sampler.stage_counts(stages[-1].counts), strict=True):
                stages.append(StageCounts(f"samplers[{index}] {stage}", after))
        except ImbalkitError as error:
            raise RecipeError([document.problem(("samplers", index), str(error))]) from error
    return tuple(stages)
