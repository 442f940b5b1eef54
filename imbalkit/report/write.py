"""Writing report.html."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbalkit.errors import ImbalkitError, PluginError
from imbalkit.kinds import PreparedRun
from imbalkit.runs import folder as run_folder
from imbalkit_lite.files import write_text
from imbalkit_lite.text import printable_lines

if TYPE_CHECKING:
    from imbalkit.data.image_store import ImageStore
    from imbalkit.recipe.prepared import Prepared
    from imbalkit.report.context import Report
    from imbalkit.report.page import Section
    from imbalkit.training.classifier import Classifier
    from imbalkit.training.ensemble import Ensemble

PLUGINS = "From plugins"  # group of the table of contents


def write_report(
    folder: Path,
    prepared: Prepared | None,
    metrics: Mapping[str, Any] | None = None,
    images: ImageStore | None = None,
    model: Classifier | Ensemble | None = None,
    out: Path | None = None,
    why: str = "",
) -> Path:
    """Write the report of a run, with a section from each plugin that has one.

    What is unavailable (data, images, network) is missing from the report, which says why.

    Args:
        folder: the run folder, with everything but metrics.json
        prepared: the run's recipe and data, None if they are unavailable
        metrics: what metrics.json holds or will hold (default: that file)
        images: the run's pictures by table index (default: those that are needed are read)
        model: the trained network, or ensemble
        out: where to write (default: report.html in the folder)
        why: why something is missing, in a sentence

    Returns:
        where it was written

    Raises:
        RunError: the folder holds no finished run
        WriteError: the file cannot be written
    """
    from imbalkit.report import page
    from imbalkit.report.context import gather

    report = gather(folder, prepared, metrics, images, model, why)
    sections = [*page.built_in(report), *_of_plugins(report)]
    text = printable_lines(page.render(report, sections))
    out = folder / run_folder.REPORT if out is None else out
    write_text(out, text)
    return out


def _of_plugins(report: Report) -> list[Section]:
    from imbalkit.report import page

    prepared, run = report.prepared, report.run
    if prepared is None:
        return []
    given: PreparedRun = prepared
    arguments = {"folder": run.folder, "metrics": deepcopy(run.metrics), "prepared": given}
    found = []
    for provider, call in prepared.catalogue.calls("report_sections", arguments):
        who = f"report_sections of plugin {provider.plugin!r} ({provider})"
        try:
            added = call()
            if not isinstance(added, Mapping):
                raise PluginError(f"{who} must return a mapping from titles to Markdown, got {added!r}")
            found += [_section(title, text, run.folder) for title, text in sorted(added.items())]
        except Exception as error:  # a finished training is not lost for a plugin
            wrong = (
                error
                if isinstance(error, ImbalkitError)
                else PluginError(f"{who} failed: {type(error).__name__}: {error}")
            )
            found.append(page.failed(f"plugin-{provider.plugin}", provider.plugin, wrong, PLUGINS))
    return found


def _section(title: str, text: str, folder: Path) -> Section:
    from imbalkit.report import page
    from imbalkit.report.markdown import to_html

    key = "plugin-" + re.sub(r"\W+", "-", title.lower()).strip("-")
    return page.Section(key, title, to_html(text, folder), PLUGINS)
