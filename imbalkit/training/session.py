"""What every training and prediction of a run shares: devices, images, settings, seed and progress."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
from lightning_fabric import Fabric

from imbalkit.base.progress import Progress
from imbalkit.base.randomness import derive_seed
from imbalkit.data.image_store import ImageStore
from imbalkit.kinds import Augmentation, BuildContext, Head
from imbalkit.plan import Plan
from imbalkit.recipe.recipe import TrainingSettings
from imbalkit.training.batches import Batch, read_ahead
from imbalkit.training.column_branch import ColumnInputs
from imbalkit.training.features import FeatureBatch, FeatureTable
from imbalkit.training.rendered_cache import RenderedCache
from imbalkit_lite.columns import ColumnEncoding


@dataclass(frozen=True)
class TrainingSession:
    """What every training and prediction of a run shares.

    Attributes:
        fabric: the devices
        images: pixels by sample
        settings: the recipe's `training`
        seed: of the recipe
        head: of the network
        augment: random changes of the training images, new ones each epoch
        positive: code of the positive class; None without
        higher_is_better: whether the monitored metric is
        rendered: rendered copies, where they are cached
        inputs: what the network takes beside the image; None for nothing
        encoding: of the columns that it takes, beside an image or without; None for none
        columns: of every sample, as the network takes them, float32 [samples, W]; None without such inputs
        features: what stands for the images where a head trains on a frozen body
        progress: shows epochs and batches
        sample_names: what a person finds samples by, for messages
    """

    fabric: Fabric
    images: ImageStore
    settings: TrainingSettings
    seed: int
    head: Head
    augment: Sequence[Augmentation] = ()
    positive: int | None = None
    higher_is_better: bool = True
    rendered: RenderedCache | None = None
    inputs: ColumnInputs | None = None
    encoding: ColumnEncoding | None = None
    columns: np.ndarray | None = None
    features: FeatureTable | None = None
    progress: Progress = field(default_factory=Progress)
    sample_names: Callable[[np.ndarray], list[str]] = field(default=lambda samples: [f"sample {i}" for i in samples])

    def context(self, plan: Plan, stage: str, epochs: int = 1) -> BuildContext:
        """What a part may know when it is built for a stage of so many epochs."""
        height, width, channels = self.images.shape
        return BuildContext(
            classes=plan.classes,
            counts=plan.counts(),
            positive=self.positive,
            image_size=(height, width),
            channels=channels,
            seed=derive_seed(self.seed, "weights", stage),
            epochs=epochs,
            logit_scale=self.head.logit_scale,
            columns=self.encoding,
        )

    def read(self, plan: Plan, batches: Sequence[np.ndarray]) -> Generator[Batch | FeatureBatch, None, None]:
        """Rows of a plan, batch by batch: their images, or their features where they are computed."""
        if self.features is not None:
            return self.features.read(plan, batches)
        return read_ahead(plan, self.images, batches, self.pins_memory, self.rendered, columns=self.columns)

    def sum_devices(self, value: torch.Tensor) -> torch.Tensor:
        """The sum of every device's tensor."""
        if self.fabric.world_size == 1:
            return value
        return cast(torch.Tensor, self.fabric.all_reduce(value, reduce_op="sum"))

    @property
    def pins_memory(self) -> bool:
        """Whether batches are read into pinned memory, from which a GPU takes them without waiting."""
        return self.fabric.device.type == "cuda"
