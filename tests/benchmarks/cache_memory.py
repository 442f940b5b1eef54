"""Memory of a run on 37,648 generated photographs at 320 px (an 11.6 GB cache) with the paper's oversampling.

python -m tests.benchmarks cache_memory [--images 37648] [--folder DIR]

Prints the peak of the process's anonymous memory (RssAnon): the mapped cache belongs to the page cache and does not count.
Needs Linux, and about 14 GB of disk.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

RECIPE = """\
data: {{name: table, file: {root}/labels.csv}}
positive: malignant
images: {{size: 320, cache: {root}/cache}}
split: {{validation: 0, test: 0.2}}
samplers:
  - name: oversample
    views:
      benign: [[horizontal_flip, radial_blur]]
      malignant:
        - [{{name: rotate90, degrees: 90}}, radial_blur]
        - [{{name: rotate90, degrees: -90}}, radial_blur]
        - [horizontal_flip, radial_blur]
backbone: {{name: small_cnn, width: 4}}
training: {{epochs: 1, batch_size: 128}}
"""


def main(arguments: list[str]) -> None:
    """Generate, run, and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks cache_memory")
    parser.add_argument("--images", type=int, default=37_648)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        root = Path(name)
        generate(root, options.images)
        (root / "recipe.yaml").write_text(RECIPE.format(root=root))
        peak: dict[str, int] = {}
        stop = threading.Event()
        watcher = threading.Thread(target=watch, args=(peak, stop))
        watcher.start()
        started = time.perf_counter()
        from imbalkit import run
        from imbalkit.base.progress import Lines

        run(root / "recipe.yaml", runs=root / "runs", progress=Lines())
        stop.set()
        watcher.join()
        cache = sum(path.stat().st_size for path in (root / "cache").rglob("*") if path.is_file())
        sys.stdout.write(
            f"{options.images:,} images, cache {cache / 1e9:.1f} GB, {time.perf_counter() - started:.0f} s\n"
            + "".join(f"peak {field} {kilobytes / 2**20:.2f} GiB\n" for field, kilobytes in peak.items())
        )


def generate(root: Path, count: int) -> None:
    """Smooth random pictures as JPEG, 13.6 % of them malignant."""
    (root / "images").mkdir()

    def write(index: int) -> None:
        small = np.random.default_rng(index).integers(0, 256, (10, 10, 3), dtype=np.uint8)
        Image.fromarray(small).resize((320, 320), Image.Resampling.BILINEAR).save(root / f"images/{index:05}.jpg")

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, range(count)))
    malignant = np.arange(count) < round(count * 5106 / 37648)
    labels = np.where(malignant, "malignant", "benign")
    paths = [f"images/{index:05}.jpg" for index in range(count)]
    pd.DataFrame({"path": paths, "label": labels}).to_csv(root / "labels.csv", index=False)


def watch(peak: dict[str, int], stop: threading.Event) -> None:
    """The largest RssAnon, RssFile of this process, in kB."""
    while not stop.wait(0.05):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(("RssAnon", "RssFile")):
                field, value = line.split(":")
                peak[field] = max(peak.get(field, 0), int(value.split()[0]))
