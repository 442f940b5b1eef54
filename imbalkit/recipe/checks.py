"""What one part of a recipe says that another one, or the data, contradicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from imbalkit.catalogue import Catalogue
from imbalkit.data.column_inputs import FittedColumn
from imbalkit.data.columns import column_problem
from imbalkit.data.table import RESERVED, Table
from imbalkit.errors import ImbalkitError, Problem, listing, nearest
from imbalkit.functional.distinct import distinct
from imbalkit.kinds import Backbone, Exporter, FeatureSampler, Loss, Mixer, Part, ScoredSampler
from imbalkit.recipe.class_prior import prior_ledger
from imbalkit.recipe.document import Document, Place
from imbalkit.recipe.features import feature_problems
from imbalkit.recipe.inputs import name_problems, value_problems
from imbalkit.recipe.mixer_checks import mixer_problems
from imbalkit.recipe.prepared import Prepared
from imbalkit.recipe.recipe import Recipe
from imbalkit.recipe.stage_checks import stage_count_problems, stage_problems
from imbalkit.recipe.traverse import metrics_of, needs_square, parts_of
from imbalkit_lite.columns import NUMBER


def cross_checks(recipe: Recipe, table: Table, document: Document, catalogue: Catalogue) -> Iterable[Problem]:
    """What one part of the recipe says that another one, or the data, contradicts."""
    problem = document.problem
    if len(table.classes) < 2:
        message = f"expected two classes or more, got {len(table.classes)}: {table.classes[0]!r}"
        yield problem(("data",), "; ".join([message, *table.cautions]))
    for place, message in decision_problems(recipe, table.classes):
        yield problem(place, message)
    for index, sampler in enumerate(recipe.samplers):
        if not isinstance(sampler, FeatureSampler):
            continue
        if sampler.makes_rows:
            found = made_row_problem(recipe, index, table.features is not None)
        else:
            found = _random_features(sampler, recipe.backbone)
        if found is not None:
            yield problem(("samplers", index), found)
    if recipe.evaluation.test and not recipe.split.has_test:
        message = (
            "expected a share above 0, got 0: without test samples there is nothing to report. evaluation.test: false trains and "
            "chooses without any"
        )
        yield problem(("split", "test"), message)
    if not recipe.evaluation.test:
        for place, message in untested_problems(recipe):
            yield problem(place, message)
    if recipe.training.freeze_epochs > recipe.training.epochs:
        yield problem(("training", "freeze_epochs"), f"is more than training.epochs, {recipe.training.epochs}")
    for place, message in feature_problems(recipe, table):
        yield problem(place, message)
    for find in (training_problems, stage_problems, margin_problems, layer_problems):
        for place, message in find(recipe):
            yield problem(place, message)
    shape = recipe.images.shape or (table.arrays.shape[1:3] if table.arrays is not None else None)
    if shape and shape[0] != shape[1]:
        for place, what in needs_square(recipe):
            yield problem(place, f"{what}, the images are {list(shape)} (height, width)")
    metrics = {metric.name: metric for metric in metrics_of(recipe, catalogue)}
    names, monitored = list(metrics), metrics.get(recipe.training.monitor)
    if recipe.training.monitor not in (*names, "last"):
        hint = nearest(recipe.training.monitor, names)
        message = f"there is no metric {recipe.training.monitor!r} to choose an epoch by{hint} (or last): {listing(names, 40)}"
        yield problem(("training", "monitor"), message)
    elif monitored is not None and not monitored.same_scale:
        message = (
            f"{recipe.training.monitor!r} has values of several scales, of which none is the worst: take another metric"
        )
        yield problem(("training", "monitor"), message)
    unused = _unused_prevalences(recipe, len(table.classes), names) if recipe.evaluation.prevalences else None
    if unused is not None:
        yield problem(("evaluation", "prevalences"), unused)
    columns = [str(name) for name in table.frame if name not in RESERVED]
    missing = column_problem(recipe.evaluation.subgroups or [], columns)
    if missing:
        yield problem(("evaluation", "subgroups"), missing)
    if recipe.inputs is not None:
        for index, message in name_problems(recipe.inputs, table, recipe.data):
            yield problem(("inputs", "columns", index), message)
    files = [exporter.file_name for exporter in recipe.export]
    for index, name in enumerate(files):
        if name in files[:index]:
            message = f"writes {name}, as export[{files.index(name)}] does: give one of them another `file`"
            yield problem(("export", index), message)
    for place, part in parts_of(recipe):
        if (recipe.inputs or table.features) and (why := _without_columns(part)):
            yield problem(place, why)
        for name, message in part.check_classes(table.classes):
            yield problem((*place, name), message)
        try:
            part.check_requirements()
        except ImbalkitError as error:
            yield problem(place, str(error))


def _unused_prevalences(recipe: Recipe, classes: int, metrics: Sequence[str]) -> str | None:
    """Why stated prevalences would change nothing."""
    if classes > 2 and recipe.positive is None:
        return f"are of a positive class; the data have {classes} classes: name one in `positive`"
    if "predictive_values" not in metrics:
        return "are of the metric 'predictive_values', which `metrics` leaves out: add it, or leave them out"
    return None


def untested_problems(recipe: Recipe) -> Iterable[tuple[Place, str]]:
    """What a recipe asks for that needs the test rows, which `evaluation.test: false` leaves untouched."""
    if recipe.split.runs_all_folds:
        yield (
            ("evaluation", "test"),
            "is false, and folds are judged on their test rows: set split.fold, or leave it out",
        )


def made_row_problem(recipe: Recipe, index: int, of_columns: bool) -> str | None:
    """Why a sampler cannot make rows: of images, before another sampler, or for a loss that learns from a finished run."""
    sampler = recipe.samplers[index]
    assert isinstance(sampler, FeatureSampler)
    if sampler.epochs or sampler.backbone is not None:
        return f"{sampler.stages[0]} makes rows of columns, by no network: leave out `backbone` and `epochs`"
    if not of_columns:
        return (
            f"{sampler.stages[0]} makes new rows, which would be no images: make them of the features under the head, with a "
            "stage (`stages: [smote]`, or `stages: [{name: imblearn, sampler: ...}]`)"
        )
    if index + 1 < len(recipe.samplers):
        return f"{sampler.stages[0]} makes rows that no other sampler can be given: put it last"
    if any(isinstance(part, Loss) and part.taught_by is not None for _, part in parts_of(recipe)):
        return f"{sampler.stages[0]} makes rows of which the loss's teacher says nothing: leave out one of the two"
    return None


def _random_features(sampler: FeatureSampler, recipes: Backbone) -> str | None:
    """Why a sampler would compare rows by the features of random weights."""
    backbone = sampler.backbone or recipes
    if sampler.epochs or backbone.reads == "columns" or backbone != backbone.without_initial_weights():
        return None
    return (
        f"{sampler.name} compares rows by the features of {backbone.name!r}, whose weights would be random: give it a "
        "`backbone` with pretrained weights, such as {name: timm, model: tf_efficientnet_lite0, pretrained: true}, or train "
        "it first with `epochs: 5`"
    )


def _without_columns(part: Part) -> str:
    """Why a part cannot be put together with table columns as inputs; "" if it can."""
    if isinstance(part, Mixer) and not part.shares_labels_as_images:
        return (
            f"{part.name!r} gives a label another share than its image, so that columns have no share of their own: "
            "take mixup, cutmix (of images) or balanced_mixup, or leave out the columns"
        )
    if isinstance(part, Exporter) and not part.takes_columns:
        return f"the exporter {part.name!r} writes networks on images alone: leave it out, or the columns"
    return ""


def training_problems(recipe: Recipe) -> Iterable[tuple[Place, str]]:
    """What order, mixer, loss and deferral contradict, as (place, message)."""
    mixer, deferred, epochs = recipe.mixer, recipe.deferred, recipe.training.epochs
    losses: list[tuple[Place, Loss]] = [(("loss",), recipe.loss)]
    if deferred is not None and deferred.loss is not None:
        losses.append((("deferred", "loss"), deferred.loss))
    yield from mixer_problems(mixer, ("mixer",), losses, epochs)
    for name in ("loss", "order"):
        if deferred is not None and getattr(deferred, name) == getattr(recipe, name):
            yield (
                ("deferred", name),
                f"is the `{name}` that the training begins with: expected another one, or leave it out",
            )
    if recipe.training.early_stopping is not None and recipe.training.monitor == "last":
        message = (
            "never stops with `monitor: last`, which looks at no metric: name one in training.monitor, or leave it out"
        )
        yield ("training", "early_stopping"), message
    if deferred is not None and deferred.first_epoch(recipe.training) >= epochs:
        first = deferred.first_epoch(recipe.training) + 1
        yield ("deferred",), f"begins with epoch {first} of {epochs}, that is never: expected an earlier `start`"


def margin_problems(recipe: Recipe) -> Iterable[tuple[Place, str]]:
    """Losses that add margins to cosines, under a head whose logits are none, as (place, message)."""
    for place, part in parts_of(recipe):
        if not isinstance(part, Loss) or not part.needs_normalised_head:
            continue
        head = recipe.heads[int(place[1]) + 1] if place[0] == "stages" else recipe.head
        if not head.normalised:
            yield (
                place,
                f"{part.name!r} adds margins to cosines, and logits of the head {head.name!r} are none: take `head: cosine`, or "
                "another loss such as logit_adjusted",
            )


def layer_problems(recipe: Recipe) -> Iterable[tuple[Place, str]]:
    """Networks that train with a learning rate for each layer and do not tell their layers, as (place, message)."""
    if recipe.training.optimizer.layer_decay is None:
        return
    trained: list[tuple[Place, Backbone]] = [(("backbone",), recipe.backbone)]
    for index, sampler in enumerate(recipe.samplers):
        if isinstance(sampler, ScoredSampler | FeatureSampler) and sampler.backbone is not None and sampler.epochs:
            trained.append((("samplers", index, "backbone"), sampler.backbone))
    for place, backbone in trained:
        if not backbone.has_layers:
            yield (
                place,
                f"{backbone.name!r} does not tell its layers, which training.optimizer.layer_decay needs: take a model of timm "
                "(`backbone: {name: timm, model: ...}`), or leave out layer_decay",
            )


def decision_problems(recipe: Recipe, classes: tuple[str, ...]) -> Iterable[tuple[Place, str]]:
    """What the decision's settings contradict, as (place, message)."""
    decision, many = recipe.decision, len(classes) > 2
    if many and recipe.positive is None:
        rule = decision.threshold
        if not rule.is_half and not rule.fits_costs and rule.cost_matrix(classes) is None:
            message = (
                f"{rule.name!r} needs a positive class; the data have {len(classes)} classes: name one in `positive`"
            )
            yield ("decision", "threshold"), message
        if decision.abstain is not None and decision.abstain.band is not None:
            message = (
                f"needs a positive class; the data have {len(classes)}: name one in `positive`, or give `coverage`"
            )
            yield ("decision", "abstain", "band"), message
    if isinstance(decision.prior, dict):
        total, named = sum(decision.prior.values()), len(decision.prior)
        if named == len(classes) and abs(total - 1) > 1e-6:
            yield ("decision", "prior"), f"prevalences of all {named} classes must sum to 1, got {total:g}"
        if named < len(classes) and total > 1 - 1e-9:
            yield (
                ("decision", "prior"),
                f"leaves nothing for the classes that it does not name: expected less than 1, got {total:g}",
            )
    if recipe.export and decision.calibrator is not None and not decision.calibrator.is_affine:
        name = decision.calibrator.name
        yield (
            ("decision", "calibrator"),
            f"{name!r} cannot be put into a model file; use temperature or vector, or leave out `export`",
        )


def validation_problems(prepared: Prepared, document: Document) -> Iterable[Problem]:
    """What the rows are too few for, or what is not known of the prior that those of validation are judged at."""
    remaining = prepared.class_counts[-1].counts
    for place, problem in stage_count_problems(prepared.recipe, remaining, len(prepared.split.validation)):
        yield document.problem(place, problem)
    table, rows, positive = prepared.table, prepared.split.validation, prepared.positive
    if table.features is not None and prepared.encoding is None:
        yield document.problem(("data",), f"no column is left to learn from: {'; '.join(prepared.input_notes)}")
    numbers, categories = columns_by_kind(prepared.fitted_columns)
    for index, sampler in enumerate(prepared.recipe.samplers):
        if (
            isinstance(sampler, FeatureSampler)
            and sampler.makes_rows
            and (why := sampler.check_columns(categories, numbers))
        ):
            yield document.problem(("samplers", index), why)
    if prepared.recipe.inputs is not None:
        for index, why in value_problems(prepared.recipe.inputs, table, prepared.split.train):
            yield document.problem(("inputs", "columns", index), why)
    if (message := _unknown_prior(prepared)) is not None:
        yield document.problem(("decision", "threshold"), message)
    if not len(rows) and prepared.recipe.training.early_stopping is not None:
        message = "never stops without validation rows: give split.validation a share above 0, or leave it out"
        yield document.problem(("training", "early_stopping"), message)
    if not len(rows) or positive is None:
        return  # a run without validation is allowed, and notes what it left out
    is_positive, groups = table.labels[rows] == positive, table.groups
    units = rows if groups is None else groups[rows]
    counts = (len(distinct(units[part])) for part in (is_positive, ~is_positive))
    message = prepared.recipe.decision.threshold.check_rows(*counts)
    if message:
        yield document.problem(("decision", "threshold"), message)


def columns_by_kind(fitted: Iterable[FittedColumn]) -> tuple[list[str], list[str]]:
    """Names of the columns that hold numbers, and of those that hold categories: words, and whether a number is missing."""
    columns = list(fitted)
    numbers = [each.column.name for each in columns if each.column.kind == NUMBER]
    words = [each.column.name for each in columns if each.column.kind != NUMBER]
    return numbers, [
        *words,
        *(f"gaps of {each.column.name}" for each in columns if each.column.kind == NUMBER and each.missing),
    ]


def _unknown_prior(prepared: Prepared) -> str | None:
    """Why a rule that fits its costs cannot know which class prior the probabilities are for."""
    decision = prepared.recipe.decision
    refits = decision.calibrator is not None and decision.calibrator.moves_prior
    if not decision.threshold.fits_costs or decision.prior != "as_trained" or refits:
        return None
    # With counts as they may turn out, so that only what no count can tell is left.
    ledger = prior_ledger(prepared, [stage.counts.high for stage in prepared.class_counts])
    unknown = [entry for entry in ledger.entries if entry.shift.factors is None]
    if not unknown:
        return None
    return (
        f"{decision.threshold.name!r} adjusts for the class prior that the probabilities are for, and after "
        f"{unknown[0].stage} that is not known ({unknown[0].shift.why}): add `prior: data`, which restores that of the data"
    )
