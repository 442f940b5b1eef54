"""What a frozen network sees of every row: the backbone that a recipe starts from, or the network of a finished run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from imbalkit.base.files import sha256_of
from imbalkit.base.parameters import given
from imbalkit.base.progress import Progress
from imbalkit.base.randomness import derive_seed
from imbalkit.engine.images import load_images
from imbalkit.engine.launch import create_fabric
from imbalkit.errors import RunError
from imbalkit.functional.distinct import without
from imbalkit.kinds import Backbone, BuildContext
from imbalkit.plan import Plan
from imbalkit.recipe.image_rule import image_rule
from imbalkit.runs import folder as run_folder
from imbalkit.runs.restore import restore
from imbalkit.training.batches import partition, read_ahead
from imbalkit.training.classifier import build_model
from imbalkit.training.features import computed

if TYPE_CHECKING:
    from imbalkit.data.image_store import BadImage, ImageStore
    from imbalkit.recipe.prepared import Prepared


@dataclass(frozen=True)
class Embedding:
    """A network that is not trained, and the data whose features it gives.

    Attributes:
        prepared: the data and their split
        images: the pictures by sample
        compute: images in 0..1, float [n, C, H, W], and columns where there are some, to features [n, F]
        width: F
        device: where it computes
        columns: of every sample beside the image, float32 [samples, W]; None without
        network: what it is, for people and for recognising it: name and weights; plain data
    """

    prepared: Prepared
    images: ImageStore
    compute: Callable[..., torch.Tensor]
    width: int
    device: torch.device
    columns: np.ndarray | None
    network: dict[str, Any]

    @property
    def bad(self) -> tuple[BadImage, ...]:
        """Images that cannot be read, where the recipe leaves such out."""
        return tuple(getattr(self.images, "bad", ()))

    @cached_property
    def rows(self) -> np.ndarray:
        """Samples that have features, int64 [n]: all whose image can be read."""
        unreadable = np.array([image.index for image in self.bad], dtype=np.int64)
        return without(np.arange(len(self.prepared.table)), unreadable)

    def features(self, samples: np.ndarray, progress: Callable[[int], object] = lambda rows: None) -> np.ndarray:
        """What the head sees of samples int64 [n], without augmentation or views, float32 [n, F].

        Args:
            samples: indices into the table
            progress: called with how many are done, after each batch
        """
        table, done = self.prepared.table, 0
        plan = Plan.from_labels(table.labels[samples], table.classes, sources=samples)
        batches = partition(np.arange(len(plan)), self.prepared.recipe.training.batch_size) if len(plan) else []
        pin = self.device.type == "cuda"
        found = np.empty((len(plan), self.width), dtype=np.float32)
        for rows, _, part in computed(
            self.compute, read_ahead(plan, self.images, batches, pin, columns=self.columns), self.device
        ):
            found[rows] = part.cpu().numpy()
            done += len(rows)
            progress(done)
        return found


def random_weights(backbone: Backbone) -> bool:
    """Whether a backbone's weights would be random: its features then say nothing of what an image shows."""
    return backbone == backbone.without_initial_weights()


def of_recipe(prepared: Prepared, progress: Progress | None = None, random: bool = False) -> Embedding:
    """The recipe's backbone with the weights that it starts from, at full precision: what its samplers compare rows by.

    Columns beside the image are left out: nothing has been learned of them.

    Args:
        random: allow a backbone whose weights would be random

    Raises:
        RunError: a backbone whose weights would be random, where that is not allowed
        DataError: images or weights that cannot be read
    """
    recipe, progress = prepared.recipe, progress or Progress()
    if random_weights(recipe.backbone) and not random:
        raise RunError(
            f"{recipe.backbone.name!r} would have random weights, whose features say nothing of an image: give the recipe a "
            "backbone with pretrained weights, such as {name: timm, model: tf_efficientnet_lite0, pretrained: true}, or run it "
            "and name its run folder"
        )
    device = create_fabric(recipe.training.model_copy(update={"devices": 1, "nodes": 1})).device
    rule = image_rule(recipe, prepared.table)
    images, _ = load_images(prepared.table, prepared.split.train, rule, recipe.images, device, progress)
    height, width, channels = images.shape
    context = BuildContext(
        classes=prepared.classes,
        counts=prepared.table.counts(prepared.split.train),
        positive=prepared.positive,
        image_size=(height, width),
        channels=channels,
        seed=derive_seed(recipe.seed, "weights", "features"),
    )
    model = build_model(recipe.backbone, recipe.head, context)
    if recipe.training.channels_last:
        model = model.to(memory_format=torch.channels_last)
    model = model.to(device).eval()
    weights = recipe.backbone.initial_weights()
    network = {"backbone": given(recipe.backbone), "weights": None if weights is None else weights.sha256}
    return Embedding(prepared, images, model.features, model.width, device, None, network)


def of_run(folder: Path, device: str | None = None, progress: Progress | None = None) -> Embedding:
    """The trained network of a finished run on the run's own data, at the recipe's number format: as it predicts.

    Raises:
        RunError: no finished run of one network
        DataError: data that have changed since
    """
    progress = progress or Progress()
    restored = restore(folder, device)
    width = restored.model.width  # first: an ensemble has none
    prepared = restored.prepared
    images = restored.images(progress.images)
    network = {"run": prepared.name, "weights": sha256_of(folder / run_folder.WEIGHTS)}
    compute = restored.at_precision(restored.model.features)
    return Embedding(prepared, images, compute, width, restored.device, restored.columns, network)
