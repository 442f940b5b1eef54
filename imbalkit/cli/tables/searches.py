"""A search before and after it ran."""

from __future__ import annotations

from pathlib import Path

from imbalkit.base.console import console
from imbalkit.catalogue import Catalogue
from imbalkit.cli.tables.frames import print_frame


def print_space(file: str, catalogue: Catalogue) -> None:
    """Check a search file and show what it looks through. Raises RecipeError."""
    import pandas as pd

    from imbalkit.studies.search.checks import check_search
    from imbalkit.studies.search.file import read_search
    from imbalkit.studies.search.words import metric_words, short, space_text
    from imbalkit.studies.sweeps.run import data_notes

    found = read_search(file, catalogue)
    checked = check_search(found, catalogue, runtime=False)
    rows = [
        {
            "parameter": node.name,
            "looked through": space_text(node),
            "base recipe": short(checked.base_picks.get(node.name, "")),
        }
        for node in found.space.nodes
    ]
    wanted = [
        f"{'highest' if up else 'lowest'} {metric_words(name)}"
        for name, up in zip(found.search.metrics, checked.maximised, strict=True)
    ]
    print_frame(pd.DataFrame(rows), f"{found.search.trials} trials for the {', '.join(wanted)}")
    for note in data_notes([checked.base]):
        console().say(f"note: {note}")


def print_search(folder: Path) -> None:
    """The fresh runs' table and where everything is."""
    from imbalkit.cli.tables.sweeps import print_sweep
    from imbalkit.studies.search.fresh import REFITS

    print_sweep(folder / REFITS)
    console().say(f"search folder {folder}: report.html, trials.csv, winner.yaml, refits/")
