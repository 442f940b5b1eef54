"""How the model was assessed, and what limits that, as reporting guidelines ask for it."""

from __future__ import annotations

from functools import partial
from typing import Any

from markupsafe import Markup

from imbalkit.report.cautions import cautions
from imbalkit.report.context import Report
from imbalkit.report.statements import Statement, statement

TEMPLATE = "statements.html"


def values(report: Report) -> dict[str, Any]:
    """Statements on the assessment."""
    return {"intro": "What the metrics above can and cannot show.", "statements": statements(report)}


def statements(report: Report) -> list[Statement]:
    """What is asked, with its answers."""
    ask = partial(statement, report)
    clear = "Technical assessment"
    known = [Markup("<strong>{}.</strong> {}").format(caution.head, caution.text) for caution in cautions(report)]
    return [
        ask(
            "Performance",
            Markup('See <a href="#metrics">All test metrics</a>.'),
            clear=clear,
            tripod="23a",
            card="Quantitative analyses",
        ),
        ask("External validation", field="external_test", clear="Data", tripod="16, 27c", card="Evaluation data"),
        ask("Comparison with people or other models", field="comparison", clear=clear, tripod="25"),
        ask("Known biases", field="known_biases", clear=clear, tripod="3c, 14, 26", card="Ethical considerations"),
        ask("Warnings of this run", *known, clear=clear, tripod="26", card="Caveats and recommendations"),
        ask("Other limitations", field="limitations", tripod="26", card="Caveats and recommendations"),
        ask(
            f"Out-of-distribution {'images' if report.run.has_images else 'rows'}",
            "Not tested: the model gives a prediction for any image, also of something else. A probability does not "
            "say whether the image is of a kind that it knows."
            if report.run.has_images
            else "Not tested: the model gives a prediction for any row. A probability does not say whether the row is of a kind "
            "that it knows; a number further than ten standard deviations from the training rows' mean counts as that far.",
            clear="Data",
            tripod="27a",
        ),
    ]
