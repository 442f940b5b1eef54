"""The page: its sections in order, each from a module in sections/ and a template of the same name."""

from __future__ import annotations

import base64
import hashlib
import importlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from imbalkit.base.text import count, decimal, percent, plural, sentence_list
from imbalkit.errors import ImbalkitError
from imbalkit.report.context import Report, explain
from imbalkit.report.metric_values import metric_meaning, metric_name

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
# group of the table of contents -> (module and template, title)
ORDER: dict[str, tuple[tuple[str, str], ...]] = {
    "Results": (
        ("summary", "Summary"),
        ("threshold", "Thresholds"),
        ("ensemble", "Members of the ensemble"),
        ("metrics", "All test metrics"),
        ("curves", "ROC and precision-recall"),
        ("probabilities", "Probabilities and calibration"),
        ("views", "Averaged views"),
        ("net_benefit", "Net benefit and costs"),
        ("abstention", "Abstention"),
        ("subgroups", "Subgroups"),
        ("errors", "Worst errors"),
    ),
    "Training": (
        ("rows", "Training rows"),
        ("copies", "Copies"),
        ("dropped", "Dropped rows"),
        ("learning", "Learning curves"),
    ),
    "Documentation": (
        ("data", "Data"),
        ("method", "Method"),
        ("limitations", "Evaluation and limitations"),
        ("intended_use", "Intended use"),
        ("reproducibility", "Reproducibility"),
    ),
}
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        key: its id
        title: its heading
        html: what is below the heading
        group: where it is in the table of contents
    """

    key: str
    title: str
    html: Markup
    group: str = ""


def built_in(report: Report) -> list[Section]:
    """Every section that applies to this run; one that fails says why, as a finished run is worth its report."""
    found = []
    for group, entries in ORDER.items():
        for key, title in entries:
            try:
                module = importlib.import_module(f"imbalkit.report.sections.{key}")
                values = module.values(report)
                if values is None:
                    continue
                template = environment().get_template(getattr(module, "TEMPLATE", f"{key}.html"))
                html = template.render(report=report, run=report.run, **values)
            except Exception as error:
                if not isinstance(error, ImbalkitError):
                    logger.warning("the section %r of the report could not be made", key, exc_info=True)
                found.append(failed(key, title, error, group))
                continue
            found.append(Section(key, title, Markup(html), group))
    return found


def failed(key: str, title: str, error: Exception, group: str) -> Section:
    """A section that says why it has nothing to show."""
    html = environment().from_string('<p class="missing">This section could not be made: {{ why }}</p>')
    return Section(key, title, Markup(html.render(why=explain(error))), group)


def render(report: Report, sections: Sequence[Section]) -> str:
    """The whole page of a run as HTML."""
    run, facts = report.run, report.run.facts
    few = len(report.classes) <= 6
    classes = sentence_list(report.classes) if few else plural(len(report.classes), "class", "classes")
    meta = f"{classes}\n· trained {facts.get('started', '')[:10]} · seed {facts.get('seed')} · recipe {facts.get('recipe_hash')}"
    return render_page(run.name, run.recipe.get("description") or "", meta, facts["versions"]["imbalkit"], sections)


def render_page(name: str, description: str, meta: str, version: str, sections: Sequence[Section]) -> str:
    """A whole page as HTML.

    Args:
        name: its heading
        description: below it; "" for none
        meta: a line of facts
        version: of imbalkit
        sections: in order; their groups make the table of contents
    """
    groups: dict[str, list[Section]] = {}
    for section in sections:
        groups.setdefault(section.group, []).append(section)
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        environment()
        .get_template("page.html")
        .render(
            name=name,
            description=description,
            meta=meta,
            version=version,
            sections=sections,
            groups=groups,
            style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
            script=Markup(script),
            script_hash=digest,
        )
    )


def _ticks(text: str) -> Markup:
    """Text with what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


@cache
def environment() -> Environment:
    """Jinja, with the helpers that templates use; what is not Markup is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=False,
    )
    helpers: dict[str, Any] = {
        function.__name__: function
        for function in (percent, count, decimal, plural, sentence_list, metric_name, metric_meaning)
    }
    made.filters["ticks"] = _ticks
    made.globals.update(helpers)
    return made
