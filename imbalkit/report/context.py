"""What the sections of a report are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from imbalkit.data.image_store import ImageStore
from imbalkit.data.table import RESERVED
from imbalkit.errors import DataError, ImbalkitError
from imbalkit.report.metric_values import MetricValue, metric_values
from imbalkit.runs.data_record import difference, known_record
from imbalkit.runs.results import AUDIT, RunData

if TYPE_CHECKING:
    from imbalkit.plan import Plan
    from imbalkit.recipe.prepared import Prepared
    from imbalkit.training.classifier import Classifier

MOST_METADATA = 3  # of a sample, under its picture


@dataclass(frozen=True)
class Report:
    """A run, and what else is at hand.

    Attributes:
        run: what the run folder says
        prepared: the run's data and recipe, None if they cannot be had
        model: the trained network in eval mode, None if it cannot be had
        why: why data, pictures or network are missing, as a reader is told
    """

    run: RunData
    prepared: Prepared | None = None
    model: Classifier | None = None
    why: str = ""
    _images: ImageStore | None = field(default=None, repr=False)

    @property
    def positive(self) -> str | None:
        """Name of the positive class."""
        return self.run.facts.get("positive")

    @cached_property
    def metric_values(self) -> dict[str, MetricValue | dict[str, MetricValue]]:
        """The metrics of the test rows, as decided."""
        return metric_values(self.run.metrics)

    def metric(self, name: str, key: str | None = None) -> MetricValue | None:
        """One of them; None where it is not there or not defined."""
        found = self.metric_values.get(name)
        if isinstance(found, dict):
            found = found.get(str(key))
        return found if isinstance(found, MetricValue) and found.value is not None else None

    def part(self, name: str) -> Any:
        """A key of the recipe as plain data: what differs from the defaults, or everything where the plugins are not at hand."""
        if self.prepared is None:
            return self.run.recipe.get(name)
        value = getattr(self.prepared.recipe, name)

        def plain(item: Any) -> Any:
            return item.model_dump(mode="json", exclude_defaults=True) if hasattr(item, "model_dump") else item

        return [plain(item) for item in value] if isinstance(value, list) else plain(value)

    @cached_property
    def metric_settings(self) -> dict[str, str]:
        """Parameters of metrics that have some, by the metric's name: "min tpr 0.8"; empty where the plugins are not at hand."""
        if self.prepared is None:
            return {}
        from imbalkit.recipe.traverse import metrics_of
        from imbalkit.report.recipe_words import part_text

        parts = metrics_of(self.prepared.recipe, self.prepared.catalogue)
        texts = {part.name: part_text(part.model_dump(mode="json")) for part in parts}
        return {name: text.partition(" (")[2].removesuffix(")") for name, text in texts.items() if " (" in text}

    def pixels(self, sources: np.ndarray) -> np.ndarray:
        """Samples by table index as the network sees them, uint8 [n, h, w, c]. Raises DataError where they are gone."""
        return self.images.take(np.asarray(sources, dtype=np.int64))

    @cached_property
    def images(self) -> ImageStore:
        """The pictures by table index. Raises DataError where the data are gone."""
        if self._images is not None:
            return self._images
        if self.prepared is None:
            raise DataError(self.why or "the data of the run are not here")
        return SomeImages(self.prepared, self.run.folder, Path(self.run.facts.get("directory", ".")))

    @cached_property
    def metadata(self) -> list[str]:
        """Columns of the data that say something of a sample in a word: not names, not identifiers."""
        if self.prepared is None:
            return []
        frame = self.prepared.table.frame
        return [name for name in frame if name not in RESERVED and says_something(frame[name])]

    def known_of(self, source: int) -> str:
        """What the data say of a sample, for its caption: "dx nv, age 45"."""
        if self.prepared is None:
            return ""
        row = self.prepared.table.frame.iloc[int(source)]
        said = [(name, row[name]) for name in self.metadata if not pd.isna(row[name])]
        return ", ".join(
            f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in said[:MOST_METADATA]
        )

    def name_of(self, source: int) -> str:
        """What a person finds a sample by: the file's name without its ending, or its number."""
        if self.prepared is not None and "path" in self.prepared.table.frame:
            return Path(str(self.prepared.table.frame["path"].iloc[int(source)])).stem
        return f"sample {int(source)}"

    @property
    def audit(self) -> pd.DataFrame:
        """plan.parquet. Raises RunError where it is gone."""
        return self.run.audit

    @cached_property
    def everything(self) -> Plan:
        """Every row that ever was in the plan, in the order of `audit`, so that any of them can be rendered.

        Raises ImbalkitError where the data are gone or are not what they were.
        """
        from imbalkit.plan.audit import audited_rows
        from imbalkit.runs.replay import replay

        if self.prepared is None:
            raise DataError(self.why or "the data of the run are not here")
        final, _ = replay(self.prepared, self.audit[list(AUDIT)], self.run.bad_images)
        return audited_rows(self.audit, final)

    def rendered(self, rows: np.ndarray) -> np.ndarray:
        """Pictures of rows of `audit` as training saw them, float32 [n, h, w, c] in 0..1. Raises ImbalkitError."""
        from imbalkit.plan.rendering import render

        return render(self.images, self.everything, rows).permute(0, 2, 3, 1).numpy()


def says_something(column: pd.Series) -> bool:
    """Whether a column of metadata is worth a reader's time: several values, but no names or identifiers."""
    return 1 < column.nunique() <= max(20, 0.05 * len(column))


class SomeImages(ImageStore):
    """Pictures of a run's data, by table index, of which only those that are asked for are decoded."""

    def __init__(self, prepared: Prepared, folder: Path, directory: Path):
        """`folder` is the run's; `directory` is where relative paths start, as far as it is still there."""
        from imbalkit.recipe.image_rule import image_rule

        self._prepared, self._directory, self._rule = prepared, directory, image_rule(prepared)
        record = known_record(folder)
        self._record = record if record is not None and len(record) == len(prepared.table) else None
        table = prepared.table
        self.shape = (
            *self._rule.size,
            3 if table.arrays is None else (1 if table.arrays.ndim == 3 else table.arrays.shape[3]),
        )
        self.dtype = np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self._prepared.table)

    def take(self, indices: Any) -> np.ndarray:
        """As ImageStore.take; through the cache. Raises DataError for files that are gone, unreadable or changed."""
        from imbalkit.data.cache import open_store
        from imbalkit.runs.restored import working_directory

        table, settings = self._prepared.table, self._prepared.recipe.images
        needed, place = np.unique(np.asarray(indices, dtype=np.int64), return_inverse=True)
        with working_directory(self._directory):
            store = open_store(
                table.frame["path"].iloc[needed].tolist() if "path" in table.frame else None,
                table.arrays[needed] if table.arrays is not None else None,
                self._rule,
                Path(settings.cache).expanduser() if settings.cache else None,
            )
        if self._record is not None and store.content is not None:
            then = self._record.iloc[needed]
            changed = difference(then, then.assign(content=store.content)) if "content" in then else ""
            if changed:
                raise DataError(f"the data have changed since the run: {changed}")
        return store.take(place)


def gather(
    folder: Path,
    prepared: Prepared | None,
    metrics: Mapping[str, Any] | None,
    images: ImageStore | None = None,
    model: Classifier | None = None,
    why: str = "",
) -> Report:
    """A report's context. Raises RunError for a folder that holds no finished run."""
    return Report(RunData.load(folder, metrics), prepared, model, why, images)


def reason(error: Exception) -> str:
    """An error as a reader of the report is told it."""
    return str(error) if isinstance(error, ImbalkitError) else f"{type(error).__name__}: {error}"
