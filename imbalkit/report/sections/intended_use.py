"""What the model is for, as reporting guidelines ask for it."""

from __future__ import annotations

from functools import partial
from typing import Any

from imbalkit.report.context import Report
from imbalkit.report.statements import Statement, statement

TEMPLATE = "statements.html"


def values(report: Report) -> dict[str, Any]:
    """Statements on use."""
    return {
        "intro": "imbalkit cannot know these: the recipe's card states them. A model without a stated use is for research only.",
        "statements": statements(report),
    }


def statements(report: Report) -> list[Statement]:
    """What is asked, with its answers."""
    ask = partial(statement, report)
    clear = "Application"
    return [
        ask("Intended use", field="intended_use", clear=clear, tripod="3a, 3b, 4", card="Intended use"),
        ask("Out of scope", field="not_for", clear=clear, card="Intended use"),
        ask("Users", field="users", clear=clear, tripod="3b, 27b", card="Intended use"),
        ask("Place in the workflow", field="workflow", clear=clear, tripod="3b, 27b"),
        ask("Impact on those concerned", field="impact", clear=clear, card="Ethical considerations"),
        ask("Monitoring and updating", field="updating", tripod="24"),
        ask(
            "Availability of data, code and model",
            field="availability",
            clear="Technical assessment",
            tripod="18e, 18f",
            card="Model details",
        ),
        ask("Patient and public involvement", field="involvement", tripod="19"),
        ask("Authors", field="authors", card="Model details"),
        ask("Funding", field="funding", tripod="18a"),
        ask("Conflicts of interest", field="interests", tripod="18b"),
        ask("Contact", field="contact", card="Model details"),
        ask("Citation", field="citation", card="Model details"),
    ]
