"""Finished rounds of scored samplers, shared by runs: the same rows trained in the same way are scored once.

A round is known by a hash of everything that decides its scores: the plan's rows and views, the data, the pixels, the
network, the loss, the training and its seeds, and the versions that compute them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from imbalkit.checkpoints import write_atomic
from imbalkit.kinds import ScoredSampler
from imbalkit.plan import Plan
from imbalkit.recipe import Recipe

_PLACES = {"cache", "device_memory"}  # where pixels are, not which
_ELSEWHERE = {"epochs", "select", "early_stopping", "freeze_epochs"}  # of the final training alone


def round_key(recipe: Recipe, sampler: ScoredSampler, plan: Plan, stage: str, before: str) -> str:
    """A hash that is the same only for rounds that give the same scores.

    Args:
        recipe: the run's
        sampler: whose round it is
        plan: rows to train on and to score
        stage: name of the round's training, from which its seeds derive
        before: key of the round whose weights this one starts from, or ""
    """
    said = recipe.model_dump(mode="json")
    ranked = sampler.model_dump(mode="json")
    facts = {
        **{name: said[name] for name in ("seed", "data", "positive", "augment", "head")},
        "images": {name: value for name, value in said["images"].items() if name not in _PLACES},
        "training": {name: value for name, value in said["training"].items() if name not in _ELSEWHERE},
        **{name: ranked[name] for name in ("score", "scores_from", "loss", "epochs")},
        "backbone": ranked["backbone"] or said["backbone"],
        "stage": stage,
        "before": before,
        "plan": [plan.seed, [[op.model_dump(mode="json") for op in view] for view in plan.views]],
        "versions": [version("imbalkit"), version("torch")],
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for column in (plan.key, plan.source, plan.label, plan.view):
        digest.update(column.tobytes())
    return digest.hexdigest()[:24]


class SharedRounds:
    """A folder of finished rounds by key. `None` as folder: nothing is shared."""

    def __init__(self, folder: Path | None):
        self.folder = folder

    @contextmanager
    def claim(self, key: str) -> Iterator[None]:
        """While it is held, others who want the same round wait for it."""
        if self.folder is None:
            yield
            return
        from filelock import FileLock

        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / f"{key}.lock"):
            yield

    def fetch(self, key: str, files: dict[str, Path]) -> bool:
        """Copy a round's files (ending -> where to) if all of them are there."""
        if self.folder is None or not all((self.folder / f"{key}{end}").exists() for end in files):
            return False
        for end, target in files.items():
            _copy(self.folder / f"{key}{end}", target)
        return True

    def keep(self, key: str, files: dict[str, Path]) -> None:
        """Add a round's files (ending -> where from)."""
        if self.folder is not None:
            for end, source in files.items():
                _copy(source, self.folder / f"{key}{end}")


def _copy(source: Path, target: Path) -> None:
    def write(temporary: Path) -> Any:
        return shutil.copyfile(source, temporary)

    write_atomic(target, write)
