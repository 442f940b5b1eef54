"""A comparison as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imbalkit.checkpoints import write_atomic
from imbalkit.comparison.text import to_markdown
from imbalkit.errors import RunError

if TYPE_CHECKING:
    from imbalkit.comparison.core import Comparison


def write(found: Comparison, out: Path) -> list[Path]:
    """comparison.md, figures.csv, tests.csv and, with both rates, rates.png, .svg and .csv; returns their paths.

    Raises WriteError for a folder that cannot be written.
    """
    from imbalkit.comparison import scatter
    from imbalkit.figures.make import save

    page = to_markdown(found)
    files = {"comparison.md": lambda path: path.write_text(page, encoding="utf-8")}
    for name, frame in (("figures.csv", found.figures), ("tests.csv", found.tests)):
        files[name] = lambda path, frame=frame: frame.to_csv(path, index=False, float_format="%.10g")
    for name, work in files.items():
        write_atomic(out / name, work)
    paths = [out / name for name in files]
    try:
        rates = scatter.data(found)
    except RunError:
        return paths
    return [*paths, *save(scatter.draw(rates, scatter.notes(found)), rates, out, "rates")]
