"""The images of a finished run, of which only those that are shown are decoded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imbalkit.data.image_store import ImageStore
from imbalkit.errors import DataError
from imbalkit.runs.data_record import difference

if TYPE_CHECKING:
    import pandas as pd

    from imbalkit.data.table import Table
    from imbalkit_lite.images import ImageRule


class LazyImageStore(ImageStore):
    """Images by table index; each is decoded when it is first taken, through the cache."""

    def __init__(
        self,
        table: Table,
        rule: ImageRule,
        cache: str | None = None,
        directory: Path | None = None,
        record: pd.DataFrame | None = None,
    ):
        """
        Args:
            table: the samples
            rule: size and resize rule
            cache: folder of the cache
            directory: where relative paths start, as far as it is still there (default: here)
            record: what the run's data were (`imbalkit.runs.data_record`): images that differ from it are refused
        """
        self._table, self._rule, self._cache, self._directory = table, rule, cache, directory
        self._record = record if record is not None and len(record) == len(table) else None
        arrays = table.arrays
        self.shape = (*rule.size, 3 if arrays is None else 1 if arrays.ndim == 3 else arrays.shape[3])
        self.dtype = np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self._table)

    def take(self, indices: Any) -> np.ndarray:
        """As ImageStore.take. Raises DataError for files that are gone, unreadable or changed."""
        from imbalkit.data.keeping import open_store
        from imbalkit.runs.restored import working_directory

        needed, place = np.unique(np.asarray(indices, dtype=np.int64), return_inverse=True)
        frame, arrays = self._table.frame, self._table.arrays
        with working_directory(self._directory or Path(os.curdir)):
            store = open_store(
                frame["path"].iloc[needed].tolist() if "path" in frame else None,
                arrays[needed] if arrays is not None else None,
                self._rule,
                Path(self._cache).expanduser() if self._cache else None,
            )
        if self._record is not None and store.content is not None and "content" in self._record:
            then = self._record.iloc[needed]
            changed = difference(then, then.assign(content=store.content))
            if changed:
                raise DataError(f"the data have changed since the run: {changed}")
        return store.take(place)
