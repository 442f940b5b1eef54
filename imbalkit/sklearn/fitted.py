"""The network of a run without its folder: the files that restore it, kept in memory, so that an estimator can be pickled."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imbalkit.runs import folder as run_folder

if TYPE_CHECKING:
    from imbalkit.runs.restored import Restored
    from imbalkit.sklearn.samples import Samples

_ROWS_AT_ONCE = 8192  # of columns, which are small: batches of the recipe's size take several times as long
_FILES = (run_folder.RECIPE, run_folder.FACTS, run_folder.METRICS, run_folder.COLUMNS, run_folder.WEIGHTS)


class FittedNetwork:
    """A finished run's network and decision; pickles as the run's files."""

    def __init__(self, folder: Path):
        self.files = {name: (folder / name).read_bytes() for name in _FILES if (folder / name).exists()}
        self._restored: Restored | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"files": self.files, "_restored": None}

    @property
    def restored(self) -> Restored:
        """The network at work, built at first use."""
        if self._restored is None:
            from imbalkit.runs.restore import restore

            with tempfile.TemporaryDirectory(prefix="imbalkit-") as place:
                for name, content in self.files.items():
                    (Path(place) / name).write_bytes(content)
                self._restored = restore(place)
        return self._restored

    def logits(self, samples: Samples) -> np.ndarray:
        """Logits of samples in their order, before calibration, float32 [n, C].

        Warns of words that are no category of the model. Raises DataError for images that do not fit.
        """
        from imbalkit.data.column_inputs import encode_frame
        from imbalkit.data.features import empty_images
        from imbalkit.data.pixels import as_uint8
        from imbalkit.sklearn.samples import ARRAYS, COLUMNS
        from imbalkit_lite.columns import Unknown, unknown_notes

        if samples.form == COLUMNS:
            encoding = self.restored.encoding
            assert encoding is not None  # of a run on columns
            unknown = Unknown()
            columns = encode_frame(encoding, samples.values, unknown)
            for note in unknown_notes(unknown, encoding):
                warnings.warn(note, stacklevel=4)  # where the user calls `predict`
            return self.restored.logits(empty_images(len(samples)), columns=columns, batch_size=_ROWS_AT_ONCE)
        return self.restored.logits(as_uint8(samples.values, "X") if samples.form == ARRAYS else samples.values)
