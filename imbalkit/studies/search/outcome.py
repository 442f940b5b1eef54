"""What a search found so far: its trials as rows, the winner, the front of several metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd

from imbalkit.base.files import write_csv
from imbalkit.errors import RunError
from imbalkit.studies.search.checks import Checked, metrics_of_validation
from imbalkit.studies.search.file import SearchFile
from imbalkit.studies.search.space import Picks
from imbalkit.studies.search.study import counting

if TYPE_CHECKING:
    import optuna

TRIALS = "trials.csv"
State = Literal["finished", "ended early", "failed", "at work"]


@dataclass(frozen=True)
class Row:
    """A trial.

    Attributes:
        number: 0 is the base recipe, unless it failed and was tried again
        state: how it ended
        values: of each metric, at the end; None unless finished
        picks: the values of its parameters
        epochs, budget: of the main training: how many it trained, and how many the recipe asks for
        seconds: in training epochs
        error: why it failed; ""
        curve: of the metric (of one) after each epoch
    """

    number: int
    state: State
    values: tuple[float, ...] | None
    picks: Picks
    epochs: int
    budget: int
    seconds: float
    error: str
    curve: dict[int, float]


@dataclass(frozen=True)
class Outcome:
    """The trials of a search and what follows from them."""

    rows: tuple[Row, ...]
    metrics: tuple[str, ...]
    maximised: tuple[bool, ...]
    base_picks: Picks
    known_metrics: tuple[str, ...]

    def of(self, state: State) -> list[Row]:
        """The trials that ended so."""
        return [row for row in self.rows if row.state == state]

    @property
    def count(self) -> int:
        """How many trials ended, failed ones too."""
        return sum(row.state != "at work" for row in self.rows)

    @property
    def winner(self) -> Row:
        """The finished trial with the best value (of several metrics: of the first); of equal ones the earliest.

        Raises RunError if no trial is finished.
        """
        finished = self.of("finished")
        if not finished:
            raise RunError("no trial of the search is finished")
        return min(finished, key=lambda row: self._losses(row)[0])

    @property
    def base(self) -> Row | None:
        """The trial of the base recipe, if it is finished."""
        return next((row for row in self.of("finished") if row.picks == self.base_picks), None)

    @property
    def winner_label(self) -> str:
        """What the winner is called among the runs with fresh seeds."""
        return "base" if self.winner.picks == self.base_picks else f"trial-{self.winner.number}"

    @property
    def front(self) -> list[Row]:
        """The finished trials than which no other is at least as good in every metric and better in one."""
        finished = self.of("finished")
        return [row for row in finished if not any(self._dominates(other, row) for other in finished)]

    @property
    def epochs(self) -> tuple[int, int]:
        """Epochs that were trained, and that the same trials would have had in full; without failed ones."""
        ended = [*self.of("finished"), *self.of("ended early")]
        full = (row.epochs if row.state == "finished" else row.budget for row in ended)
        return sum(row.epochs for row in ended), sum(full)

    def gain(self, value: float, base: float, metric: int = 0) -> float:
        """How much better a value is than that of the base recipe: above 0 is better, whichever way the metric goes."""
        return value - base if self.maximised[metric] else base - value

    def _losses(self, row: Row) -> tuple[float, ...]:
        values = row.values or ()
        return tuple(-value if up else value for value, up in zip(values, self.maximised, strict=True))

    def _dominates(self, other: Row, row: Row) -> bool:
        one, two = self._losses(other), self._losses(row)
        return one != two and all(a <= b for a, b in zip(one, two, strict=True))


def read_outcome(study: optuna.Study, found: SearchFile, checked: Checked) -> Outcome:
    """The outcome of a study."""
    rows = tuple(_row(trial) for trial in counting(study))
    metrics, known = tuple(found.search.metrics), tuple(metrics_of_validation(checked.base))
    return Outcome(rows, metrics, checked.maximised, checked.base_picks, known)


def write_tables(folder: Path, outcome: Outcome) -> None:
    """trials.csv: a row a trial."""
    write_csv(folder / TRIALS, trials_frame(outcome.rows, outcome.metrics))


def trials_frame(rows: Sequence[Row], metrics: Sequence[str]) -> pd.DataFrame:
    """A row a trial: number, state, metrics, epochs, budget, seconds, error, and the parameters."""
    names = list(dict.fromkeys(name for row in rows for name in row.picks))
    found = [
        {
            "trial": row.number,
            "state": row.state,
            **dict(zip(metrics, row.values or [None] * len(metrics), strict=True)),
            "epochs": row.epochs,
            "budget": row.budget,
            "seconds": row.seconds,
            "error": row.error,
            **{name: row.picks.get(name) for name in names},
        }
        for row in rows
    ]
    columns = ["trial", "state", *metrics, "epochs", "budget", "seconds", "error", *names]
    return pd.DataFrame(found, columns=columns)


def _row(trial: optuna.trial.FrozenTrial) -> Row:
    states: dict[str, State] = {"COMPLETE": "finished", "PRUNED": "ended early", "FAIL": "failed"}
    state, facts = states.get(trial.state.name, "at work"), trial.user_attrs
    return Row(
        number=trial.number,
        state=state,
        values=tuple(trial.values) if state == "finished" else None,
        picks=dict(trial.params),
        epochs=int(facts.get("epochs", 0)),
        budget=int(facts.get("budget", 0)),
        seconds=float(facts.get("seconds", 0.0)),
        error=str(facts.get("error", "")),
        curve={int(epoch): float(value) for epoch, value in trial.intermediate_values.items()},
    )
