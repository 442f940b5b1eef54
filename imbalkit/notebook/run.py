"""Runs in a notebook: start one, load a finished one, look at it, draw it, and let it predict."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbalkit.base.arguments import words
from imbalkit.errors import DataError, RunError
from imbalkit.runs import folder as run_folder
from imbalkit.runs.results import RunData

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

    from imbalkit.base.progress import Progress
    from imbalkit.runs.predictor import RunPredictor
    from imbalkit.runs.restored import Restored


def run(
    recipe: str | Path | Mapping[str, Any],
    overrides: Iterable[str] = (),
    runs: str | Path = "runs",
    folder: str | Path | None = None,
    resume: bool = False,
    without: tuple[str, ...] = (),
    progress: Progress | None = None,
    rounds: str | Path | None = None,
) -> Run:
    """Run a recipe; arguments as `RunOptions`, errors as `imbalkit.engine.run.run`. The result stands for the run folder."""
    from imbalkit.base.progress import Progress
    from imbalkit.engine.options import RunOptions
    from imbalkit.engine.run import run as run_recipe

    overrides, without = words(overrides, "overrides", "training.epochs=5"), words(without, "without", "plugin-name")
    options = RunOptions(
        runs=Path(runs),
        folder=Path(folder) if folder else None,
        resume=resume,
        without=without,
        rounds=Path(rounds) if rounds else None,
        progress=progress or Progress(),
    )
    return Run(run_recipe(recipe, overrides, options))


def ensemble(
    runs: Sequence[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    device: str | None = None,
    progress: Progress | None = None,
) -> Run:
    """Make one run of finished runs; arguments and errors as `imbalkit.studies.ensembles.make_ensemble`."""
    from imbalkit.studies.ensembles import make_ensemble

    return Run(make_ensemble(words(runs, "runs", "runs/seed-0"), folder, device, progress))


@dataclass(frozen=True)
class Run(os.PathLike[str]):
    """A run by its folder, which is read at first use. `Path(run)` is the folder, `run / "plan.parquet"` a file in it.

    Attributes:
        folder: the run folder
    """

    folder: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(os.path.abspath(self.folder)))  # a notebook may go elsewhere

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Run:
        """The finished run of a folder.

        Raises:
            RunError: no run folder, or a run that is not finished
        """
        found = cls(Path(folder))
        _ = found.facts, found.metrics  # raise
        return found

    def __fspath__(self) -> str:
        return str(self.folder)

    def __str__(self) -> str:
        return str(self.folder)

    def __truediv__(self, name: str | os.PathLike[str]) -> Path:
        return self.folder / name

    # --- what is in the folder ----------------------------------------------------------------------------------------

    @cached_property
    def _data(self) -> RunData:
        return RunData(self.folder)

    @property
    def facts(self) -> dict[str, Any]:
        """run.json: name, classes, seeds, versions, command. Raises RunError if the folder is no run."""
        return self._data.facts

    @property
    def metrics(self) -> Mapping[str, Any]:
        """metrics.json: every metric, its interval, the decision. Raises RunError if the run is not finished."""
        return self._data.metrics

    @property
    def name(self) -> str:
        """The recipe's name."""
        return self._data.name

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of their codes."""
        return self._data.classes

    @property
    def positive(self) -> str | None:
        """Name of the positive class, None without one."""
        return self.facts["positive"]

    @property
    def predictions(self) -> pd.DataFrame:
        """predictions.parquet: a row for each sample of validation and test. Raises RunError if it is not there."""
        return self._data.predictions

    @property
    def folds(self) -> tuple[Run, ...]:
        """The runs of a cross-validation, one a fold; empty for a single run."""
        return tuple(Run(self.folder / f"fold-{number}") for number in range(self.metrics.get("folds", 0)))

    # --- new images ---------------------------------------------------------------------------------------------------

    def restore(self, device: str | None = None) -> Restored:
        """The network and the decision (imbalkit.runs.restore.restore). Raises RunError."""
        from imbalkit.runs.restore import restore

        return restore(self.folder, device)

    @cached_property
    def _restored(self) -> Restored:
        return self.restore()

    def predictor(
        self, threshold: float | None = None, batch_size: int | None = None, device: str | None = None
    ) -> RunPredictor:
        """The run as a predictor, for `imbalkit_lite.predicting.predict_rows`. Arguments as `predict`."""
        from imbalkit.runs.predictor import RunPredictor

        return RunPredictor.of(self._restored if device is None else self.restore(device), threshold, batch_size)

    def predict(
        self,
        images: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | np.ndarray | pd.DataFrame,
        threshold: float | None = None,
        batch_size: int | None = None,
        device: str | None = None,
        column: str = "path",
    ) -> pd.DataFrame:
        """Probabilities and decision for each image, at the run's own calibration and threshold.

        Args:
            images: files, folders, tables with a column of paths, patterns such as "new/*.jpg", or a list of these; a
                DataFrame with that column; or pixels uint8 [n, H, W] or [n, H, W, C]. For a run on rows of a table: a table, or a
                DataFrame, with the columns that it takes
            threshold: probability from which the positive class is predicted, instead of the run's
            batch_size: images at once (default: the recipe's)
            device: such as "cuda" (default: as the recipe says, or the CPU where that device is not there)
            column: the column of the paths, where a table is given

        Returns:
            a row for each image, in order; columns `path`, `decision`, `abstained`, `probability_<class>` ..., `error` (why a
            file could not be read, all else is then missing), and the other columns of tables. For pixels without `path` and
            `error`.

        Raises:
            RunError: the run cannot be restored, or has no positive class to put a threshold to
            DataError: nothing to predict, a table that cannot be read, pixels of another type
        """
        import numpy as np
        import pandas as pd

        from imbalkit.runs.predictor import predict_arrays, predict_inputs
        from imbalkit_lite.inputs import Inputs, TableOfPaths, TableOfRows, check_rows, find_inputs, find_rows
        from imbalkit_lite.tables import frame_rows

        _check_images(images)
        predictor = self.predictor(threshold, batch_size, device)
        if isinstance(images, np.ndarray):
            return predict_arrays(images, predictor)
        encoding = predictor.encoding
        if encoding is not None and not predictor.channels:
            if isinstance(images, pd.DataFrame):
                rows = check_rows(TableOfRows(*frame_rows(images)), encoding.names, "the table")
                return predict_inputs(Inputs((rows,)), predictor)
            return predict_inputs(find_rows(_names(images), encoding.names), predictor)
        if isinstance(images, pd.DataFrame):
            return predict_inputs(Inputs((TableOfPaths(*frame_rows(images), column),)), predictor)
        return predict_inputs(find_inputs(_names(images), column), predictor)

    # --- looking at it ------------------------------------------------------------------------------------------------

    @property
    def report(self) -> Path:
        """The report of the run."""
        return self.folder / run_folder.REPORT

    @property
    def figures(self) -> tuple[str, ...]:
        """Names that `figure` takes; what a run has nothing to draw for raises there."""
        from imbalkit.plots import OF_ONE_RUN

        return OF_ONE_RUN

    def figure(self, name: str) -> Figure:
        """A chart of the report (such as "roc", "learning" or "reliability"), or of `imbalkit figures`, as a matplotlib figure.

        Raises:
            RunError: no figure of that name, nothing to draw in this run, data of the gallery that are gone
        """
        from imbalkit.plots import style
        from imbalkit.plots.draw import draw_run

        return style.shown(draw_run(name, self.folder))

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    def _repr_html_(self) -> str:
        from imbalkit.notebook.html import to_html

        try:
            return to_html(self.folder, self.facts, self.metrics)
        except RunError as error:
            return f"<p><code>{escape(str(self.folder))}</code>: {escape(str(error))}</p>"


def _check_images(images: Any) -> None:
    """Raise DataError for what is neither names nor pixels, with what to do."""
    import numpy as np
    import pandas as pd

    if isinstance(images, str | os.PathLike | np.ndarray | pd.DataFrame):
        return
    what = "files, folders or tables, a DataFrame, or an array of pixels uint8 [n, H, W] or [n, H, W, C]"
    if isinstance(images, Mapping) or not isinstance(images, Iterable):
        raise DataError(f"expected {what}, got {type(images).__name__}")
    if hasattr(images, "numpy"):
        raise DataError(
            f"expected {what}, got a tensor: pass images.permute(0, 2, 3, 1).numpy() if its channels come first"
        )
    if isinstance(images, Sequence):
        odd = next((each for each in images if not isinstance(each, str | os.PathLike)), None)
        if isinstance(odd, np.ndarray):
            raise DataError(f"expected {what}, got a list of arrays: pass numpy.stack(images)")
        if odd is not None:
            raise DataError(f"expected {what}, got a list with {type(odd).__name__}")


def _names(images: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> Sequence[str | os.PathLike[str]]:
    return [images] if isinstance(images, str | os.PathLike) else images
