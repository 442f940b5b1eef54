"""How the model was made, as reporting guidelines ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from markupsafe import Markup

from imbalkit.base.parameters import described, given
from imbalkit.base.text import numbers_text, part_text, percent, plural, sentence_list
from imbalkit.report.context import Report
from imbalkit.report.metric_values import metric_name
from imbalkit.report.recipe_words import correction_sentence, decision_sentence
from imbalkit.report.statements import Statement, statement
from imbalkit_lite.text import printable

TEMPLATE = "statements.html"


def values(report: Report) -> dict[str, Any]:
    """Statements on the method."""
    return {"intro": "How the model was trained, and how its metrics were computed.", "statements": statements(report)}


def statements(report: Report) -> list[Statement]:
    """What is asked, with its answers."""
    ask = partial(statement, report)
    clear = "Technique"
    return [
        ask("Model", _model(report), *initial_weights(report), clear=clear, tripod="12c, 22", card="Model details"),
        *([ask(_inputs_title(report), *_inputs(report), clear=clear, tripod="9a, 9b")] if report.run.columns else []),
        ask("Class imbalance", *_imbalance(report), clear=clear, tripod="13"),
        ask("Random augmentation", _augmentation(report), clear=clear, tripod="12c"),
        ask("Training", *_training(report), clear=clear, tripod="12c"),
        ask("Epoch selection", _selection(report), clear=clear, tripod="12c"),
        ask(
            "From logits to probabilities",
            correction_sentence(report.run),
            tripod="12f, 13",
            card="Quantitative analyses",
        ),
        ask("Model output and decision", decision_sentence(report.run), tripod="15", card="Metrics"),
        ask(
            "Metrics and their uncertainty",
            _evaluation(report),
            clear="Technical assessment",
            tripod="12e, 23a",
            card="Metrics",
        ),
        ask(
            "Subgroups",
            _subgroups(report),
            clear="Technical assessment",
            tripod="14, 23a",
            card="Quantitative analyses",
        ),
        ask("Protocol and registration", field="protocol", tripod="18c, 18d"),
        ask(
            "Software",
            Markup('<a href="#reproducibility">Reproducibility</a> has versions, seeds and the recipe.'),
            tripod="18f",
        ),
    ]


def _model(report: Report) -> str:
    if baseline := report.run.facts.get("baseline"):
        return f"A baseline, no network: {baseline['text']}. Its inputs: {sentence_list(baseline['inputs'])}."
    dropout, kind = report.run.recipe["head"]["dropout"], {**report.part("head"), "dropout": None}
    layer = "a dense layer" if kind.get("name", "linear") == "linear" else f"the head {part_text(kind)}"
    head = f"dropout {dropout:g} and {layer}"
    outputs = plural(len(report.classes), "output")
    text = f"{_several(report)}{part_text(report.part('backbone'))}, then {head} with {outputs} and a softmax."
    if report.prepared is None:
        return text
    heads, stages = report.prepared.recipe.heads, report.prepared.recipe.stages
    for stage, before, after in zip(stages, heads, heads[1:], strict=False):
        if after != before:
            text += f" The stage {stage.name} replaces the head by {described(after)}."
    return text


def initial_weights(report: Report) -> Iterator[str]:
    """What the networks of a run started from, where that was recorded and not random."""
    for place, weights in (report.run.facts.get("initial_weights") or {}).items():
        whose = "Initial weights" if place == "backbone" else f"Initial weights of {place}"
        digest = f" (SHA-256 {weights['sha256']})" if weights.get("sha256") else ""
        yield f"{whose}: {weights['source']}{digest}."


def _inputs_title(report: Report) -> str:
    return "Inputs beside the image" if report.run.has_images else "Inputs"


def _inputs(report: Report) -> Iterator[str]:
    """The table columns that the network takes, as they were fitted."""
    settings = report.run.recipe.get("inputs")
    if settings is None:
        yield "Table columns, fitted on training rows: numbers are standardised, categories one-hot, missing values flagged."
    else:
        yield (
            f"Table columns, fitted on training rows: two dense layers of {settings['width']} over them, whose outputs stand "
            f"beside the image's features. Training saw each value as missing with probability {settings['dropout']:g}."
        )
    for fitted in report.run.columns:
        yield f"{printable(fitted.text)}."


def _several(report: Report) -> str:
    """What to say first of the networks of an ensemble, of which the recipe is the first one's."""
    count = len(report.run.members)
    if not count:
        return ""
    return f"The mean of {count} networks; model, imbalance, augmentation and training are those of the first: "


def _imbalance(report: Report) -> list[str | Markup]:
    samplers = report.part("samplers") or []
    rows = "; then ".join(part_text(sampler) for sampler in samplers) if samplers else "none"
    return [
        f"Samplers: {rows}.",
        f"Loss: {part_text(report.part('loss'))}.",
        *_rows_of_epochs(report),
        Markup('The resulting class counts and their effect on the prior are under <a href="#rows">Training rows</a>.'),
    ]


def _rows_of_epochs(report: Report) -> Iterator[str]:
    """Order, mixer and what is deferred, where a recipe has them."""
    order, mixer, deferred = report.part("order"), report.part("mixer"), report.part("deferred")
    if order and part_text(order) != "natural":
        yield f"Order in which epochs visit rows: {part_text(order)}."
    if mixer:
        yield f"Rows are mixed in pairs: {part_text(mixer)}."
    if deferred:
        later = [f"{key} {part_text(deferred[key])}" for key in ("loss", "order") if deferred.get(key)]
        epochs = report.run.recipe["training"]["epochs"]
        yield f"From epoch {report.run.deferred_epoch} of {epochs} on: {', '.join(later)} (deferred)."


def _augmentation(report: Report) -> str:
    parts = report.part("augment") or []
    return f"{sentence_list(part_text(part) for part in parts)}, drawn anew each epoch." if parts else "None."


_TAUGHT = {
    "unseen": "that never saw them",
    "test": "that had them in their test",
    "validation": "that chose their epoch by them",
    "train": "that trained on them",
}


def _teaching(report: Report) -> Iterator[str]:
    """Who taught which rows, of a loss that has a teacher."""
    for teacher in report.run.metrics.get("teachers", []):
        rows = [f"{plural(count, 'row')} by networks {_TAUGHT[how]}" for how, count in teacher["rows"].items() if count]
        members = f" ({sentence_list(teacher['members'])})" if len(teacher["members"]) > 1 else ""
        yield f"Taught by {teacher['run']}{members}, from the pictures before any view: {sentence_list(rows)}."


def _training(report: Report) -> list[str]:
    if report.run.facts.get("baseline"):
        return ["Fitted once to the training rows as they are, without samplers, class weights or augmentation."]
    training = report.run.recipe["training"]
    optimizer = {key: value for key, value in training["optimizer"].items() if key != "options" or value}
    of_one_cycle = training["schedule"]["name"] == "one_cycle"  # the only one that reads `warmup`
    schedule = {key: value for key, value in training["schedule"].items() if key != "warmup" or of_one_cycle}
    main = (
        f"{plural(training['epochs'], 'epoch')} in batches of {training['batch_size']}, {part_text(optimizer)}, schedule "
        f"{part_text(schedule)}, {training['precision']}, seed {report.run.facts.get('seed')}."
    )
    if training.get("sam"):
        main += f" Sharpness-aware steps (SAM), radius {training['sam']['radius']:g}."
    if training.get("ema"):
        main += f" The moving average of the weights (EMA, decay {training['ema']:g}) was evaluated and kept."
    if training.get("freeze_epochs"):
        main += f" The head alone was trained first, for {plural(training['freeze_epochs'], 'epoch')}."
    return [main, *_teaching(report), *_stages(report)]


def _stages(report: Report) -> Iterator[str]:
    """What follows the main training, a sentence a stage."""
    if report.prepared is None:
        yield from (f"Then the stage {part_text(stage)}." for stage in report.part("stages") or [])
        return
    for stage in report.prepared.recipe.stages:
        told = ("order", "loss", "mixer", "epochs", "head", "body")  # by the summary, or as the model's head
        rest = part_text({key: value for key, value in given(stage).items() if key not in told})
        yield f"Then the stage {rest} {stage.summary}."


def _selection(report: Report) -> str:
    if baseline := report.run.facts.get("baseline"):
        found = baseline["validation_log_loss"]
        return (
            f"There are no epochs; log loss of validation rows: {numbers_text(found)}."
            if found
            else "There are no epochs."
        )
    monitor = report.run.recipe["training"]["monitor"]
    if monitor == "last" or not len(report.run.split_rows("validation")):
        return "The last epoch was used."
    if (log := report.run.log) and log[-1].get("best_epoch") == 0:
        return f"{metric_name(monitor)} was not defined on the validation rows: the last epoch was used."
    pictures = ", on plain pictures without averaged views," if report.run.metrics.get("views") else ""
    return f"The epoch of best {metric_name(monitor)} on validation rows{pictures} was used. Nothing was chosen on test rows."


def _evaluation(report: Report) -> str:
    facts = report.run.metrics.get("intervals")
    if not facts or not facts.get("test"):
        return "Metrics of the test rows, without intervals."
    unit = "whole groups" if facts.get("unit") == "group" else "rows"
    return (
        f"Metrics of the test rows with {percent(facts.get('level', 0.95), 0)} intervals; {facts['resamples']:,} bootstrap "
        f"resamples of {unit}, or a formula where rows are independent."
    )


def _subgroups(report: Report) -> str | Markup:
    columns = list(dict.fromkeys(entry["column"] for entry in report.run.metrics.get("subgroups") or []))
    if not columns:
        return ""
    return Markup('By {}: see <a href="#subgroups">Subgroups</a>.').format(sentence_list(columns))
