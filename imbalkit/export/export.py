"""From a finished run to a model file: graph and card, the file under a temporary name, the comparison, the name."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from imbalkit.base.locks import held
from imbalkit.errors import ImbalkitError, listing
from imbalkit.export.card import card_of
from imbalkit.export.graph import deployed, hard_for_int8
from imbalkit.export.parity import Reference, compare_runtimes, judge
from imbalkit.export.row_graph import too_large
from imbalkit.export.rows import SYNTHETIC, Rows, evenly, rows_of_run, synthetic_rows
from imbalkit.export.views import views_facts, views_notes
from imbalkit.kinds import Exportable, Exporter
from imbalkit.recipe.prepared import Prepared
from imbalkit.runs import folder as run_folder
from imbalkit.runs.ensemble import RestoredEnsemble
from imbalkit.runs.restore import restore
from imbalkit.runs.restored import Restored
from imbalkit_lite.card import Card
from imbalkit_lite.decisions import decide
from imbalkit_lite.files import write_atomic

PARITY = "parity.json"
BATCH = 32  # images that the network takes at once


def export_all(
    folder: Path, metrics: Mapping[str, Any], prepared: Prepared
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Run every exporter of a run's recipe. A file that cannot be written costs the run nothing: its entry says why.

    Args:
        folder: the run folder, complete but for metrics.json
        metrics: what metrics.json will hold
        prepared: the run's recipe and data

    Returns:
        facts of each file by its name, {"error": why} for one that was not written; notes on those
    """
    restored = restore(folder, "cpu", metrics, prepared)
    facts: dict[str, dict[str, Any]] = {}
    notes = []
    for exporter in prepared.recipe.export:
        name = exporter.file_name
        try:
            facts[name] = export(restored, exporter, folder / name)
            notes += [f"export: {name}: {note}" for note in views_notes(facts[name])]
        except Exception as error:  # a finished training is not lost for a file
            why = str(error) if isinstance(error, ImbalkitError | OSError) else f"{type(error).__name__}: {error}"
            facts[name] = {"error": why}
            notes.append(f"export: {name}: {why}" if why != str(error) else f"export: {why}")
    return facts, notes


def export(
    restored: Restored, exporter: Exporter, path: Path, synthetic: bool = False, measured: bool = False
) -> dict[str, Any]:
    """Write a run's model to a file, if the file's outputs are the network's.

    Beside it go its card (`<file>.json`) and, in `parity.json`, what was compared. Where they are not, nothing is written at the
    final name.

    Args:
        restored: the run, on the CPU
        exporter: what to write
        path: the file
        synthetic: compare on synthetic images, for a run whose data are gone
        measured: measure time and memory, too (imbalkit.export.benchmark)

    Returns:
        the file's entry in parity.json

    Raises:
        DataError: the run's data are gone and `synthetic` is False
        ImbalkitError: a calibrator without a graph, or outputs that are too far from the network's; says how far
    """
    if synthetic and exporter.quantize == "int8":
        raise ImbalkitError(
            "int8 is fitted on the run's own rows, which synthetic images cannot replace: use fp16 or dynamic"
        )
    if not restored.context.channels and (exporter.quantize != "none" or exporter.input != "float32"):
        raise ImbalkitError(
            "networks on rows of a table are written in float32 alone: leave out `quantize` and `input`"
        )
    _entries(path.with_name(PARITY))  # refuses something else of that name
    network, source = deployed(restored, exporter)
    rows = synthetic_rows(restored) if synthetic else rows_of_run(restored, exporter.rows)
    card = card_of(restored, exporter)
    inputs = rows.of_file(source)
    reference = _reference(restored, network_of(restored, exporter), rows, card)
    calibration, beside = None, None
    if exporter.quantize == "int8" and rows.labels is not None:
        chosen = evenly(rows.labels, restored.recipe.seed)[: exporter.calibration_rows]
        calibration, beside = inputs[0][chosen], None if rows.columns is None else rows.columns[chosen]
    facts: dict[str, Any] = {}

    def write_and_compare(temporary: Path) -> None:
        exporter.write(Exportable(network, card, calibration, beside), temporary)
        found = compare_runtimes(exporter, exporter.runtimes(temporary), reference, inputs, card)
        limits, problems = judge(exporter, found, reference, lambda: _exact_logits(restored, exporter, rows))
        if problems:
            raise ImbalkitError(_refusal(path, exporter, rows, restored, problems))
        facts.update(_facts(exporter, rows, restored, temporary), limits=limits, runtimes=found)
        facts.update(exporter.facts(temporary), notes=_notes(exporter, restored, rows, found))
        if restored.views != "none":
            averaged = reference if exporter.views else _reference(restored, restored.network, rows, card)
            facts["views"] = views_facts(restored, exporter, averaged, reference)
            facts["notes"] += views_notes(facts)

    write_atomic(path, write_and_compare)
    run_folder.write_json(path.with_name(path.name + ".json"), card.to_json())
    _write_entry(path, facts)
    if measured:
        from imbalkit.export.benchmark import measure

        facts["measured"] = measure(restored, exporter, path)
        _write_entry(path, facts)
    return facts


def _write_entry(path: Path, facts: Mapping[str, Any]) -> None:
    """Put a file's entry into parity.json, beside those that other exports have written meanwhile."""
    parity = path.with_name(PARITY)
    key = hashlib.sha256(str(parity.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    user = getattr(os, "getuid", lambda: "")()
    with held(Path(tempfile.gettempdir()) / f"imbalkit-{user}-{key}.lock", f"writes {parity}"):
        run_folder.write_json(parity, _entries(parity) | {path.name: facts})


def _entries(parity: Path) -> dict[str, Any]:
    """What parity.json says of other files. Raises ImbalkitError where there is something else of that name."""
    if not parity.exists():
        return {}
    try:
        entries = json.loads(parity.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        entries = None
    if not isinstance(entries, dict):
        raise ImbalkitError(
            f"expected {parity} to hold entries of exported files, as JSON: move it away, then export again"
        )
    return entries


def network_of(restored: Restored, exporter: Exporter) -> nn.Module:
    """The run's network as an exporter's file has it: averaging views, or of the plain picture."""
    return restored.network if exporter.views else restored.model


def _reference(restored: Restored, network: nn.Module, rows: Rows, card: Card) -> Reference:
    """What a network and the run's decision give for the rows, in float32 whatever it was trained in."""
    affine = restored.decision.affine
    assert affine is not None  # or `deployed` would have refused the calibrator
    logits = _logits(network, rows, torch.float32)
    probabilities = restored.decision.probabilities(logits)
    return Reference(
        logits=restored.decision.mapped(logits),
        affine=affine,
        probabilities=probabilities,
        decisions=decide(probabilities, card),
        labels=rows.labels,
        classes=restored.classes,
        positive=restored.positive,
    )


def _exact_logits(restored: Restored, exporter: Exporter, rows: Rows) -> np.ndarray:
    """The network's logits computed in float64, after the map of the loss."""
    network = copy.deepcopy(network_of(restored, exporter)).double()
    return restored.decision.mapped(_logits(network, rows, torch.float64))


@torch.no_grad()
def _logits(network: nn.Module, rows: Rows, number: torch.dtype) -> np.ndarray:
    """Logits before calibration, float64 [n, C]."""
    parts = []
    for start in range(0, len(rows), BATCH):
        part = slice(start, start + BATCH)
        images = torch.from_numpy(rows.pixels[part]).permute(0, 3, 1, 2)
        beside = (torch.from_numpy(columns[part]).to(number) for columns in rows.beside)
        parts.append(network(images.to(number) / 255, *beside).double().numpy())
    return np.concatenate(parts)


def _facts(exporter: Exporter, rows: Rows, restored: Restored, file: Path) -> dict[str, Any]:
    counts = None
    if rows.labels is not None:
        counts = np.bincount(rows.labels, minlength=len(restored.classes))
    return {
        "exporter": exporter.name,
        "quantize": exporter.quantize,
        "input": exporter.input,
        **({"members": len(restored.members)} if isinstance(restored, RestoredEnsemble) else {}),
        "bytes": file.stat().st_size,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "versions": _versions(exporter),
        "compared_on": {
            "rows": rows.kind,
            "classes": None if counts is None else dict(zip(restored.classes, map(int, counts), strict=True)),
        },
    }


def _versions(exporter: Exporter) -> dict[str, str]:
    """Of what wrote the file and of the programs that ran it."""
    versions = {}
    for name in ("torch", *exporter.requires, "tensorflow"):
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def _notes(exporter: Exporter, restored: Restored, rows: Rows, found: Mapping[str, Any]) -> list[str]:
    """What a reader of the entry should know."""
    notes = []
    if not found:
        notes.append(
            f"the exporter {exporter.name!r} names no program that runs the file: it was compared with nothing"
        )
    if rows.kind == "train":
        notes.append("the run has no validation rows: compared on training rows")
    if rows.kind == SYNTHETIC:
        notes.append("compared on synthetic images: how the metrics change on real ones is not known")
    if restored.recipe.training.precision != "fp32":
        notes.append(
            f"trained and evaluated in {restored.recipe.training.precision}; compared with the network in float32"
        )
    hard = hard_for_int8(restored.model)
    if exporter.quantize == "int8" and hard:
        notes.append(f"int8 is known to harm {listing(hard)} layers, which the network has: fp16 or dynamic are safer")
    return notes


def _refusal(path: Path, exporter: Exporter, rows: Rows, restored: Restored, problems: Sequence[str]) -> str:
    text = f"{path.name} was not written: on {len(rows):,} {rows.kind} rows its outputs are not the network's: "
    text += "; ".join(problems)
    hard = hard_for_int8(restored.model)
    if exporter.quantize == "int8" and hard:
        text += f"\n  The network has {listing(hard)} layers, which int8 is known to harm: use fp16 or dynamic."
    elif exporter.quantize in ("int8", "dynamic"):
        text += "\n  Use fp16, or raise the limits if that is near enough."
    large = [] if restored.context.channels or restored.encoding is None else too_large(restored.encoding)
    for column in large:
        text += (
            f"\n  Numbers of the column {column.name!r} (mean {column.mean:.4g}, standard deviation {column.std:.3g}) are too "
            "large for float32, which the file takes: subtract a constant near the mean from them in the tables, and train again."
        )
    return text
