"""What a finished run's files say, ready for sections and charts; free of torch."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from imbalkit.data.same_file import only_files
from imbalkit.errors import RunError
from imbalkit.runs import folder as run_folder
from imbalkit_lite.text import printable


@dataclass(frozen=True)
class Side:
    """The rows of one side of the split, as they were predicted.

    Attributes:
        labels, decisions: class codes, int64 [n]; decisions are forced, also where the model abstains
        probabilities: float64 [n, C], what decisions are made from
        at_data_prior: the same before a move to a stated prevalence, float64 [n, C]: what can be compared with the rows
        groups: codes, int64 [n]; a row without a group is one of its own; None without groups
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
        return self.groups is not None and not only_files(self.frame)


@dataclass(frozen=True)
class RunData:
    """A finished run as its folder tells it.

    Attributes:
        folder: the run folder
        facts: run.json
        metrics: metrics.json
        recipe: the resolved recipe, as plain data
        log: log.jsonl, one entry an epoch
        predictions: predictions.parquet
    """

    folder: Path
    facts: Mapping[str, Any]
    metrics: Mapping[str, Any]
    recipe: Mapping[str, Any]
    log: list[dict[str, Any]]
    predictions: pd.DataFrame

    @classmethod
    def load(cls, folder: str | Path, metrics: Mapping[str, Any] | None = None) -> RunData:
        """Read a run folder; `metrics` stands in for metrics.json where that is not written yet.

        Raises RunError for a folder that holds no finished run, and for files that cannot be read.
        """
        folder = Path(folder)
        facts = run_folder.read_json(folder / run_folder.FACTS)
        if not facts:
            raise RunError(
                f"{folder} is not a run folder: expected {run_folder.FACTS} in it, as `imbalkit run` leaves it"
            )
        metrics = run_folder.read_json(folder / run_folder.METRICS) if metrics is None else metrics
        if "folds" in metrics:
            raise RunError(f"{folder} holds {metrics['folds']} folds: name one, such as {folder / 'fold-0'}")
        if "decision" not in metrics:
            raise RunError(
                f"the run in {folder} has not come to its end (there is no whole {run_folder.METRICS}): go on with "
                f"`imbalkit run {folder / run_folder.RECIPE} --folder {folder} --resume`"
            )
        try:
            recipe = yaml.safe_load((folder / run_folder.RECIPE).read_text(encoding="utf-8"))
            predictions = pd.read_parquet(folder / run_folder.PREDICTIONS)
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise RunError(f"{folder} lacks a file of a finished run, or it cannot be read: {error}") from error
        return cls(folder, facts, metrics, recipe, run_folder.read_log(folder), predictions)

    @property
    def name(self) -> str:
        return str(self.facts.get("name", self.folder.name))

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.facts["classes"])

    @property
    def names(self) -> tuple[str, ...]:
        """The classes as a chart can write them: what is no visible character is an escape, long names take several lines."""
        lines = (textwrap.wrap(printable(name), 22, max_lines=4, placeholder=" …") for name in self.classes)
        return tuple(map("\n".join, lines))

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
        """A row is called positive at this probability or more; None where the most probable class is called."""
        return self.metrics["decision"].get("threshold")

    @property
    def smallest_first(self) -> list[int]:
        """Class codes, those with the fewest training rows (before samplers) first."""
        counts = self.metrics["ladder"][0]["counts"]
        return sorted(range(len(self.classes)), key=lambda code: counts[code])

    def side(self, name: str = "test") -> Side:
        """The rows of "test" or "validation"."""
        return self._sides[name]

    @cached_property
    def _sides(self) -> dict[str, Side]:
        return {name: self._read(name) for name in ("test", "validation")}

    def _read(self, name: str) -> Side:
        frame = self.predictions[self.predictions["split"] == name].reset_index(drop=True)
        codes = {value: code for code, value in enumerate(self.classes)}
        groups = None
        if "group" in frame and not frame["group"].isna().all():
            groups, names = pd.factorize(frame["group"])
            groups[groups < 0] = len(names) + np.arange(int((groups < 0).sum()))
        abstained = frame["abstained"].to_numpy(bool) if "abstained" in frame else np.zeros(len(frame), dtype=bool)
        probabilities = frame[[f"probability_{name}" for name in self.classes]].to_numpy(np.float64)
        return Side(
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
