"""What is wrong with the cells and tables of a sweep file, found before any cell runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from imbalkit.catalogue import Catalogue
from imbalkit.engine.teaching import check_teachers
from imbalkit.errors import Problem, RecipeError, listing, nearest
from imbalkit.recipe.document import read_document
from imbalkit.recipe.prepare import Loaded, prepare_document
from imbalkit.recipe.prepared import Prepared
from imbalkit.recipe.traverse import metric_names
from imbalkit.studies.sweeps.file import Cell, SweepFile
from imbalkit.studies.sweeps.metric_names import example_metrics
from imbalkit.studies.sweeps.results import OF_RESULTS


def check_cells(
    found: SweepFile, catalogue: Catalogue, runtime: bool = True, finished: Collection[str] = ()
) -> dict[str, Prepared]:
    """Every cell's checked recipe by the cell's id; those that are finished need no teacher and no weights any more.

    Raises RecipeError with the mistakes of all of them.
    """
    loaded = Loaded()
    prepared: dict[str, Prepared] = {}
    problems: list[Problem] = []
    for cell in found.cells:
        try:
            document = read_document(found.base, catalogue.recipes, cell.overrides)
            prepared[cell.id] = prepare_document(document, catalogue, runtime and cell.id not in finished, loaded)
            if cell.id not in finished:
                check_teachers(prepared[cell.id])
            if prepared[cell.id].recipe.split.runs_all_folds:
                message = (
                    "runs all folds, and a cell is one run: add `folds: all` to the sweep file, or set `split.fold`"
                )
                problems.append(Problem(f"cell {cell.id}: split", message))
        except RecipeError as error:
            problems += [
                Problem(f"cell {cell.id}: {problem.where}".removesuffix(": "), problem.message, problem.line)
                for problem in error.problems
            ]
    if problems:
        raise RecipeError(_once(problems))
    problems = [*_same_cells(found, prepared), *_table_problems(found, prepared)]
    if problems:
        raise RecipeError(problems)
    return prepared


def _same_cells(found: SweepFile, prepared: Mapping[str, Prepared]) -> list[Problem]:
    """Cells that would run one and the same recipe under different names."""
    first: dict[str, Cell] = {}
    problems = []
    for cell in found.cells:
        other = first.setdefault(prepared[cell.id].recipe.hash, cell)
        if other is not cell:
            axes = [axis for axis, label in cell.labels.items() if label != other.labels[axis]]
            message = f"is the recipe of the cell {other.id} once more: its values make no difference to it"
            problems.append(Problem(f"cell {cell.id}", f"{message} (axes: {listing(axes) or 'none'})"))
    return problems[:5]


def _table_problems(found: SweepFile, prepared: Mapping[str, Prepared]) -> list[Problem]:
    """Metrics that no cell will have, and rows that none looks at, in the tables of a sweep file."""
    tested = any(each.recipe.evaluation.test for each in prepared.values())
    kinds = {(each.classes, str(each.recipe.metrics)): each for each in prepared.values()}
    columns = {column: None for each in kinds.values() for column in example_metrics(each)}
    known = {metric: None for each in kinds.values() for metric in metric_names(each.recipe, each.catalogue)}
    problems = [
        Problem(f"axes.{axis}", f"cannot be called {axis!r}, as a column of results is: choose another name")
        for axis in found.settings.axes
        if axis in columns
        or axis in OF_RESULTS
        or any(axis == f"trained_{name}" for each in kinds.values() for name in each.classes)
    ]
    for name, table in found.settings.tables.items():
        if (message := table.wrong_rows(tested)) is not None:
            problems.append(Problem(f"tables.{name}", message))
        asked = [("metrics", metric) for metric in table.metrics if "metrics" in table.model_fields_set]
        for key, metric in [*asked, *(("minimum", metric) for metric in table.minimum)]:
            if metric not in columns and not any(column.startswith(f"{metric}_") for column in columns):
                hint = nearest(metric, [*known, *columns])
                message = f"there is no metric {metric!r}{hint} (metrics: {listing(known, 60)})"
                problems.append(Problem(f"tables.{name}.{key}", message))
    return problems


def _once(problems: Sequence[Problem]) -> list[Problem]:
    """A mistake that many cells share, once."""
    first: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        first.setdefault((problem.where.partition(": ")[2], problem.message), problem)
    return list(first.values())
