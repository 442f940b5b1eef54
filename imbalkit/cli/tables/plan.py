"""The class counts of a plan on the terminal, and the same facts as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table as RichTable

from imbalkit.base.console import console, plain
from imbalkit.base.text import ratio_text, rounded
from imbalkit.cli.tables.class_columns import class_cells, class_columns
from imbalkit.cli.tables.epochs import epoch_facts, print_epochs
from imbalkit.cli.tables.prior import print_prior
from imbalkit.data.same_file import file_facts
from imbalkit.plan import Counts, balance_ratio
from imbalkit.recipe.class_prior import prior_ledger
from imbalkit.recipe.epochs import epochs_of
from imbalkit.recipe.prepared import Prepared
from imbalkit_lite.text import counted


def plan_facts(prepared: Prepared, notes: Sequence[str] = ()) -> dict[str, Any]:
    """Classes, counts of each split, and class counts by stage; `notes` besides those of the recipe and its data."""
    table, split = prepared.table, prepared.split
    counts = {name: table.counts(getattr(split, name)) for name in ("train", "validation", "test")}
    fitted = prepared.fitted_columns
    return {
        "recipe": prepared.name,
        "hash": prepared.recipe.hash,
        "classes": list(prepared.classes),
        "positive": prepared.classes[prepared.positive] if prepared.positive is not None else None,
        "samples": {"total": len(table), "counts": list(table.counts())},
        "removed": table.removed_counts(),
        "split": {
            name: {"total": sum(found), "counts": list(found), "balance_ratio": _ratio(found, prepared.positive)}
            for name, found in counts.items()
        },
        "groups": split.groups,
        "missing_groups": split.missing_groups,
        "repeated_files": {**file_facts(table.labels, table.files), "in_two_splits": split.shared_files},
        "class_counts": stage_facts(prepared),
        "epochs": epoch_facts(epochs_of(prepared)),
        "augment": [part.model_dump(mode="json") for part in prepared.recipe.augment],
        "optimizer": prepared.recipe.training.optimizer.model_dump(mode="json"),
        "stages": [stage.model_dump(mode="json") for stage in prepared.recipe.stages],
        "prior": prior_ledger(prepared).to_json(),
        **({} if not fitted else {"inputs": [column.to_json() for column in fitted]}),
        "notes": [*prepared.notes, *notes],
    }


def _stage(stage: str, counts: Counts, positive: int | None) -> dict[str, Any]:
    fact = {
        "stage": stage,
        "total": counts.total,
        "counts": list(counts.low) if counts.is_exact else None,
        "balance_ratio": _ratio(counts.low, positive) if counts.is_exact else None,
    }
    if not counts.is_exact:
        fact |= {"low": list(counts.low), "high": list(counts.high)}
    return fact


def _ratio(counts: Sequence[int], positive: int | None) -> float | None:
    ratio = balance_ratio(counts, positive)
    return None if math.isnan(ratio) else rounded(ratio)


def print_plan(prepared: Prepared, notes: Sequence[str] = ()) -> None:
    """Class counts by stage; `notes` besides those of the recipe and its data."""
    facts = plan_facts(prepared, notes)
    classes = facts["classes"]
    table = RichTable(title=f"plan of {plain(prepared.name)}", title_justify="left")
    table.add_column("stage")
    for name in class_columns(classes):
        table.add_column(plain(name), justify="right")
    table.add_column("rows", justify="right")
    table.add_column("balance ratio", justify="right")

    def row(stage: str, low: Sequence[int], high: Sequence[int], total: int | None, ratio: float | None) -> None:
        table.add_row(plain(stage), *class_cells(low, high), "?" if total is None else f"{total:,}", ratio_text(ratio))

    def exact(stage: str, counts: Sequence[int]) -> None:
        row(stage, counts, counts, sum(counts), _ratio(counts, prepared.positive))

    exact("all samples", facts["samples"]["counts"])
    for name in ("test", "validation"):
        exact(name, facts["split"][name]["counts"])
    table.add_section()
    for stage in facts["class_counts"]:
        low, high = stage.get("low") or stage["counts"], stage.get("high") or stage["counts"]
        row(stage["stage"], low, high, stage["total"], stage["balance_ratio"])
    out = console()
    out.print(table)
    two = facts["positive"] is not None and len(classes) == 2
    meaning = f"{facts['positive']} / the other" if two else "smallest / largest class"
    out.print(f"balance ratio: {plain(meaning)}. Samplers see training rows only.")
    if prepared.recipe.augment:
        names = ", ".join(getattr(part, "transform", part.name) for part in prepared.recipe.augment)
        out.say(f"augmentation, drawn anew each epoch: {names}")
    optimizer = prepared.recipe.training.optimizer
    if optimizer.layer_decay is not None:
        out.say(
            f"learning rate: {optimizer.lr:g} at the head, times {optimizer.layer_decay:g} with each layer towards the input"
        )
    print_epochs(epochs_of(prepared), prepared.recipe, classes, out)
    what = "input beside the image" if prepared.table.features is None else "input"
    for column in prepared.fitted_columns:
        out.say(f"{what}: {column.text}")
    print_prior(facts["prior"], out)
    if facts["groups"]:
        groups = ", ".join(f"{count:,} {name}" for name, count in facts["groups"].items())
        out.print(f"groups: {groups}; samples without a group id, each a group of its own: {facts['missing_groups']:,}")
    for line in removed_lines(facts["removed"]):
        out.say(line)
    for note in [*facts["notes"], *facts["prior"]["warnings"]]:
        out.say(f"note: {note}")


def removed_lines(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """A line a reason for the samples that a data set left out, from `Table.removed_counts`."""
    return [
        f"left out by {reason}: {sum(classes.values()):,} samples ({counted(classes.items())})"
        for reason, classes in counts.items()
    ]


def stage_facts(prepared: Prepared) -> list[dict[str, Any]]:
    """Counts after every stage."""
    return [_stage(stage.stage, stage.counts, prepared.positive) for stage in prepared.class_counts]


def print_sweep_counts(entries: Mapping[str, Prepared]) -> None:
    """Class counts by stage of the sweeps that are built on a recipe."""
    table = RichTable(title="rows of the sweeps that are built on this recipe", title_justify="left")
    classes = next(iter(entries.values())).classes
    for name in ("rows", "stage", *class_columns(classes), "balance ratio"):
        table.add_column(plain(name), justify="left" if name in ("rows", "stage") else "right")
    for label, prepared in entries.items():
        table.add_section()
        for stage in prepared.class_counts:
            counts = stage.counts
            ratio = _ratio(counts.low, prepared.positive) if counts.is_exact else None
            cells = class_cells(counts.low, counts.high)
            table.add_row(plain(label), plain(stage.stage), *cells, ratio_text(ratio))
            label = ""
    console().print(table)
