"""Made-up pictures of people with age, sex and site beside them: what tests of columns as inputs train on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

RECIPE = {
    "positive": "ill",
    "images": {"size": 16},
    "inputs": {"columns": ["age", "sex", "site"], "width": 8},
    "backbone": {"name": "small_cnn", "width": 4},
    "training": {"epochs": 2, "batch_size": 32, "threads": 1, "accelerator": "cpu"},
    "evaluation": {"resamples": 0},
}


def write_people(folder: Path, rows: int = 160, seed: int = 0) -> dict:
    """A table with pictures in a folder, and the `data` of a recipe that reads it. Nothing of a picture tells its label.

    Older people are ill more often; a few ages and sites are missing; `site` "toe" is too rare to be a category; `chart` is
    the label in other words, `number` counts the rows, `clinic` is the same in all.
    """
    from PIL import Image

    random = np.random.default_rng(seed)
    age = random.integers(20, 90, rows).astype(float)
    ill = random.random(rows) < 1 / (1 + np.exp(-(age - 70) / 8))
    table = pd.DataFrame(
        {
            "path": [f"{row:03}.png" for row in range(rows)],
            "state": np.where(ill, "ill", "well"),
            "age": np.where(np.arange(rows) % 13 == 5, np.nan, age),
            "sex": random.choice(["male", "female"], rows),
            "site": random.choice(["arm", "leg", "back"], rows),
            "chart": np.where(ill, "positive", "negative"),
            "number": np.arange(rows),
            "clinic": "north",
        }
    )
    table.loc[::17, "site"] = None
    table.loc[3::80, "site"] = "toe"
    folder.mkdir(exist_ok=True)
    for name in table["path"]:
        Image.fromarray(random.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(folder / name)
    table.to_csv(folder / "people.csv", index=False)
    return {"name": "table", "file": str(folder / "people.csv"), "label_column": "state"}
