"""Finished rounds of scored samplers, and features, shared by runs: the same rows trained in the same way are scored once.

A round is known by a hash of everything that decides its scores: the plan's rows and views, the content of the pictures, the
network, the loss, the training and its seeds, where it computes, and the versions of every distribution that takes part.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imbalkit.base.locks import Note, held
from imbalkit.errors import DataError
from imbalkit.kinds import Backbone, FeatureSampler, ScoredSampler
from imbalkit.plan import Plan
from imbalkit.recipe.recipe import Recipe
from imbalkit_lite.files import write_atomic

if TYPE_CHECKING:
    import torch

    from imbalkit.catalogue import Catalogue
    from imbalkit.data.image_store import ImageStore
    from imbalkit.recipe.prepared import Prepared

# Keys that decide no score of a round, with the reason; every other key, also one that is added later, does.
LEFT_OUT = {
    "recipe": {
        "description": "words",
        "card": "words",
        "data": "the content of the pictures and the plan's labels count instead, wherever they lie",
        "split": "the plan's rows count instead",
        "samplers": "the plan's rows count instead, and what the ranking sampler trains with",
        "loss": "of the final training; a round has its sampler's",
        "order": "of the final training; a round has its sampler's",
        "mixer": "of the final training",
        "deferred": "of the final training",
        "stages": "after the training",
        "predict": "after the training",
        "decision": "after the training",
        "metrics": "after the training",
        "evaluation": "after the training",
        "export": "after the training",
        "launcher": "starts folds",
        "logging": "writes beside",
    },
    "images": {
        "size": "the size that they have counts instead, which the backbone may decide",
        "on_bad_image": "bad images are in no plan",
        "cache": "where pixels are, not which",
        "keep": "the same pixels, kept or decoded again",
        "device_memory": "where pixels are, not which",
        "render_cache_gib": "the same copies, kept or rendered again",
    },
    "training": {
        "epochs": "of the final training; a round has its sampler's",
        "monitor": "of the final training",
        "early_stopping": "of the final training",
        "freeze_epochs": "of the final training",
        "devices": "rounds are shared by runs of one process alone",
        "nodes": "rounds are shared by runs of one process alone",
        "threads": "the number in use counts instead",
        "accelerator": "the device in use counts instead",
    },
}
_PATIENCE = 2 * 24 * 3600.0  # seconds that another run's round is waited for
# A scored sampler's others act on the scores, or the features.
OF_THE_SAMPLER = ("score", "loss", "backbone", "order", "epochs", "scores_from")
_LIBRARIES = (
    "imbalkit",
    "imbalkit-lite",
    "torch",
    "torchvision",
    "timm",
    "kornia",
    "lightning-fabric",
    "pillow",
    "numpy",
)


@dataclass(frozen=True)
class Surroundings:
    """What decides the scores of a run's rounds, beside what is particular to each round.

    Attributes:
        recipe: the run's
        catalogue: says which distribution a part is of
        content: a hash of each sample's picture, uint64 [samples]
        shape: height, width, channels of a picture as it is trained on
        place: device and, on the CPU, number of threads: they decide how sums are rounded
        columns: what the network takes beside each sample's picture, float32 [samples, W]; None for nothing
    """

    recipe: Recipe
    catalogue: Catalogue
    content: np.ndarray
    shape: tuple[int, ...]
    place: str
    columns: np.ndarray | None = None

    @classmethod
    def of(cls, prepared: Prepared, images: ImageStore, device: torch.device) -> Surroundings | None:
        """Those of a run that is about to train; None for images whose content is not known."""
        import torch

        from imbalkit.runs.data_record import content_in_memory

        content = images.content if prepared.table.arrays is None else content_in_memory(prepared.table)
        if content is None:
            return None
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else str(torch.get_num_threads())
        shape = tuple(images.shape)
        return cls(prepared.recipe, prepared.catalogue, content, shape, f"{device.type} {name}", prepared.columns)


def round_key(
    around: Surroundings,
    sampler: ScoredSampler | FeatureSampler,
    backbone: Backbone,
    plan: Plan,
    stage: str,
    before: str,
) -> str:
    """A hash that is the same only for rounds that give the same scores, or the same features.

    Args:
        around: what all rounds of a run have in common
        sampler: whose round it is
        backbone: of the round's network
        plan: rows to train on and to score
        stage: name of the round's training, from which its seeds derive; "features" where nothing is trained
        before: key of the round whose weights this one starts from, or ""
    """
    ranked, operations = sampler.model_dump(mode="json"), [op for view in plan.views for op in view]
    own = (sampler.score, sampler.loss) if isinstance(sampler, ScoredSampler) else (sampler.loss,)
    parts = [(part.kind, part.name) for part in (sampler, *own, backbone, *around.recipe.augment)]
    facts = {
        **deciding_keys(around.recipe),
        **{name: ranked[name] for name in OF_THE_SAMPLER if name in ranked},
        "backbone": backbone.model_dump(mode="json"),
        **initial_fact(backbone),
        "stage": stage,
        "before": before,
        "classes": plan.classes,
        "plan": [plan.seed, views_of(plan)],
        "around": [list(around.shape), around.place],
        "versions": versions(around.catalogue, [*parts, *(("op", op.name) for op in operations)]),
    }
    return key_of(facts, around, [plan])


def initial_fact(backbone: Backbone) -> dict[str, str]:
    """The checksum of the weights that a network starts from, where there are any: a file's name does not tell them."""
    try:
        weights = backbone.initial_weights()
    except DataError:  # the training will say so
        return {}
    return {} if weights is None else {"initial_weights": weights.sha256}


def key_of(facts: dict[str, Any], around: Surroundings, plans: Sequence[Plan]) -> str:
    """A hash of facts, ready for JSON, and of the rows, pictures and columns of plans."""
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for plan in plans:
        for column in (plan.key, plan.source, plan.label, plan.view, around.content[plan.source]):
            digest.update(column.tobytes())
        if around.columns is not None:
            digest.update(around.columns[plan.source].tobytes())
    return digest.hexdigest()[:24]


def views_of(plan: Plan) -> list[list[dict[str, Any]]]:
    """The operations of each view, ready for JSON."""
    return [[json.loads(op.model_dump_json()) for op in view] for view in plan.views]


def deciding_keys(recipe: Recipe, left_out: Mapping[str, Collection[str]] = LEFT_OUT) -> dict[str, Any]:
    """The recipe's keys that decide the scores of a round, with their values; `left_out` by section."""
    return {
        key: {name: item for name, item in value.items() if name not in left_out[key]} if key in left_out else value
        for key, value in recipe.model_dump(mode="json").items()
        if key not in left_out["recipe"]
    }


def versions(catalogue: Catalogue, parts: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Versions of the distributions that compute a round: the libraries, those of the parts, and what these require.

    `parts` are kinds and names.
    """
    providers = {catalogue.provider(kind, name) for kind, name in parts}
    found = {provider.distribution: provider.version for provider in providers}
    names = set(_LIBRARIES)
    for distribution in set(found) - {"imbalkit"}:
        names.update(_required(distribution))
    return found | {name: _version(name) for name in sorted(names)}


def _required(distribution: str) -> list[str]:
    try:
        return [re.split(r"[^\w.-]", text, maxsplit=1)[0] for text in metadata.requires(distribution) or []]
    except metadata.PackageNotFoundError:
        return []


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:  # imbalkit-lite comes in imbalkit's wheel, too
        return ""


class RoundCache:
    """A folder of finished rounds by key. `None` as folder: nothing is shared."""

    def __init__(self, folder: Path | None, around: Surroundings | None = None, note: Note | None = None):
        self.folder, self.around, self.note = folder, around, note

    def key(
        self, sampler: ScoredSampler | FeatureSampler, backbone: Backbone, plan: Plan, stage: str, before: str
    ) -> str:
        """As `round_key`; "" where nothing is shared."""
        if self.folder is None or self.around is None:
            return ""
        return round_key(self.around, sampler, backbone, plan, stage, before)

    @contextmanager
    def claim(self, key: str) -> Iterator[None]:
        """While it is held, others who want the same round wait for it, which is noted. Raises RunError after two days."""
        if self.folder is None:
            yield
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with held(
            self.folder / f"{key}.lock", f"does the same training for {self.folder}", self.note, patience=_PATIENCE
        ):
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
