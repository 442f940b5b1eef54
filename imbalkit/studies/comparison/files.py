"""A comparison as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imbalkit.base.files import write_csv
from imbalkit.errors import RunError
from imbalkit.studies.comparison.text import to_markdown
from imbalkit_lite.files import write_text

if TYPE_CHECKING:
    from imbalkit.studies.comparison.result import ComparisonResult


def write(found: ComparisonResult, out: Path) -> list[Path]:
    """comparison.md, metrics.csv, tests.csv and, with both rates, rates.png, .svg and .csv; returns their paths.

    Raises WriteError for a folder that cannot be written.
    """
    from imbalkit.plots.save import save
    from imbalkit.studies.comparison import scatter

    page = to_markdown(found)
    tables = {"metrics.csv": found.metrics, "tests.csv": found.tests}
    write_text(out / "comparison.md", page)
    for name, frame in tables.items():
        write_csv(out / name, frame, float_format="%.10g")
    paths = [out / name for name in ("comparison.md", *tables)]
    try:
        rates = scatter.data(found)
    except RunError:
        return paths
    return [*paths, *save(scatter.draw(found, rates), rates, out, "rates")]
