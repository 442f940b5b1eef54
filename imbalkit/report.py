"""report.md: a run on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from imbalkit import run_folder
from imbalkit.checkpoints import write_atomic
from imbalkit.errors import PluginError
from imbalkit.planning import Prepared
from imbalkit.tables import figure_tables, plan_facts, removed_lines


def write_report(folder: Path, prepared: Prepared, metrics: Mapping[str, Any]) -> None:
    """Write report.md, with a section from each plugin that has one."""
    facts = run_folder.read_json(folder / run_folder.FACTS)
    sections = {
        "Test figures": _figures(metrics),
        "Rows": _rows(prepared, metrics),
        "Data": _data(prepared, metrics),
        "How to repeat it": _repeat(folder, facts),
    }
    for provider, added in prepared.catalogue.notify(
        "report_sections", folder=folder, metrics=metrics, prepared=prepared
    ):
        if not isinstance(added, Mapping):
            raise PluginError(
                f"report_sections of plugin {provider.plugin!r} ({provider}) must return a mapping from titles to "
                f"Markdown, got {added!r}"
            )
        sections |= dict(sorted(added.items()))
    head = f"# {prepared.name}\n\n{prepared.recipe.description}".rstrip()
    text = "\n\n".join([head, *(f"## {title}\n\n{body}" for title, body in sections.items())]) + "\n"
    write_atomic(folder / run_folder.REPORT, lambda path: path.write_text(text, encoding="utf-8"))


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows as a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("\n", "<br>").replace("|", "\\|") for cell in row) + " |" for row in lines
    )


def _figures(metrics: Mapping[str, Any]) -> str:
    decision = metrics["decision"]
    lines = [f"Threshold and calibration, from validation rows only: {_sentence(decision)}."]
    lines += [f"Note: {note}" for note in metrics["notes"]]
    lines += [markdown_table(columns, rows) for _, columns, rows in figure_tables(metrics["test"])]
    if "test_at_one_half" in metrics:
        lines.append("At a threshold of one half, uncalibrated:")
        lines += [markdown_table(columns, rows) for _, columns, rows in figure_tables(metrics["test_at_one_half"])]
    return "\n\n".join(lines)


def _sentence(decision: Mapping[str, Any]) -> str:
    calibrator = decision["calibrator"] or "no calibration"
    fitted = ", ".join(f"{name} {value:.4g}" for name, value in decision["fitted"].items() if isinstance(value, float))
    if decision["rule"] is None:
        return f"the most probable class is called ({calibrator}{', ' if fitted else ''}{fitted})"
    return f"threshold {decision['threshold']:.4g} by {decision['rule']} ({calibrator}{', ' if fitted else ''}{fitted})"


def _rows(prepared: Prepared, metrics: Mapping[str, Any]) -> str:
    facts = plan_facts(prepared)
    classes = facts["classes"]
    rows = [["all samples", *facts["samples"]["counts"]]]
    rows += [[side, *facts["split"][side]["counts"]] for side in ("test", "validation")]
    rows += [[step["stage"], *step["counts"]] for step in metrics["ladder"]]
    return markdown_table(["stage", *classes], rows)


def _data(prepared: Prepared, metrics: Mapping[str, Any]) -> str:
    bad = [f"left out, cannot be read: {image['path']} ({image['reason']})" for image in metrics["bad_images"]]
    left_out = removed_lines(prepared.table.removed_counts())
    notes = "\n".join(f"- {note}" for note in [*prepared.table.notes, *left_out, *bad])
    return f"Read by `{prepared.recipe.data.name}`.\n\n{notes}".rstrip()


def _repeat(folder: Path, facts: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in facts.get("versions", {}).items() if version)
    return (
        f"`imbalkit run {run_folder.RECIPE}` with the resolved recipe of this folder (hash {facts.get('recipe_hash')}, seed "
        f"{facts.get('seed')}, split seed {facts.get('split_seed')}); relative paths start at `{facts.get('directory')}`."
        f"\n\nVersions: {versions}."
    )
