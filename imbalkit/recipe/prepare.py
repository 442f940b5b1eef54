"""From a checked recipe to the split and the ladder of class counts, without decoding an image or training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from imbalkit.base.parameters import parameters_text
from imbalkit.base.randomness import derive_seed
from imbalkit.base.variables import variables_in
from imbalkit.catalogue import Catalogue, default_catalogue
from imbalkit.data.columns import column_problem
from imbalkit.data.split import Split, SplitSettings, split_table
from imbalkit.data.table import RESERVED, Table
from imbalkit.errors import ImbalkitError, Problem, RecipeError, listing, nearest
from imbalkit.kinds import Dataset, Metric, Part, ScoredSampler
from imbalkit.plan import Counts, Plan
from imbalkit.recipe.document import Document, read_document
from imbalkit.recipe.recipe import Recipe, validate, validate_part
from imbalkit.runs import folder as run_folder


@dataclass(frozen=True)
class Rung:
    """Class counts after one stage: "train", "samplers[0] oversample", "samplers[1] loss_rank, round 2"."""

    stage: str
    counts: Counts


@dataclass(frozen=True)
class Prepared:
    """A recipe that can run: its data, split, and the counts that its samplers will give."""

    name: str
    recipe: Recipe
    catalogue: Catalogue
    table: Table
    split: Split
    ladder: tuple[Rung, ...]
    variables: tuple[str, ...] = ()  # environment variables that the recipe's paths name

    @property
    def classes(self) -> tuple[str, ...]:
        return self.table.classes

    @property
    def positive(self) -> int | None:
        """Label code of the positive class: the recipe's, else the smaller of two classes, else None."""
        if self.recipe.positive is not None:
            return self.classes.index(self.recipe.positive)
        return int(np.argmin(self.table.counts())) if len(self.classes) == 2 else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of the data and the split."""
        return (*self.table.all_notes, *self.split.notes)

    def source_plan(self, bad: Iterable[int] = ()) -> Plan:
        """The training rows before any sampler, less the samples whose images are unreadable."""
        rows = np.setdiff1d(self.split.train, np.asarray(list(bad), dtype=np.int64))
        return Plan.from_labels(
            self.table.labels[rows], self.classes, sources=rows, seed=derive_seed(self.recipe.seed, "plan")
        )


@dataclass(frozen=True)
class Loaded:
    """Tables and splits that recipes share, so that a sweep loads its data once."""

    tables: dict[str, Table] = field(default_factory=dict)
    splits: dict[tuple[int, str], Split] = field(default_factory=dict)

    def table(self, dataset: Dataset) -> Table:
        """The data set's table. Raises DataError as `load` does."""
        key = parameters_text(dataset)
        if key not in self.tables:
            self.tables[key] = dataset.load()
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
    """Read and check a recipe, load its table, split it, and walk its ladder.

    Args:
        recipe: a file, the name of a registered recipe, or what a file would hold as a mapping
        overrides: "a.b=value"
        without: plugins to leave out
        runtime: also check what only an import of torch and timm can tell (names of models, optimisers, schedules)
        loaded: tables and splits of recipes prepared before

    Raises:
        RecipeError: every mistake at once
        PluginError: a plugin breaks the rules
    """
    catalogue = default_catalogue(tuple(without))
    document = read_document(recipe, catalogue.recipes, overrides)
    if (
        not isinstance(recipe, Mapping) and Path(recipe).name == run_folder.RECIPE
    ):  # the resolved recipe of a run goes by the run's name
        document.name = run_folder.read_json(Path(recipe).parent / run_folder.FACTS).get("name", document.name)
    return prepare_document(document, catalogue, runtime, loaded)


def prepare_document(
    document: Document, catalogue: Catalogue, runtime: bool = False, loaded: Loaded | None = None
) -> Prepared:
    """As `prepare`, from a document; `loaded` holds the tables and splits of recipes prepared before."""
    loaded = Loaded() if loaded is None else loaded
    found: list[Problem] = []
    table = None
    try:
        if "data" in document.data:
            table = loaded.table(validate_part("dataset", document, ("data",), catalogue))
    except RecipeError:
        pass  # the whole recipe's check below reports it among the others
    except ImbalkitError as error:
        found.append(Problem("data", str(error), document.line(("data",))))
    checked = None
    try:
        checked = validate(document, catalogue, table.classes if table else None)
    except RecipeError as error:
        found += error.problems
    if checked is None or table is None:
        raise RecipeError(found)

    found += _cross_checks(checked, table, document, catalogue)
    if runtime:
        from imbalkit.recipe.runtime_checks import runtime_problems

        found += [Problem("data", message, document.line(("data",))) for message in table.problems]
        found += [Problem(where, message, document.line(place)) for where, place, message in runtime_problems(checked)]
    split = None
    try:
        split = loaded.split(table, checked.split)
    except ImbalkitError as error:
        told = [str(error), *(f"note: {caution}" for caution in table.cautions)]  # they may be why
        found.append(Problem("split", "\n    ".join(told), document.line(("split",))))
    ladder: tuple[Rung, ...] = ()
    if split is not None:
        try:
            ladder = walk_ladder(checked, Counts.exact(table.classes, table.counts(split.train)), document)
        except RecipeError as error:
            found += error.problems
    if found or split is None:
        raise RecipeError(found)
    variables = tuple(sorted(set(variables_in(document.data))))
    prepared = Prepared(document.name, checked, catalogue, table, split, ladder, variables)
    found = [Problem(where, message, document.line(("decision",))) for where, message in validation_problems(prepared)]
    if found:
        raise RecipeError(found)
    return prepared


def walk_ladder(recipe: Recipe, counts: Counts, document: Document) -> tuple[Rung, ...]:
    """Class counts after every sampler and round. Raises RecipeError for a sampler that asks for the impossible."""
    rungs = [Rung("train", counts)]
    for index, sampler in enumerate(recipe.samplers):
        stage = f"samplers[{index}] {sampler.name}"
        try:
            if isinstance(sampler, ScoredSampler):
                start = counts
                for number in range(sampler.rounds):
                    counts = sampler.preview(start, round=number)
                    rungs.append(Rung(f"{stage}, round {number + 1}", counts))
            else:
                counts = sampler.preview(counts)
                rungs.append(Rung(stage, counts))
        except ImbalkitError as error:
            place = ("samplers", index)
            raise RecipeError([Problem(f"samplers[{index}]", str(error), document.line(place))]) from error
    return tuple(rungs)


def _cross_checks(recipe: Recipe, table: Table, document: Document, catalogue: Catalogue) -> Iterable[Problem]:
    """What one part of the recipe says that another one, or the data, contradicts."""

    def problem(where: str, message: str) -> Problem:
        first = where.split(".")[0].split("[")[0]
        return Problem(where, message, document.line((first,)))

    if len(table.classes) < 2:
        said = f"expected two classes or more, got {len(table.classes)}: {table.classes[0]!r}"
        yield problem("data", "; ".join([said, *table.cautions]))
    for where, message in decision_problems(recipe, table.classes):
        yield problem(where, message)
    if recipe.training.freeze_epochs > recipe.training.epochs:
        yield problem("training.freeze_epochs", f"is more than training.epochs, {recipe.training.epochs}")
    shape = recipe.images.shape or (table.arrays.shape[1:3] if table.arrays is not None else None)
    for where, op in operations(recipe):
        if shape and shape[0] != shape[1] and getattr(op, "square_only", False):
            yield problem(where, f"{op.label} needs square images, the images are {list(shape)} (height, width)")
    names = metric_names(recipe, catalogue)
    if recipe.training.monitor not in (*names, "last"):
        hint = nearest(recipe.training.monitor, names)
        message = f"there is no metric {recipe.training.monitor!r} to choose an epoch by{hint} (or last): {listing(names, 40)}"
        yield problem("training.monitor", message)
    missing = column_problem(recipe.evaluation.subgroups or [], [name for name in table.frame if name not in RESERVED])
    if missing:
        yield problem("evaluation.subgroups", missing)
    files = [exporter.file_name for exporter in recipe.export]
    for index, name in enumerate(files):
        if name in files[:index]:
            message = f"writes {name}, as export[{files.index(name)}] does: give one of them another `file`"
            yield problem(f"export[{index}]", message)
    for where, part in parts_of(recipe):
        for name, message in part.check_classes(table.classes):
            yield problem(f"{where}.{name}", message)
        try:
            part.check_requirements()
        except ImbalkitError as error:
            yield problem(where, str(error))


def decision_problems(recipe: Recipe, classes: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    """What the decision's settings contradict, as (place, message)."""
    decision, many = recipe.decision, len(classes) > 2
    if many and recipe.positive is None:
        rule = decision.threshold
        if rule.name != "fixed" and rule.cost_matrix(classes) is None:
            message = (
                f"{rule.name!r} needs a positive class; the data have {len(classes)} classes: name one in `positive`"
            )
            yield "decision.threshold", message
        if decision.abstain is not None and decision.abstain.band is not None:
            message = (
                f"needs a positive class; the data have {len(classes)}: name one in `positive`, or give `coverage`"
            )
            yield "decision.abstain.band", message
    if isinstance(decision.prior, dict):
        total, named = sum(decision.prior.values()), len(decision.prior)
        if named == len(classes) and abs(total - 1) > 1e-6:
            yield "decision.prior", f"prevalences of all {named} classes must sum to 1, got {total:g}"
        if named < len(classes) and total > 1 - 1e-9:
            yield (
                "decision.prior",
                f"leaves nothing for the classes that it does not name: expected less than 1, got {total:g}",
            )
    if recipe.export and decision.calibrator is not None and not decision.calibrator.is_affine:
        name = decision.calibrator.name
        yield (
            "decision.calibrator",
            f"{name!r} cannot be put into a model file; use temperature or vector, or leave out `export`",
        )


def validation_problems(prepared: Prepared) -> Iterable[tuple[str, str]]:
    """What the validation rows are too few for, as (place, message)."""
    table, rows, positive = prepared.table, prepared.split.validation, prepared.positive
    if not len(rows) or positive is None:
        return  # a run without validation is allowed, and says what it left out
    side, groups = table.labels[rows] == positive, table.groups
    units = rows if groups is None else groups[rows]
    message = prepared.recipe.decision.threshold.check_rows(*(len(np.unique(units[part])) for part in (side, ~side)))
    if message:
        yield "decision.threshold", message


def metrics_of(recipe: Recipe, catalogue: Catalogue) -> list[Metric]:
    """The recipe's metrics, or every installed one that has no required parameter."""
    if recipe.metrics is not None:
        return list(recipe.metrics)
    classes = [catalogue.get("metric", name) for name in catalogue.names("metric")]
    return [part() for part in classes if not any(field.is_required() for field in part.model_fields.values())]


def metric_names(recipe: Recipe, catalogue: Catalogue) -> list[str]:
    """Names of the figures that the evaluation gives."""
    return [metric.name for metric in metrics_of(recipe, catalogue)]


def parts_of(recipe: Recipe) -> Iterable[tuple[str, Part]]:
    """Every part of a recipe, nested ones too, with its place."""

    def walk(value: object, where: str) -> Iterable[tuple[str, Part]]:
        if isinstance(value, Part):
            yield where, value
        if isinstance(value, Part | Recipe) or hasattr(type(value), "model_fields"):
            for name in type(value).model_fields:
                yield from walk(getattr(value, name), f"{where}.{name}" if where else name)
        elif isinstance(value, dict):
            for key, item in value.items():
                yield from walk(item, f"{where}.{key}")
        elif isinstance(value, list | tuple):
            for index, item in enumerate(value):
                yield from walk(item, f"{where}[{index}]")

    yield from walk(recipe, "")


def operations(recipe: Recipe) -> list[tuple[str, Part]]:
    """Every operation of every view, with its place."""
    return [(where, part) for where, part in parts_of(recipe) if part.kind == "op"]
