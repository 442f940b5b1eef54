"""The model of a finished run at work: logits and features of new images, or of the run's own data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from imbalkit.catalogue import Catalogue
from imbalkit.data.column_inputs import encode_frame
from imbalkit.data.image_store import ArrayStore, FileStore, ImageStore
from imbalkit.data.keeping import open_store
from imbalkit.data.split import Split, split_table
from imbalkit.data.table import Table
from imbalkit.decision.decision import Decision
from imbalkit.errors import DataError, ImbalkitError, listing
from imbalkit.functional.views import averaged
from imbalkit.kinds import BuildContext
from imbalkit.plan import Counts, Plan
from imbalkit.recipe.document import Document
from imbalkit.recipe.prepare import count_stages
from imbalkit.recipe.prepared import Prepared
from imbalkit.recipe.recipe import Recipe
from imbalkit.runs.data_record import record_of, refuse_changed_data
from imbalkit.training.batches import partition, read_ahead
from imbalkit.training.classifier import Classifier
from imbalkit.training.ensemble import Ensemble
from imbalkit.training.features import computed
from imbalkit_lite.columns import ColumnEncoding
from imbalkit_lite.images import ImageRule

Images = ImageStore | np.ndarray | str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


@dataclass(frozen=True)
class Restored:
    """The model of a run folder. New images need nothing but the folder; `prepared` and `images` need the run's data.

    Attributes:
        folder: the run folder
        name: the recipe's name
        recipe: the resolved recipe
        catalogue: the installed parts, less the plugins that the run did without
        context: what the network was built for: classes, positive class, image size, channels
        model: the trained network in eval mode, on `device`; images in 0..1 to logits (not calibrated) of the plain picture
        decision: calibration and threshold of the run: logits to probabilities and class codes
        rule: how an image becomes pixels of the size that the network takes
        device: where the network is
        directory: where relative paths of the recipe start
        encoding: how the network takes table columns beside the image; None for one that takes none
    """

    folder: Path
    name: str
    recipe: Recipe
    catalogue: Catalogue
    context: BuildContext
    model: Classifier | Ensemble
    decision: Decision
    rule: ImageRule
    device: torch.device
    directory: Path
    encoding: ColumnEncoding | None = None
    _prepared: Prepared | None = field(default=None, repr=False)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.context.classes

    @property
    def positive(self) -> int | None:
        """Label code of the positive class, None without one."""
        return self.context.positive

    @property
    def views(self) -> str:
        """The views whose probabilities are averaged, by name."""
        return self.recipe.predict.views

    @cached_property
    def network(self) -> nn.Module:
        """The network at work, which averages the views of the recipe's `predict`: images in 0..1 to the logits of `decision`."""
        return averaged(self.model, self.recipe.predict.views).eval()

    def logits(
        self, images: Images, samples: Any = None, columns: np.ndarray | None = None, batch_size: int | None = None
    ) -> np.ndarray:
        """Logits, float32 [n, C], before calibration, of averaged views where the recipe has them: what `decision` takes.

        Arguments as `features`; `batch_size` is the most rows at once (default: the recipe's).
        """
        return self._each_batch(self.network, images, samples, len(self.classes), columns, batch_size)

    def features(self, images: Images, samples: Any = None, columns: np.ndarray | None = None) -> np.ndarray:
        """What the head sees of the plain picture, float32 [n, F], in the order of the images.

        Args:
            images: image files, an array uint8 [n, H, W] or [n, H, W, C], or a store such as `self.images()`
            samples: which of them, int [m] (repeats allowed; default: all)
            columns: of every image, for a network that takes some: `self.encoding.encode(rows)` of new ones, `self.columns` of
                the run's own data, `self.encoding.missing(n)` where nothing is known; float32 [n, W]

        Raises:
            DataError: an image that cannot be read (named), arrays of another type or number of channels, columns that lack
        """
        return self._each_batch(self.model.features, images, samples, self.model.width, columns)

    def open_images(self, images: Images) -> ImageStore:
        """Images as a store of what the network takes. Raises DataError as `features` does."""
        if isinstance(images, str | os.PathLike):
            images = [images]
        if isinstance(images, np.ndarray):
            images = ArrayStore(images, self.rule)
        elif not isinstance(images, ImageStore):
            images = FileStore(images, self.rule, self.context.channels)
        expected = (*self.rule.size, self.context.channels)
        if tuple(images.shape) != expected:
            raise DataError(
                f"the network takes images of {list(expected)} (height, width, channels), got {list(images.shape)}"
            )
        return images

    def _each_batch(
        self,
        compute: Callable[..., torch.Tensor],
        images: Images,
        samples: Any,
        width: int,
        columns: np.ndarray | None = None,
        batch_size: int | None = None,
    ) -> np.ndarray:
        store = self.open_images(images)
        self._check_columns(columns, len(store))
        rows = np.arange(len(store)) if samples is None else np.asarray(samples, dtype=np.int64)
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(store):
            raise DataError(f"expected samples from 0 to {len(store) - 1}, got {rows.min()} to {rows.max()}")
        result = np.empty((len(rows), width), dtype=np.float32)
        plan = Plan.from_labels(np.zeros(len(store), dtype=np.uint16), self.classes)  # pixels as they are, no view
        batches = partition(rows, batch_size or self.recipe.training.batch_size) if len(rows) else []
        done = 0
        read = read_ahead(plan, store, batches, pin=self.device.type == "cuda", columns=columns)
        for _, _, part in computed(self.at_precision(compute), read, self.device):
            result[done : done + len(part)] = part.cpu().numpy()
            done += len(part)
        return result

    def at_precision(self, compute: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        """The function at the recipe's number format."""

        def at_precision(*inputs: torch.Tensor) -> torch.Tensor:
            with self._autocast():
                return compute(*inputs)

        return at_precision

    def _check_columns(self, columns: np.ndarray | None, images: int) -> None:
        """Raise DataError unless the columns are those that the network takes."""
        expected = None if self.encoding is None else (images, self.encoding.width)
        found = None if columns is None else columns.shape
        if expected == found:
            return
        if self.encoding is None:
            raise DataError(f"the network of {self.folder} takes no columns beside the image, got {list(found or ())}")
        raise DataError(
            f"the network of {self.folder} takes {listing(self.encoding.names)} beside the image: expected `columns` "
            f"{list(expected or ())}, got {'none' if found is None else list(found)}; `encoding.encode` makes them"
        )

    def _autocast(self) -> torch.autocast:
        """The recipe's number format; float32 instead of fp16 on a CPU."""
        number = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(self.recipe.training.precision)
        possible = number is not None and (number == torch.bfloat16 or self.device.type != "cpu")
        return torch.autocast(self.device.type, number, enabled=possible)

    # --- the run's own data ------------------------------------------------------------------------------------------

    @cached_property
    def prepared(self) -> Prepared:
        """The run's data read again, and split as they were. Raises DataError where they are gone or have changed."""
        if self._prepared is not None:
            return self._prepared
        try:
            with working_directory(self.directory):
                table = self.recipe.data.read()
        except ImbalkitError as error:
            raise DataError(
                f"the data of {self.folder} cannot be read again (new images can be classified without them; relative "
                f"paths start at {self.directory}, or at the current folder if that is gone): {error}"
            ) from error
        if table.classes != self.classes:
            raise DataError(
                f"the data of {self.folder} have changed since the run: their classes were {listing(self.classes)}, "
                f"now they are {listing(table.classes)}"
            )
        inputs = () if self.encoding is None else [name for name in self.encoding.names if name in table.frame]
        refuse_changed_data(self.folder, record_of(table, inputs=inputs))
        split = self._split(table)
        refuse_changed_data(self.folder, record_of(table, split))
        counts = Counts.exact(table.classes, table.counts(split.train))
        class_counts = count_stages(self.recipe, counts, Document({}))
        return Prepared(self.name, self.recipe, self.catalogue, table, split, class_counts)

    def _split(self, table: Table) -> Split:
        return split_table(table, self.recipe.split)

    @property
    def columns(self) -> np.ndarray | None:
        """What the network takes beside each image of the run's data, float32 [samples, W]; None for nothing.

        Raises DataError as `prepared`.
        """
        if self.encoding is None:
            return None
        return encode_frame(self.encoding, self.prepared.table.frame)

    def images(self, progress: Callable[[int, int], None] | None = None) -> ImageStore:
        """The images of the run's data, by sample index, from the cache where they are there.

        Raises DataError where data or files are gone or have changed.
        """
        settings, table = self.recipe.images, self.prepared.table
        with working_directory(self.directory):
            store = open_store(
                table.frame["path"].tolist() if "path" in table.frame else None,
                table.arrays,
                self.rule,
                Path(settings.cache).expanduser() if settings.cache else None,
                progress,
                settings.on_bad_image,
                keep=settings.keep,
            )
        refuse_changed_data(self.folder, record_of(table, content=store.content))
        return store


@contextmanager
def working_directory(path: Path) -> Iterator[None]:
    """Let relative paths start at `path` for a while (in the whole process); no change if that folder is gone."""
    before = Path.cwd()
    if path.is_dir():
        os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)
