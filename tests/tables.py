"""A table without images, small and learnable, with what tables in the world have: gaps, words, an id, a constant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

RECIPE: dict[str, Any] = {
    "positive": "ill",
    "backbone": {"name": "mlp", "hidden": [16]},
    "training": {"epochs": 2, "batch_size": 64, "optimizer": {"lr": 0.01}, "accelerator": "cpu"},
    "evaluation": {"resamples": 100},
}


def patients(rows: int = 300, seed: int = 0) -> pd.DataFrame:
    """Two visits of each patient: age and site tell, noise does not; a tenth of the ages and sites is missing."""
    rng = np.random.default_rng(seed)
    age, noise, site = rng.normal(60, 12, rows), rng.normal(size=rows), rng.choice(["Arm", "leg", "back"], rows)
    odds = (age - 60) / 12 * 1.5 + 1.5 * (site == "leg") - 2.5
    frame = pd.DataFrame({"age": age.round(1), "noise": noise, "site": site})
    frame["unit"], frame["record"] = "mm", np.arange(rows)
    frame.loc[rng.random(rows) < 0.1, "age"] = np.nan
    frame.loc[rng.random(rows) < 0.1, "site"] = None
    frame["patient"] = [f"P{row // 2}" for row in range(rows)]
    frame["outcome"] = np.where(rng.random(rows) < 1 / (1 + np.exp(-odds)), "ill", "well")
    return frame


def write_patients(folder: Path, rows: int = 300, file: str = "patients.csv") -> dict[str, Any]:
    """The table as a file, and the recipe's `data` that reads it."""
    frame, path = patients(rows), folder / file
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)
    return {"name": "features", "file": str(path), "label_column": "outcome", "group_column": "patient"}
