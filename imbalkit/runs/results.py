"""The one reader of run folders: what a run's files hold, each read and checked when it is first used; free of torch."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imbalkit.errors import CardError, RunError
from imbalkit.runs import folder as run_folder
from imbalkit_lite.columns import ColumnEncoding
from imbalkit_lite.text import printable

if TYPE_CHECKING:
    import pandas as pd

    from imbalkit.data.column_inputs import FittedColumn

AUDIT = ("key", "kept", "dropped_by")  # columns of plan.parquet that a replay needs


@dataclass(frozen=True)
class SplitRows:
    """The rows of validation or test, as they were predicted.

    Attributes:
        labels, decisions: class codes, int64 [n]; decisions are forced, also where the model abstains
        probabilities: float64 [n, C], what decisions are made from
        at_data_prior: the same before a move to a stated prevalence, float64 [n, C]: what can be compared with the rows
        groups: codes, int64 [n]; a row without a group is a group by itself; None without groups
        abstained: bool [n]
        frame: the rows of predictions.parquet
    """

    labels: np.ndarray
    decisions: np.ndarray
    probabilities: np.ndarray
    at_data_prior: np.ndarray
    groups: np.ndarray | None
    abstained: np.ndarray
    frame: pd.DataFrame

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def grouped(self) -> bool:
        """Whether some group has several rows, so that rows are not independent."""
        return self.groups is not None and len(np.unique(self.groups)) < len(self.groups)

    @property
    def names_groups(self) -> bool:
        """Whether the data name groups, such as patients, and not only rows of one image file."""
        from imbalkit.data.same_file import only_files

        return self.groups is not None and not only_files(self.frame)


class RunData:
    """The files of a run folder. Each is read at its first use; one that is missing or damaged is a RunError there."""

    def __init__(
        self,
        folder: str | Path,
        metrics: Mapping[str, Any] | None = None,
        predictions: pd.DataFrame | None = None,
    ):
        """`metrics` and `predictions` stand in for the files, where these are not written yet or are to be seen otherwise."""
        self.folder = Path(folder)
        self._metrics, self._predictions = metrics, predictions

    @classmethod
    def load(cls, folder: str | Path, metrics: Mapping[str, Any] | None = None) -> RunData:
        """A finished run of one model, its files read: what is wrong with it shows here.

        Raises RunError for a folder that holds no finished run, or several folds, and for files that cannot be read.
        """
        run = cls(folder, metrics)
        run.check_single()
        _ = run.recipe, run.predictions
        return run

    @property
    def out_of_fold(self) -> bool:
        """Whether it is an ensemble whose decision is fitted on rows that some of its members were trained on, by the others."""
        return (self.metrics.get("ensemble") or {}).get("decided_on") == "out_of_fold"

    def check_single(self) -> None:
        """Raise RunError for a folder that holds no finished run, or the folds of a cross-validation."""
        _ = self.facts
        if folds := self.metrics.get("folds"):
            raise RunError(
                f"{self.folder} holds {folds} folds, each with a model of its own: name one, such as {self.folder / 'fold-0'}, "
                f"or make one run of them with `imbalkit ensemble {self.folder} --folder DIR`"
            )

    def check_network(self) -> None:
        """Raise RunError for a folder that holds no finished run of one network with its weights."""
        self.check_single()
        if baseline := self.facts.get("baseline"):
            raise RunError(
                f"{self.folder} holds a baseline ({baseline['method']}), which leaves predictions and metrics and no model: "
                "predict with the run of a network, or fit the baseline's model anew with scikit-learn"
            )
        weights = self.folder / run_folder.WEIGHTS
        if not weights.is_file():
            raise RunError(f"{weights} is not there: expected the weights of the run")

    @property
    def members(self) -> tuple[Path, ...]:
        """Folders of the runs that an ensemble, or a cross-validation, is made of; empty for a run of one network."""
        names = self.facts.get("members") or [f"fold-{number}" for number in range(self.metrics.get("folds", 0))]
        return tuple(self.folder / name for name in names)

    # --- files --------------------------------------------------------------------------------------------------------

    @cached_property
    def facts(self) -> dict[str, Any]:
        """run.json: name, classes, seeds, versions, command."""
        if not self.folder.is_dir():
            raise RunError(f"expected a run folder, there is none at {self.folder.absolute()}")
        if not (self.folder / run_folder.FACTS).exists():
            raise RunError(
                f"{self.folder.absolute()} is not a run folder: expected {run_folder.RECIPE} and {run_folder.FACTS} in it, as "
                "`imbalkit run` leaves them"
            )
        return _read_mapping(self.folder / run_folder.FACTS, ("classes",))

    @cached_property
    def metrics(self) -> Mapping[str, Any]:
        """metrics.json: every metric, its interval, the decision; of a cross-validation, `folds` and their summary."""
        if self._metrics is not None:
            return self._metrics
        path = self.folder / run_folder.METRICS
        if not path.exists():
            _ = self.facts  # raises where there is no run
            raise RunError(
                f"the run in {self.folder} is not finished (there is no {path.name}): go on with "
                f"`imbalkit run {self.folder / run_folder.RECIPE} --folder {self.folder} --resume`"
            )
        return _with_present_names(_read_mapping(path, ("folds", "decision")))

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """recipe.yaml: the resolved recipe, as plain data."""
        import yaml

        path = self.folder / run_folder.RECIPE
        try:
            recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise RunError(f"{path} cannot be read: {error}") from error
        if not isinstance(recipe, dict):
            raise RunError(f"{path} cannot be read: expected the recipe of a run, got {str(recipe)[:40]!r}")
        return recipe

    @property
    def is_tested(self) -> bool:
        """Whether the run looked at its test rows: not with `evaluation.test: false`."""
        return bool((self.recipe.get("evaluation") or {}).get("test", True))

    @property
    def has_images(self) -> bool:
        """Whether its samples are images; False for rows of a table (`data: {name: features}`)."""
        return bool((self.facts.get("image_shape") or (0, 0, 3))[2])

    @cached_property
    def columns(self) -> list[FittedColumn]:
        """columns.json: what was fitted of the columns that the network takes; empty for a run whose network takes none.

        Of a cross-validation those of its folds together.
        """
        from imbalkit.data.column_inputs import FittedColumn
        from imbalkit.data.column_merge import merged

        path = self.folder / run_folder.COLUMNS
        if self.metrics.get("folds"):
            return merged([RunData(member).columns for member in self.members])
        if not path.exists() and not self.recipe.get("inputs"):
            return []
        try:
            return [FittedColumn.from_json(entry) for entry in run_folder.read_mapping(path)["columns"]]
        except (KeyError, ValueError, TypeError, AttributeError, CardError) as error:
            raise RunError(f"{path} cannot be read: {error}") from error

    @property
    def encoding(self) -> ColumnEncoding | None:
        """How the network takes columns; None for one that takes none."""
        return ColumnEncoding(tuple(fitted.column for fitted in self.columns)) if self.columns else None

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """predictions.parquet: a row for each sample of validation and test."""
        return self.read_predictions() if self._predictions is None else self._predictions

    def read_predictions(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Some columns of predictions.parquet (default: all)."""
        return read_table(self.folder / run_folder.PREDICTIONS, columns)

    @cached_property
    def audit(self) -> pd.DataFrame:
        """plan.parquet: a row for each that ever was in the plan."""
        return self.read_audit()

    def read_audit(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Some columns of plan.parquet (default: all)."""
        return read_table(self.folder / run_folder.PLAN, columns)

    @cached_property
    def log(self) -> list[dict[str, Any]]:
        """log.jsonl, one entry an epoch."""
        return run_folder.read_log(self.folder)

    # --- what they hold -----------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The recipe's name."""
        return str(self.facts.get("name", self.folder.name))

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of their codes."""
        return tuple(self.facts["classes"])

    @property
    def names(self) -> tuple[str, ...]:
        """The classes as a chart can write them: what is no visible character is an escape, long names take several lines."""
        lines = (textwrap.wrap(printable(name), 22, max_lines=4, placeholder=" …") for name in self.classes)
        return tuple(map("\n".join, lines))

    @property
    def deferred_epoch(self) -> int | None:
        """The epoch, from 1, with which a deferred loss or order begins; None without one."""
        from imbalkit.recipe.recipe import TrainingSettings, deferral_start

        deferred = self.recipe.get("deferred")
        if not deferred:
            return None
        return 1 + deferral_start(deferred.get("start"), TrainingSettings.model_validate(self.recipe["training"]))

    @property
    def positive(self) -> int | None:
        """Label code of the positive class, None without one."""
        name = self.facts.get("positive")
        return None if name is None else self.classes.index(name)

    @property
    def other(self) -> str:
        """What is not the positive class: the other of two classes, or the rest."""
        others = [name for name in self.classes if name != self.facts.get("positive")]
        return printable(others[0]) if len(others) == 1 else "other classes"

    @property
    def threshold(self) -> float | None:
        """A row is predicted positive at this probability or more; None where the most probable class is predicted."""
        return self.metrics["decision"].get("threshold")

    @property
    def smallest_first(self) -> list[int]:
        """Class codes, those with the fewest training rows (before samplers) first."""
        counts = self.metrics["class_counts"][0]["counts"]
        return sorted(range(len(self.classes)), key=lambda code: counts[code])

    @property
    def bad_images(self) -> tuple[int, ...]:
        """Samples that the run left out, as their images were unreadable."""
        return tuple(image["index"] for image in self.metrics.get("bad_images", []))

    def split_rows(self, split: str = "test") -> SplitRows:
        """The rows of "test" or "validation"."""
        return self._rows[split]

    @cached_property
    def _rows(self) -> dict[str, SplitRows]:
        return {split: self._rows_of(split) for split in ("test", "validation")}

    def _rows_of(self, split: str) -> SplitRows:
        import pandas as pd

        frame = self.predictions[self.predictions["split"] == split].reset_index(drop=True)
        codes = {value: code for code, value in enumerate(self.classes)}
        groups = None
        if "group" in frame and not frame["group"].isna().all():
            groups, names = pd.factorize(frame["group"])
            groups[groups < 0] = len(names) + np.arange(int((groups < 0).sum()))
        abstained = frame["abstained"].to_numpy(bool) if "abstained" in frame else np.zeros(len(frame), dtype=bool)
        probabilities = frame[[f"probability_{name}" for name in self.classes]].to_numpy(np.float64)
        return SplitRows(
            labels=frame["label"].map(codes).to_numpy(np.int64),
            decisions=frame["decision"].map(codes).to_numpy(np.int64),
            probabilities=probabilities,
            at_data_prior=self._at_data_prior(probabilities),
            groups=groups,
            abstained=abstained,
            frame=frame,
        )

    def _at_data_prior(self, probabilities: np.ndarray) -> np.ndarray:
        """Probabilities without the last correction, if that is a move to a stated prevalence: an offset of the logits."""
        from imbalkit.decision.corrections import PREVALENCE

        steps = self.metrics["decision"].get("corrections") or []
        if not steps or steps[-1]["stage"] != PREVALENCE:
            return probabilities
        odds = probabilities * np.exp(-np.asarray(steps[-1]["fitted"]["bias"], dtype=np.float64))
        return odds / odds.sum(axis=1, keepdims=True)


def read_table(path: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """A parquet file, or some of its columns. Raises RunError for one that is missing or damaged."""
    import pandas as pd

    try:
        return pd.read_parquet(path, columns=None if columns is None else list(columns))
    except FileNotFoundError as error:
        raise RunError(f"{path.absolute()} cannot be read: it is not there, where a finished run has it") from error
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read: {error}") from error


def _read_mapping(path: Path, keys: Sequence[str]) -> dict[str, Any]:
    """A JSON file that has one of some keys. Raises RunError."""
    found = run_folder.read_mapping(path)
    if not any(key in found for key in keys):
        raise RunError(f"{path} cannot be read: expected {' or '.join(keys)} in it, as `imbalkit run` writes them")
    return found


def _with_present_names(metrics: dict[str, Any]) -> dict[str, Any]:
    """metrics.json with the keys of today, where an earlier version wrote others."""
    if "ladder" in metrics:
        metrics["class_counts"] = metrics.pop("ladder")
    for entry in metrics.get("subgroups") or ():
        if "figures" in entry:
            entry["metrics"] = entry.pop("figures")
    return metrics
