"""Tables on disk."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from imbalkit_lite.files import write_atomic


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """A table as Parquet, whole or not at all; the same table gives the same bytes."""
    write_atomic(path, lambda temporary: frame.to_parquet(temporary, index=False, compression="zstd"))
