"""What `loss_rank` and its control `random_drop` share: how many rows of which classes go in each round."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from imbalkit.kinds import (
    ClassName,
    Counts,
    Part,
    PlanError,
    RowCount,
    RowCounts,
    label_of,
    one_of,
    param,
    rows_text,
)

_Classes = Annotated[list[ClassName], Field(min_length=1)]
_Round = Annotated[
    RowCount | RowCounts,
    one_of("a number of rows or a mapping from classes to numbers", number=RowCount, mapping=RowCounts),
]
_Rounds = Annotated[list[_Round], Field(min_length=1)]
Amount = Annotated[
    RowCount | RowCounts | _Rounds | None,
    one_of(
        "a number of rows, a mapping from classes to numbers, or a list of either (one a round)",
        words=[None],
        number=RowCount,
        mapping=RowCounts,
        items=_Rounds,
    ),
]


class Dropping(Part):
    """Drops rows in rounds. A number means so many rows of each named class, or of all rows together."""

    classes: Annotated[
        Literal["majority", "all"] | _Classes,
        one_of("'majority', 'all' or a list of classes", words=["majority", "all"], items=_Classes),
    ] = param(
        "majority",
        help="which classes lose rows: the largest of the source rows, a list, or all (ranked together: the counts of "
        "the classes are then known after training only)",
    )
    drop: Amount = param(
        None,
        help="how many rows go in each round: a number, a mapping by class, or a list of these (one a round); either "
        "this or `keep`",
        unit="rows",
    )
    keep: Amount = param(
        None,
        help="how many rows stay after each round: a number, a mapping by class, or a list of these (one a round); "
        "either this or `drop`",
        unit="rows",
    )
    rounds: int = param(1, help="how many rounds (default: as many as a list in `drop` or `keep` has, else 1)", ge=1)

    @model_validator(mode="before")
    @classmethod
    def _rounds_of_list(cls, data: Any) -> Any:
        if isinstance(data, dict) and "rounds" not in data:
            lists = [data[name] for name in ("drop", "keep") if isinstance(data.get(name), list) and data[name]]
            if len(lists) == 1:
                return {**data, "rounds": len(lists[0])}
        return data

    @model_validator(mode="after")
    def _one_amount(self) -> Dropping:
        if (self.drop is None) == (self.keep is None):
            got = "neither" if self.drop is None else "both"
            raise PydanticCustomError("amount", "expected either `drop` or `keep`, got {got}", {"got": got})
        requested, word = self._requested()
        if isinstance(requested, list) and len(requested) != self.rounds:
            message = "`{word}` lists {items} rounds but `rounds` is {rounds}; leave `rounds` out, or make them agree"
            raise PydanticCustomError("rounds", message, {"word": word, "items": len(requested), "rounds": self.rounds})
        mappings = any(isinstance(item, dict) for item in (requested if isinstance(requested, list) else [requested]))
        if mappings and self.classes != "majority":
            message = "`{word}` names the classes itself; leave `classes` out"
            raise PydanticCustomError("classes", message, {"word": word})
        return self

    def _requested(self) -> tuple[Any, str]:
        return (self.keep, "keep") if self.drop is None else (self.drop, "drop")

    def after_round(self, counts: Counts, round: int) -> Counts:
        """Class counts after round `round` (from 0), given those before it.

        Raises:
            PlanError: more rows to drop or keep than a class has, no row left, no such round
        """
        if not 0 <= round < self.rounds:
            raise PlanError(f"{self.name}: there is no round {round}; rounds are 0 to {self.rounds - 1}")
        requested, word = self._requested()
        amount = requested[round] if isinstance(requested, list) else requested
        where = f"{self.name}, round {round + 1} of {self.rounds}"
        if self.ranks_together:
            result = _together(counts, amount, word, where)
        else:
            if isinstance(amount, dict):
                named = {label_of(name, counts.classes, self.name): count for name, count in amount.items()}
            elif self.classes == "majority":
                named = {counts.majority: amount}
            else:
                named = {label_of(name, counts.classes, self.name): amount for name in self.classes}
            result = _by_class(counts, named, word, where)
        if not any(result.high):
            raise PlanError(
                f"{where}: no row would be left to train on; {word} {'fewer' if word == 'drop' else 'more'}"
            )
        return result

    @property
    def ranks_together(self) -> bool:
        """Whether the rows of all classes are ranked together."""
        return self.classes == "all"


def _by_class(counts: Counts, named: dict[int, int], word: str, where: str) -> Counts:
    changes, dropped = {}, 0
    for label, count in named.items():
        low, high = counts.low[label], counts.high[label]
        if count > high:
            raise PlanError(
                f"{where}: class {counts.classes[label]!r} has {rows_text(low, high)}, asked to {word} {count:,}; "
                f"{word} at most {high:,}, or use fewer rounds"
            )
        changes[label] = (count, count) if word == "keep" else (max(0, low - count), high - count)
        dropped += count if word == "drop" else high - count
    total = counts.total
    # With `keep`, what is dropped is known only where the class's count is.
    known = word == "drop" or all(counts.low[label] == counts.high[label] for label in named)
    result = counts.with_rows(changes)
    return result if result.total is not None or total is None or not known else replace(result, total=total - dropped)


def _together(counts: Counts, count: int, word: str, where: str) -> Counts:
    least, most = (sum(counts.low), sum(counts.high)) if counts.total is None else (counts.total, counts.total)
    if count > most:
        raise PlanError(
            f"{where}: there are {rows_text(least, most)} in all, asked to {word} {count:,}; {word} at most {most:,}, "
            "or use fewer rounds"
        )
    if word == "keep":
        dropped, remaining = most - count, (count, count)
    else:
        dropped, remaining = count, (max(0, least - count), most - count)
    low = [max(0, low - dropped) for low in counts.low]
    # What the others cannot hold, this class must; what the others must hold, it cannot.
    high = [min(high, remaining[1] - sum(low) + low[label]) for label, high in enumerate(counts.high)]
    low = [max(lowest, remaining[0] - sum(high) + high[label]) for label, lowest in enumerate(low)]
    result = counts.with_rows(dict(enumerate(zip(low, high, strict=True))))
    return replace(result, total=remaining[0] if remaining[0] == remaining[1] else None)
