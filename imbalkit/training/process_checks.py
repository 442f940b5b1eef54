"""What the processes of one run must have in common, wherever they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import PurePath
from typing import Any

import numpy as np

from imbalkit.plan import Plan
from imbalkit.recipe.prepared import Prepared

SAME = "give every machine the same recipe, data and versions"
_ELSEWHERE = {"data", "launcher", "card"}  # where the data are may differ; what they are is compared itself


def facts_in_common(prepared: Prepared) -> dict[str, Any]:
    """Name -> value or digest of settings, samples, split and versions; files go by their names, not by where they are."""
    settings = prepared.recipe.model_dump(mode="json")
    settings["images"].pop("cache")
    table, split = prepared.table, prepared.split
    paths = table.frame["path"].tolist() if "path" in table.frame else []
    return {
        **{
            name: _digest([json.dumps(value, sort_keys=True)])
            for name, value in settings.items()
            if name not in _ELSEWHERE
        },
        "classes": list(table.classes),
        "number of samples": len(table),
        "labels": _digest([np.ascontiguousarray(table.labels).tobytes()]),
        "file names": _digest(f"{PurePath(path).name}\n" for path in paths),
        "pixels": _digest([] if table.arrays is None else [np.ascontiguousarray(table.arrays).tobytes()]),
        **({} if prepared.columns is None else {"columns beside the image": _digest([prepared.columns.tobytes()])}),
        "groups": _digest([] if table.groups is None else (f"{group}\n" for group in table.groups)),
        **{name: _digest([getattr(split, name).tobytes()]) for name in ("train", "validation", "test")},
        **{f"version of {name}": version(name) for name in ("imbalkit", "torch")},
    }


def pictures_in_common(content: np.ndarray | None, bad: Iterable[int]) -> dict[str, Any]:
    """Digest of the files' content (a hash each, uint64 [n], None for arrays), and the samples that cannot be read."""
    return {"content": "" if content is None else _digest([content.tobytes()]), "unreadable": list(bad)}


def rows_in_common(plan: Plan) -> dict[str, Any]:
    """Number and digest of a plan's rows."""
    columns = (plan.key, plan.source, plan.label, plan.view)
    return {"number of rows": len(plan), "rows": _digest(np.ascontiguousarray(column).tobytes() for column in columns)}


def _digest(parts: Iterable[str | bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part)
    return digest.hexdigest()[:16]
