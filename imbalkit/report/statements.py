"""Questions of reporting guidelines with what the run, or its recipe's `card`, answers.

References: CLEAR Derm (Daneshjou et al. 2022), TRIPOD+AI (Collins et al. 2024; item numbers), model cards (Mitchell et al. 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from imbalkit.report.context import Report

CLEAR, TRIPOD, CARD = "CLEAR Derm", "TRIPOD+AI", "Model card"


@dataclass(frozen=True)
class Statement:
    """A question, its answers (none: not stated), and where it is asked."""

    question: str
    answers: tuple[str | Markup, ...]
    references: str
    field: str = ""  # of the recipe's card, that could answer it


def statement(
    report: Report,
    question: str,
    *answers: str | Markup | None,
    field: str = "",
    clear: str = "",
    tripod: str = "",
    card: str = "",
) -> Statement:
    """A statement: what the card's `field` says, then the answers from the run that are not empty."""
    stated = (report.run.recipe.get("card") or {}).get(field) if field else None
    asked = [f"{name}: {where}" for name, where in ((CLEAR, clear), (TRIPOD, tripod), (CARD, card)) if where]
    return Statement(question, tuple(answer for answer in (stated, *answers) if answer), " · ".join(asked), field)


def unstated(statements: Sequence[Statement]) -> list[str]:
    """Fields of the card that would answer what is not stated."""
    return [entry.field for entry in statements if not entry.answers and entry.field]
