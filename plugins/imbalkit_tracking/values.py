"""What of a run goes to a tracker: its recipe as parameters, numbers of epochs and of the end, files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from imbalkit.engine.tensorboard import numbers
from imbalkit.runs import folder as run_folder

SECTIONS = ("test", "validation", "test_at_one_half", "intervals")  # of metrics.json
LONGEST_NAME = 250  # characters, MLflow's limit


def parameters(recipe: Mapping[str, Any]) -> dict[str, str]:
    """A resolved recipe as flat text, `training.optimizer.lr` -> "0.001"; a list of parts by position, `samplers.0.name`."""
    return dict(_flat(recipe, ""))


def _flat(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _flat(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for index, item in enumerate(value):
            yield from _flat(item, f"{place}.{index}")
    elif isinstance(value, str):
        yield place, value
    elif value is not None:
        yield place, json.dumps(value, ensure_ascii=False)


def epoch_numbers(stage: str, entry: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a line of log.jsonl, as `final/validation/recall/benign`."""
    return dict(numbers(entry, stage))


def final_numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of metrics.json that describe the model, as `test/recall/benign` and `intervals/test/recall/benign/low`."""
    found: dict[str, float] = {}
    for section in SECTIONS:
        found |= numbers(metrics.get(section) or {}, section)
    threshold = (metrics.get("decision") or {}).get("threshold")
    return found | ({} if threshold is None else {"decision/threshold": threshold})


def class_rows(folder: Path, metrics: Mapping[str, Any]) -> list[dict[str, int]]:
    """Training rows of each class, `rows/benign`: of the data, then after each sampler and round."""
    stages = metrics.get("class_counts") or []
    classes = run_folder.read_mapping(folder / run_folder.FACTS)["classes"] if stages else []
    return [{f"rows/{name}": rows for name, rows in zip(classes, stage["counts"], strict=True)} for stage in stages]


def allowed_names(names: Iterable[str]) -> dict[str, str]:
    """Each name as MLflow takes it: letters, digits and `_-. /`, no empty or dotted step; no two become one."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        steps = (re.sub(r"[^\w. -]", "_", step) for step in name.split("/"))
        whole = "/".join(step if step.strip(".") else f"_{len(step)}" for step in steps)
        allowed, number = whole[:LONGEST_NAME], 2
        while allowed in taken:
            allowed, number = f"{whole[: LONGEST_NAME - 10]}_{number}", number + 1
        taken.add(allowed)
        found[name] = allowed
    return found


def document_files(folder: Path) -> list[Path]:
    """What describes a run or a sweep on its own. Never predictions or plans: they name samples and hold columns of the table."""
    names = (run_folder.RECIPE, run_folder.METRICS, run_folder.REPORT, "sweep.yaml", "sweep.parquet")
    tables = sorted((folder / "tables").glob("*"))
    return [path for path in [*(folder / name for name in names), *tables] if path.is_file()]


def model_files(folder: Path, metrics: Mapping[str, Any]) -> list[Path]:
    """The model: what was exported, with its cards, else the weights; none of a cross-validation."""
    exported = [name for file in metrics.get("export") or {} for name in (file, f"{file}.json")]
    names = [*exported, "parity.json"] if exported else [run_folder.WEIGHTS, run_folder.COLUMNS]
    return [folder / name for name in names if (folder / name).is_file()]
