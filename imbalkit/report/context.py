"""What the sections of a report are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from imbalkit.base.parameters import Part, Settings, given
from imbalkit.base.text import part_text
from imbalkit.data.image_store import ImageStore
from imbalkit.data.table import RESERVED
from imbalkit.errors import DataError, ImbalkitError
from imbalkit.report.metric_values import MetricValue, metric_values
from imbalkit.runs.data_record import known_record
from imbalkit.runs.lazy_images import LazyImageStore
from imbalkit.runs.results import AUDIT, RunData
from imbalkit_lite.text import printable

if TYPE_CHECKING:
    from imbalkit.plan import Plan
    from imbalkit.recipe.prepared import Prepared
    from imbalkit.training.classifier import Classifier
    from imbalkit.training.ensemble import Ensemble

MOST_METADATA = 3  # of a sample, under its picture
MOST_TAKEN = 10  # there, of those that the network takes


@dataclass(frozen=True)
class Report:
    """A run, and what else is available.

    Attributes:
        run: what the run folder says
        prepared: the run's data and recipe, None if they are unavailable
        model: the trained network, or ensemble, in eval mode, None if it is unavailable
        why: why data, pictures or network are missing, as the report shows it
    """

    run: RunData
    prepared: Prepared | None = None
    model: Classifier | Ensemble | None = None
    why: str = ""
    _images: ImageStore | None = field(default=None, repr=False)

    @property
    def positive(self) -> str | None:
        """Name of the positive class, as the report shows it."""
        return None if self.run.positive is None else self.classes[self.run.positive]

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Class names by code, as the report shows them: a line break, say, is an escape."""
        return tuple(map(printable, self.run.classes))

    @cached_property
    def metric_values(self) -> dict[str, MetricValue | dict[str, MetricValue]]:
        """The metrics of the test rows, as decided."""
        return metric_values(self.run.metrics)

    def metric(self, name: str, key: str | None = None) -> MetricValue | None:
        """One of them; None where it is missing or not defined."""
        found = self.metric_values.get(name)
        if isinstance(found, dict):
            found = found.get(str(key))
        return found if isinstance(found, MetricValue) and found.value is not None else None

    def part(self, name: str) -> Any:
        """A key of the recipe as plain data: what differs from the defaults, or everything where the plugins are unavailable."""
        if self.prepared is None:
            return self.run.recipe.get(name)
        value = getattr(self.prepared.recipe, name)

        def plain(item: Any) -> Any:
            if isinstance(item, Part):
                return given(item)
            return item.model_dump(mode="json", exclude_defaults=True) if isinstance(item, Settings) else item

        return [plain(item) for item in value] if isinstance(value, list) else plain(value)

    @cached_property
    def metric_settings(self) -> dict[str, str]:
        """Parameters of metrics that have some, by the metric's name: "min tpr 0.8"; empty where the plugins are unavailable."""
        if self.prepared is None:
            return {}
        from imbalkit.recipe.traverse import metrics_of

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
            raise DataError(self.why or "the data of the run are unavailable")
        from imbalkit.recipe.image_rule import image_rule

        return LazyImageStore(
            self.prepared.table,
            image_rule(self.prepared.recipe, self.prepared.table),
            self.prepared.recipe.images.cache,
            Path(self.run.facts.get("directory", ".")),
            known_record(self.run.folder),
        )

    @cached_property
    def metadata(self) -> list[str]:
        """Informative columns of the data: not names, not identifiers."""
        if self.prepared is None:
            return []
        frame = self.prepared.table.frame
        return [str(name) for name in frame if name not in RESERVED and is_informative(frame[name])]

    def caption(self, source: int) -> str:
        """Metadata of a sample, for below its picture: "age 45, sex missing, dx nv"; what the network takes stands first."""
        if self.prepared is None:
            return ""
        row, taken = (
            self.prepared.table.frame.iloc[int(source)],
            [fitted.column.name for fitted in self.run.columns[:MOST_TAKEN]],
        )
        others = [name for name in self.metadata if name not in taken and not pd.isna(row[name])]
        names = [*taken, *others[: max(0, MOST_METADATA - len(taken))]]
        cells = {name: "missing" if pd.isna(row[name]) else row[name] for name in names}
        return ", ".join(
            printable(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}")
            for name, value in cells.items()
        )

    def name_of(self, source: int) -> str:
        """The name of a sample's file without its ending, or the sample's number."""
        if self.prepared is not None and "path" in self.prepared.table.frame:
            return Path(str(self.prepared.table.frame["path"].iloc[int(source)])).stem
        return f"sample {int(source)}"

    @property
    def audit(self) -> pd.DataFrame:
        """plan.parquet. Raises RunError where it is gone."""
        return self.run.audit

    @cached_property
    def all_plan_rows(self) -> Plan:
        """Every row that ever was in the plan, in the order of `audit`, so that any of them can be rendered.

        Raises ImbalkitError where the data are gone or are not what they were.
        """
        from imbalkit.plan.audit import audited_rows
        from imbalkit.runs.replay import replay

        if self.prepared is None:
            raise DataError(self.why or "the data of the run are unavailable")
        final, _ = replay(self.prepared, self.audit[list(AUDIT)], self.run.bad_images)
        return audited_rows(self.audit, final)

    def rendered(self, rows: np.ndarray) -> np.ndarray:
        """Pictures of rows of `audit` as training saw them, float32 [n, h, w, c] in 0..1. Raises ImbalkitError."""
        from imbalkit.plan.rendering import render

        return render(self.images, self.all_plan_rows, rows).permute(0, 2, 3, 1).numpy()


def is_informative(column: pd.Series) -> bool:
    """Whether a column of metadata is worth a reader's time: several values, but no names or identifiers."""
    return 1 < column.nunique() <= max(20, 0.05 * len(column))


def gather(
    folder: Path,
    prepared: Prepared | None,
    metrics: Mapping[str, Any] | None,
    images: ImageStore | None = None,
    model: Classifier | Ensemble | None = None,
    why: str = "",
) -> Report:
    """A report's context. Raises RunError for a folder that holds no finished run."""
    return Report(RunData.load(folder, metrics), prepared, model, why, images)


def explain(error: Exception) -> str:
    """An error as the report shows it."""
    return str(error) if isinstance(error, ImbalkitError) else f"{type(error).__name__}: {error}"
