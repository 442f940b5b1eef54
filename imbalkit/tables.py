"""Tables on the terminal, and the same facts as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from imbalkit import run_folder
from imbalkit.catalogue import Catalogue
from imbalkit.errors import PluginError, listing, nearest
from imbalkit.kinds import Part
from imbalkit.plan import Counts, balance_ratio
from imbalkit.planning import Prepared
from imbalkit.prior import prior_ledger
from imbalkit.prior_table import print_prior


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 160)  # a pipe has no width; do not cut names
    return console


# --- plan ---------------------------------------------------------------------------------------------------------------


def plan_facts(prepared: Prepared) -> dict[str, Any]:
    """Classes, counts of each side of the split, and of every rung of the ladder."""
    table, split = prepared.table, prepared.split
    sides = {side: table.counts(getattr(split, side)) for side in ("train", "validation", "test")}
    return {
        "recipe": prepared.name,
        "hash": prepared.recipe.hash,
        "classes": list(prepared.classes),
        "positive": prepared.classes[prepared.positive] if prepared.positive is not None else None,
        "samples": {"total": len(table), "counts": list(table.counts())},
        "removed": table.removed_counts(),
        "split": {
            side: {"total": sum(counts), "counts": list(counts), "balance_ratio": _ratio(counts, prepared.positive)}
            for side, counts in sides.items()
        },
        "groups": split.groups,
        "missing_groups": split.missing_groups,
        "ladder": ladder_facts(prepared),
        "prior": prior_ledger(prepared).to_json(),
        "notes": [*table.notes, *split.notes],
    }


def _rung(stage: str, counts: Counts, positive: int | None) -> dict[str, Any]:
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
    return None if math.isnan(ratio) else round(ratio, 4)


def print_plan(prepared: Prepared) -> None:
    """The ladder of class counts."""
    facts = plan_facts(prepared)
    classes = facts["classes"]
    table = RichTable(title=f"plan of {prepared.name}", title_justify="left")
    table.add_column("stage")
    shown = classes if len(classes) <= 12 else []
    for name in shown or ["smallest class", "largest class"]:
        table.add_column(name, justify="right")
    table.add_column("rows", justify="right")
    table.add_column("balance ratio", justify="right")

    def row(stage: str, low: Sequence[int], high: Sequence[int], total: int | None, ratio: float | None) -> None:
        cells = [_range(a, b) for a, b in zip(low, high, strict=True)]
        if not shown:
            cells = [_range(min(low), min(high)), _range(max(low), max(high))]
        table.add_row(stage, *cells, "?" if total is None else f"{total:,}", "?" if ratio is None else f"{ratio:.3f}")

    def side(stage: str, counts: Sequence[int]) -> None:
        row(stage, counts, counts, sum(counts), _ratio(counts, prepared.positive))

    side("all samples", facts["samples"]["counts"])
    for name in ("test", "validation"):
        side(name, facts["split"][name]["counts"])
    table.add_section()
    for rung in facts["ladder"]:
        low, high = rung.get("low") or rung["counts"], rung.get("high") or rung["counts"]
        row(rung["stage"], low, high, rung["total"], rung["balance_ratio"])
    console = _console()
    console.print(table)
    two = facts["positive"] is not None and len(classes) == 2
    meaning = f"{facts['positive']} / the other" if two else "smallest / largest class"
    console.print(f"balance ratio: {meaning}. Samplers see training rows only.")
    print_prior(facts["prior"], console)
    if facts["groups"]:
        sides = ", ".join(f"{count:,} {side}" for side, count in facts["groups"].items())
        console.print(
            f"groups: {sides}; samples without a group id, each a group of its own: {facts['missing_groups']:,}"
        )
    for line in removed_lines(facts["removed"]):
        console.print(line, markup=False)
    for note in [*facts["notes"], *facts["prior"]["warnings"]]:
        console.print(f"note: {note}", markup=False)


def removed_lines(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """A line a reason for the samples that a data set left out, from `Table.removed_counts`."""
    return [
        f"left out by {reason}: {sum(classes.values()):,} samples ("
        + ", ".join(f"{name}: {count:,}" for name, count in classes.items())
        + ")"
        for reason, classes in counts.items()
    ]


def ladder_facts(prepared: Prepared) -> list[dict[str, Any]]:
    """Counts of every rung of the ladder."""
    return [_rung(rung.stage, rung.counts, prepared.positive) for rung in prepared.ladder]


def print_ladders(entries: Mapping[str, Prepared]) -> None:
    """The ladders of the sweeps that are built on a recipe, one below the other."""
    table = RichTable(title="rows of the sweeps that are built on this recipe", title_justify="left")
    classes = next(iter(entries.values())).classes
    for name in ("rows", "stage", *classes, "balance ratio"):
        table.add_column(name, justify="left" if name in ("rows", "stage") else "right")
    for label, prepared in entries.items():
        table.add_section()
        for rung in prepared.ladder:
            counts = rung.counts
            ratio = _ratio(counts.low, prepared.positive) if counts.is_exact else None
            cells = [_range(low, high) for low, high in zip(counts.low, counts.high, strict=True)]
            table.add_row(escape(label), escape(rung.stage), *cells, "?" if ratio is None else f"{ratio:.3f}")
            label = ""
    _console().print(table)


def _range(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


# --- plugins ------------------------------------------------------------------------------------------------------------


def part_facts(catalogue: Catalogue, what: str | None = None) -> list[dict[str, Any]]:
    """The installed parts: all, of a kind, or of a name. Raises PluginError if there is no such kind or name."""
    facts = [
        _part(catalogue, kind, name)
        for kind in catalogue.kinds()
        for name in catalogue.names(kind)
        if what in (None, kind, name)
    ]
    for kind, files in (("recipe", catalogue.recipes), ("sweep", catalogue.sweeps)):
        chosen = sorted(files) if what in (None, kind) else [name for name in files if name == what]
        facts += [
            {
                "kind": kind,
                "name": name,
                "from": str(catalogue.provider(kind, name)),
                "help": description(files[name]),
                "parameters": [],
                **({"file": str(files[name])} if name == what else {}),
            }
            for name in chosen
        ]
    if not facts and what not in catalogue.kinds():
        known = [*catalogue.kinds(), "recipe", "sweep", *catalogue.recipes, *catalogue.sweeps]
        known += [name for kind in catalogue.kinds() for name in catalogue.names(kind)]
        raise PluginError(
            f"there is no kind or part {what!r}{nearest(str(what), known)} (kinds: {listing(catalogue.kinds(), 20)})"
        )
    return facts


def _part(catalogue: Catalogue, kind: str, name: str) -> dict[str, Any]:
    part = catalogue.get(kind, name)
    return {
        "kind": kind,
        "name": name,
        "from": str(catalogue.provider(kind, name)),
        "help": first_line(part),
        "parameters": part_parameters(part),
    }


def description(file: Path) -> str:
    """The line `description:` of a recipe or sweep file, without reading the rest as YAML; empty without one."""
    lines = file.read_text(encoding="utf-8").splitlines()
    text = next((line.partition(":")[2].strip() for line in lines if line.startswith("description:")), "")
    return text[1:-1] if text[:1] in ("'", '"') else text


def first_line(part: type[Part]) -> str:
    """The first line of a part's docstring."""
    return (part.__doc__ or "").strip().splitlines()[0] if part.__doc__ else ""


def part_parameters(part: type[Part]) -> list[dict[str, Any]]:
    """Name, type, default, unit and help of each parameter."""
    rows = []
    for name, info in part.model_fields.items():
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        default = None if info.is_required() else info.get_default(call_default_factory=True)
        if hasattr(default, "model_dump"):
            default = default.model_dump(mode="json")
        rows.append(
            {
                "name": name,
                "required": info.is_required(),
                "type": type_text(part.model_json_schema()["properties"].get(name, {})),
                "default": default,
                "unit": extra.get("unit"),
                "help": info.description or "",
            }
        )
    return rows


def type_text(schema: Mapping[str, Any]) -> str:
    """A JSON Schema as a person reads it: "int or list of int"."""
    if "x-kind" in schema:
        return f"{'an' if schema['x-kind'][0] in 'aeo' else 'a'} {schema['x-kind']}"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_text(option) for option in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if "prefixItems" in schema:
        return "[" + ", ".join(type_text(item) for item in schema["prefixItems"]) + "]"
    if schema.get("type") == "array":
        return f"list of {type_text(schema.get('items', {}))}"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return f"mapping to {type_text(inner)}" if isinstance(inner, Mapping) and inner else "mapping"
    names = {"integer": "int", "number": "float", "string": "text", "boolean": "true | false", "null": "nothing"}
    return names.get(str(schema.get("type")), "any value")


def print_parts(facts: Sequence[Mapping[str, Any]], details: bool) -> None:
    """Parts as a table; with details, each with its parameters."""
    console = _console()
    if not details:
        table = RichTable("kind", "name", "what it is", "from")
        last = None
        for fact in facts:
            if last not in (None, fact["kind"]):
                table.add_section()
            table.add_row(fact["kind"], fact["name"], escape(fact["help"]), fact["from"])
            last = fact["kind"]
        console.print(table)
        return
    for fact in facts:
        console.print(f"[bold]{fact['name']}[/bold] ({fact['kind']}, {fact['from']})")
        if fact["help"]:
            console.print(f"  {fact['help']}", markup=False)
        if "file" in fact:
            console.print(f"\n{Path(fact['file']).read_text(encoding='utf-8').rstrip()}", markup=False)
        if fact["parameters"]:
            table = RichTable("parameter", "type", "default", "unit", "help")
            for row in fact["parameters"]:
                default = "required" if row["required"] else _shown(row["default"])
                table.add_row(
                    *(escape(cell) for cell in (row["name"], row["type"], default, row["unit"] or "", row["help"]))
                )
            console.print(table)


def _shown(default: Any) -> str:
    return "none" if default is None else str(default)


# --- results ------------------------------------------------------------------------------------------------------------


def print_results(folder: Path) -> None:
    """Test figures of a finished run, and where it is."""
    metrics = run_folder.read_json(folder / run_folder.METRICS)
    console = _console()
    for title, columns, rows in figure_tables(metrics.get("test", {}), metrics.get("intervals")):
        table = RichTable(*columns, title=f"test: {title}", title_justify="left")
        for column in table.columns[1:]:
            column.justify = "right"
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        console.print(table)
    for note in metrics.get("notes", []):
        console.print(f"note: {note}", markup=False)
    console.print(f"run folder: {folder}", markup=False, soft_wrap=True)


Rows = list[list[str]]


def figure_tables(
    figures: Mapping[str, Any], intervals: Mapping[str, Any] | None = None, most: int = 12
) -> list[tuple[str, list[str], Rows]]:
    """The figures of an evaluation as tables (title, columns, rows): of all rows, of each class, and the confusion matrix.

    `intervals` is that of metrics.json. The matrix is left out where there are more than `most` classes.
    """
    classes = list(figures.get("support", {}))
    limits = (intervals or {}).get("test", {})
    by_class = {name: value for name, value in figures.items() if _is_by_class(value, classes)}
    whole = [
        [name.replace("_", " "), figure_text(value), *([interval_text(between)] if limits else [])]
        for name, value, between in _single_figures(figures, limits, by_class)
        if _is_defined(value)
    ]
    undefined = [name.replace("_", " ") for name, value in figures.items() if not _is_defined(value)]
    if undefined:
        whole.append(["not defined here", ", ".join(undefined), *([""] if limits else [])])
    head = ["figure", "value", *([f"{intervals['level']:.0%} interval"] if intervals and limits else [])]
    tables = [("figures", head, whole)]
    if by_class:
        columns = ["class", *(name.replace("support", "rows").replace("_", " ") for name in by_class)]
        rows = [
            [
                name,
                *(_with_interval(value[name], limits.get(figure, {}).get(name)) for figure, value in by_class.items()),
            ]
            for name in classes
        ]
        tables.append(("each class", columns, rows))
    matrix = figures.get("confusion_matrix")
    if matrix and len(classes) <= most:
        rows = [[name, *(f"{cell:,}" for cell in row)] for name, row in zip(classes, matrix, strict=True)]
        tables.append(("label down, decision across", ["", *classes], rows))
    return tables


def _single_figures(
    figures: Mapping[str, Any], limits: Mapping[str, Any], by_class: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Mapping[str, Any] | None]]:
    """Name, value and interval of what is one figure of all rows; a metric of several gives each."""
    for name, value in figures.items():
        if name in by_class or isinstance(value, list):
            continue
        if isinstance(value, Mapping) and not _is_summary(value):
            for key, item in value.items():
                yield f"{name}: {key}", item, limits.get(name, {}).get(key)
        else:
            yield name, value, limits.get(name)


def _is_summary(value: Mapping[str, Any]) -> bool:
    """Whether it is one figure over several folds."""
    return set(value) == {"mean", "sd", "values"}


def _is_defined(value: Any) -> bool:
    if isinstance(value, Mapping):
        return value["mean"] is not None if _is_summary(value) else any(item is not None for item in value.values())
    return value is not None


def _is_by_class(value: Any, classes: Sequence[str]) -> bool:
    return isinstance(value, Mapping) and bool(classes) and list(value) == list(classes)


def interval_text(limits: Mapping[str, Any] | None) -> str:
    """An interval of metrics.json as a person reads it; empty without one, or where there is one a class."""
    if not limits or limits.get("low") is None or limits.get("high") is None:
        return ""
    return f"{limits['low']:.4f} to {limits['high']:.4f}"


def _with_interval(value: Any, limits: Mapping[str, Any] | None) -> str:
    between = interval_text(limits)
    return f"{figure_text(value)} ({between})" if between else figure_text(value)


def figure_text(value: Any) -> str:
    """A figure as a person reads it; a summary over folds as mean ± standard deviation."""
    if value is None:
        return "not defined"
    if isinstance(value, Mapping) and _is_summary(value):
        if value["mean"] is None:
            return "not defined"
        digits = 1 if all(isinstance(item, int) for item in value["values"]) else 4  # rows, or shares
        return f"{value['mean']:,.{digits}f} ± {value['sd'] or 0:.{digits}f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {figure_text(item)}" for name, item in value.items())
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


# --- sweeps -------------------------------------------------------------------------------------------------------------


def print_frame(frame: Any, title: str) -> None:
    """A data frame as a table: numbers to the right, figures to three digits."""
    from pandas.api.types import is_numeric_dtype

    table = RichTable(title=title, title_justify="left")
    for column in frame.columns:
        table.add_column(
            escape(str(column)), overflow="fold", justify="right" if is_numeric_dtype(frame[column]) else "left"
        )
    for _, row in frame.iterrows():
        table.add_row(*(escape(_cell(value)) for value in row))
    _console().print(table)


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def print_sweep(folder: Path) -> None:
    """Every table of a sweep folder, without spreads (and without the counts of many classes), and where they are."""
    import pandas as pd

    for file in sorted((folder / "tables").glob("*.csv")):
        frame = pd.read_csv(file)
        sizes = [column for column in frame if column.startswith("trained_")]
        hidden = sizes if len(sizes) > 4 else []
        print_frame(frame[[column for column in frame if " sd " not in column and column not in hidden]], file.stem)
    _console().print(f"sweep folder {folder}: sweep.parquet, tables/, predictions/", markup=False)
