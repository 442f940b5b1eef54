"""The results of a sweep."""

from __future__ import annotations

from pathlib import Path

from imbalkit.base.console import console
from imbalkit.cli.tables.frames import print_frame


def print_sweep(folder: Path) -> None:
    """Every table of a sweep folder, without spreads (and without the counts of many classes), and where they are."""
    import pandas as pd

    for file in sorted((folder / "tables").glob("*.csv")):
        frame = pd.read_csv(file)
        columns = [str(column) for column in frame]
        sizes = [column for column in columns if column.startswith("trained_")]
        hidden = sizes if len(sizes) > 4 else []
        print_frame(frame[[column for column in columns if " sd " not in column and column not in hidden]], file.stem)
    console().say(f"sweep folder {folder}: sweep.parquet, tables/, predictions/")
