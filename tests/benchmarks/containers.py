"""Images from containers against a folder of files, and training from kept files against kept pixels.

python -m tests.benchmarks containers [--folder ../shared/data/ham10000] [--images 2000] [--train 400] [--repeats 5]

Reading: every image's bytes in a random order by one thread, from the page cache, through `read_file`, as a run does it; from
parquet also in order. Training: epochs of EfficientNet-Lite0 at 128 px, batches of 64, on the CPU, the two in turn.
"""

from __future__ import annotations

import argparse
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from lightning_fabric import Fabric

from imbalkit.builtin.backbones import Timm
from imbalkit.builtin.heads import Linear
from imbalkit.builtin.losses import CE
from imbalkit.data.keeping import open_store
from imbalkit.engine.allocator import freed_memory_kept
from imbalkit.plan import Plan
from imbalkit.recipe.recipe import TrainingSettings
from imbalkit.training.fit import Fit
from imbalkit.training.phase import Phase
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer
from imbalkit_lite.files import size_text
from imbalkit_lite.folders import list_images
from imbalkit_lite.images import ImageRule
from imbalkit_lite.opening import read_file
from tests.benchmarks._timing import alternate, ratios, spread

SIZE = 128


def main(arguments: list[str]) -> None:
    """Print reads a second of each container, and the ratio of epochs from files and from pixels."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks containers")
    parser.add_argument("--folder", type=Path, default=Path("../shared/data/ham10000"))
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--train", type=int, default=400, help="images of an epoch; 0: no training")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    paths = [str(options.folder / name) for name in list_images(options.folder)][: options.images]
    with tempfile.TemporaryDirectory() as root:
        if options.images:
            reading(paths, Path(root), options.repeats)
        if options.train:
            training(paths[: options.train], Path(root), options.repeats)


def reading(paths: list[str], root: Path, repeats: int) -> None:
    order = np.random.default_rng(0).permutation(len(paths))
    places = {"folder": paths, **packed(paths, root)}
    ways: dict[str, Callable[[], object]] = {
        name: partial(read_all, [found[row] for row in order][: 200 if "parquet" in name else None])
        for name, found in places.items()
    }
    ways["parquet, in order"] = partial(read_all, places["parquet"])
    for way in ways.values():
        way()
    times = alternate(ways, repeats)
    count = {name: 200 if name == "parquet" else len(paths) for name in ways}
    sys.stdout.write(f"{len(paths)} images, {size_text(sum(Path(path).stat().st_size for path in paths))}\n")
    for name, found in times.items():
        sys.stdout.write(f"{name:20}{spread([count[name] / taken.clock for taken in found], 0)} reads a second\n")


def read_all(paths: list[str]) -> int:
    return sum(len(read_file(path)[0]) for path in paths)


def packed(paths: list[str], root: Path) -> dict[str, list[str]]:
    """The addresses of the files in a container of each kind."""
    import h5py
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [Path(path).name for path in paths]
    contents = [Path(path).read_bytes() for path in paths]
    with tarfile.open(root / "a.tar", "w") as archive:
        for path, name in zip(paths, names, strict=True):
            archive.add(path, name)
    for how, kind in (("stored", zipfile.ZIP_STORED), ("packed", zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(root / f"{how}.zip", "w", kind) as zipped:
            for name, content in zip(names, contents, strict=True):
                zipped.writestr(name, content)
    with h5py.File(root / "a.hdf5", "w") as file:
        for name, content in zip(names, contents, strict=True):
            file[name] = np.void(content)
    pq.write_table(pa.table({"image": [{"bytes": one, "path": None} for one in contents]}), root / "a.parquet", 100)
    found = {
        "zip, stored": [f"{root}/stored.zip!{name}" for name in names],
        "zip, packed": [f"{root}/packed.zip!{name}" for name in names],
        "tar": [f"{root}/a.tar!{name}" for name in names],
        "hdf5": [f"{root}/a.hdf5!{name}" for name in names],
        "parquet": [f"{root}/a.parquet!{row}" for row in range(len(names))],
    }
    for addresses in found.values():
        assert read_file(addresses[7])[0] == contents[7]
    return found


def training(paths: list[str], root: Path, repeats: int) -> None:
    with freed_memory_kept():
        runs = {keep: epochs(paths, root, keep, repeats + 1) for keep in ("pixels", "files")}
        for run in runs.values():
            next(run)  # the first epoch, which warms up
        times = alternate({keep: partial(next, run) for keep, run in runs.items()}, repeats)
    for keep, found in times.items():
        folder = next(path for path in (root / "cache").iterdir() if path.name.endswith("-files") == (keep == "files"))
        size = sum(path.stat().st_size for path in folder.glob("*.bin"))
        speeds = spread([len(paths) / taken.clock for taken in found], 0)
        sys.stdout.write(f"{keep:8}{speeds} images a second in training, {size_text(size)} on the disk\n")
    sys.stdout.write(f"speed of files, of pixels': {ratios(times['pixels'], times['files'])}\n")


def epochs(paths: list[str], root: Path, keep: str, count: int) -> Iterator[None]:
    """One training, which yields after each epoch."""
    labels = np.arange(len(paths)) % 2
    fabric = Fabric(accelerator="cpu", devices=1)
    store = open_store(paths, None, ImageRule((SIZE, SIZE)), root / "cache", keep=keep)  # type: ignore[arg-type]
    settings = TrainingSettings(epochs=count, batch_size=64)
    session = TrainingSession(fabric, store, settings, seed=0, head=Linear(), positive=1)
    plan, backbone = Plan.from_labels(labels, ("other", "melanoma")), Timm(model="efficientnet_lite0")
    network = Trainer(session, root / keep).network("final", plan, backbone)
    fit = Fit.build(session, "final", plan, network, [Phase(CE())], count)
    for _ in range(count):
        fit.train_epoch()
        yield
