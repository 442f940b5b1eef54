"""CPU time and peak memory of `imbalkit plan` for tables of many rows, step by step.

python -m tests.benchmarks tables [--rows 100000 1000000 10000000] [--groups] [--seed 0]

A made-up CSV: paths that look like those of ISIC, two classes (one row in fifty is of the rare one), an age, a site, and with
`--groups` patients of twelve rows on average. The files are not there (`check_files: false`). Each number of rows is a process
of its own, which tells the CPU seconds of each step and its peak resident memory; another one writes the CSV, uncounted.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def main(arguments: list[str]) -> None:
    """Print a line for each number of rows."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks tables")
    parser.add_argument("--rows", type=int, nargs="+", default=[10**5, 10**6, 10**7])
    parser.add_argument("--groups", action="store_true", help="with patients, kept whole")
    parser.add_argument("--sample", type=float, help="as data.sample")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--one", type=Path, help="measure this table in this process (what the measurement calls)")
    parser.add_argument("--write", type=Path, help="write a table (what the measurement calls)")
    options = parser.parse_args(arguments)
    if options.write:
        write(options.write, options.rows[0], options.seed)
        return
    if options.one:
        sys.stdout.write(json.dumps(one(options.one, options.groups, options.sample)))
        return
    for rows in options.rows:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "table.csv"
            again = [sys.executable, "-m", "tests.benchmarks", "tables", "--rows", str(rows)]
            subprocess.run([*again, "--seed", str(options.seed), "--write", str(file)], check=True)
            again += ["--groups"] * options.groups + (["--sample", str(options.sample)] if options.sample else [])
            done = subprocess.run([*again, "--one", str(file)], check=True, capture_output=True, text=True)
            found = json.loads(done.stdout)
            peak = found.pop("peak")
            parts = "; ".join(f"{step} {seconds:.2f} s" for step, seconds in found.items())
            per_row = 1e6 * sum(found.values()) / rows
            size = file.stat().st_size / 1e6
            sys.stdout.write(
                f"{rows:>11,} rows ({size:,.0f} MB): {parts}; {per_row:.2f} us a row; peak {peak:.2f} GB\n"
            )
            sys.stdout.flush()


def write(file: Path, rows: int, seed: int) -> None:
    """A CSV: isic_id, path, patient, target, age, site."""
    import pandas as pd

    random = np.random.default_rng(seed)
    sites = np.array(["torso", "lower extremity", "upper extremity", "head/neck", ""])
    for start in range(0, rows, 10**6):
        count = min(10**6, rows - start)
        numbers = pd.Series(np.arange(start, start + count)).astype(str).str.zfill(8)
        frame = pd.DataFrame(
            {
                "isic_id": "ISIC_" + numbers,
                "path": numbers.str.slice(0, 4) + "/ISIC_" + numbers + ".jpg",
                "patient": "IP_" + pd.Series(random.integers(0, max(rows // 12, 1), count)).astype(str),
                "target": (random.random(count) < 0.02).astype(int),
                "age": random.integers(3, 18, count) * 5,
                "site": sites[random.integers(0, 5, count)],
            }
        )
        frame.to_csv(file, mode="a", header=start == 0, index=False)


def one(file: Path, groups: bool, sample: float | None) -> dict[str, float]:
    """CPU seconds of each step, and the peak in GB."""
    from imbalkit.catalogue import default_catalogue
    from imbalkit.data.split import split_table
    from imbalkit.data.split_settings import SplitSettings
    from imbalkit.recipe.document import Document
    from imbalkit.recipe.prepare import Loaded, prepare_document

    data = {"name": "table", "file": str(file), "label_column": "target", "check_files": False}
    data |= ({"group_column": "patient"} if groups else {}) | ({"sample": sample} if sample else {})
    recipe = {"data": data, "samplers": ["random_over"]}
    catalogue = default_catalogue()
    part = catalogue.get("dataset", "table").model_validate(
        {key: value for key, value in data.items() if key != "name"}
    )
    found, began = {}, time.process_time()

    def lap(step: str) -> None:
        nonlocal began
        now = time.process_time()
        found[step], began = now - began, now

    table = part.read()
    lap("table")
    _ = table.groups
    lap("groups")
    split = split_table(table, SplitSettings())
    lap("split")
    loaded = Loaded()
    object.__setattr__(loaded, "table", lambda dataset: table)  # read already
    object.__setattr__(loaded, "split", lambda *arguments: split)
    prepared = prepare_document(Document(recipe), catalogue, loaded=loaded)
    lap("checks")
    prepared.source_plan()
    lap("plan")
    found["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return found
