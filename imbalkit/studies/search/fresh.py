"""The winner and the base recipe with fresh seeds: what of the winner's gain is left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from imbalkit.functional.curves import roc_points
from imbalkit.functional.seeds import MeanDifference, mean_difference
from imbalkit.runs.results import RunData, read_table
from imbalkit.studies.search.outcome import Outcome
from imbalkit.studies.sweeps.cell import DONE
from imbalkit.studies.sweeps.results import RESULTS

REFITS = "refits"  # in the search folder: a sweep
MOST_POINTS = 400  # of a curve


@dataclass(frozen=True)
class Fresh:
    """Runs with seeds that the search did not use.

    Attributes:
        winner, base: a row a seed of sweep.parquet, by seed; `base` is `winner` where the base recipe won
        earlier: labels of earlier winners that were tested, too, before the search was extended
    """

    winner: pd.DataFrame
    base: pd.DataFrame
    earlier: tuple[str, ...]

    @property
    def is_base(self) -> bool:
        """Whether the base recipe won."""
        return self.winner is self.base

    def values(self, column: str, of: str = "winner") -> np.ndarray:
        """A metric of each seed, float64 [n]: of test, or "validation.NAME"; NaN where it is not defined."""
        frame: pd.DataFrame = getattr(self, of)
        return frame[column].to_numpy(np.float64) if column in frame else np.full(len(frame), np.nan)

    def gain(self, column: str, maximised: bool) -> MeanDifference:
        """How much better the winner is than the base recipe, seed by seed: above 0 is better."""
        differences = self.values(column) - self.values(column, "base")
        return mean_difference((differences if maximised else -differences).tolist())


def read_fresh(folder: Path, outcome: Outcome) -> Fresh | None:
    """The fresh runs of a search folder; None until all of the winner's are there."""
    file = folder / REFITS / RESULTS
    if not file.exists():
        return None
    frame = read_table(file)
    frame = frame[frame["state"] == "finished"]
    label = outcome.winner_label
    of = {name: part.sort_values("seed").reset_index(drop=True) for name, part in frame.groupby("candidate")}
    if "base" not in of or label not in of or list(of[label]["seed"]) != list(of["base"]["seed"]):
        return None
    tested = {path.name.partition("--")[0] for path in (folder / REFITS / DONE).glob("*--seed-*")}
    earlier = tuple(sorted(tested - {"base", label}))
    return Fresh(of[label], of["base"], earlier)


def rates_frame(folder: Path, fresh: Fresh) -> pd.DataFrame | None:
    """Both rates of every fresh run at every threshold on the test rows, columns as imbalkit.plots.study.search.search_rates.

    None for data without a positive class, or without test rows of both kinds.
    """
    parts = []
    frames = {"base": fresh.base} | ({} if fresh.is_base else {"winner": fresh.winner})
    for recipe, frame in frames.items():
        for cell in frame["cell"]:
            run = RunData(folder / REFITS / DONE / cell)
            rows = run.split_rows()
            positives = rows.labels == run.positive
            if run.positive is None or positives.all() or not positives.any():
                return None
            alarms, recall, _ = roc_points(positives, rows.at_data_prior[:, run.positive])
            keep = np.unique(np.linspace(0, len(alarms) - 1, MOST_POINTS).round().astype(int))
            predicted = rows.decisions == run.positive
            chosen = {"false_alarm_rate": predicted[~positives].mean(), "miss_rate": (~predicted[positives]).mean()}
            named: dict[str, Any] = {"run": cell, "recipe": "winner" if fresh.is_base else recipe}
            curve = pd.DataFrame({"false_alarm_rate": alarms[keep], "miss_rate": 1 - recall[keep]})
            parts += [curve.assign(**named, chosen=False), pd.DataFrame([chosen]).assign(**named, chosen=True)]
    return pd.concat(parts, ignore_index=True)
