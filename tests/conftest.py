"""Pictures on disk and finished runs, each made once a session and only read: a test that changes one copies it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from imbalkit.base.threads import available_cores
from tests.made_once import made_once
from tests.without_charts import without_charts

# Hypothesis: 25 examples of a property while one works, 100 with --hypothesis-profile=ci (see properties.py).
settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None)
settings.load_profile("dev")

MOST_PROCESSES = 8  # each takes up to 2 GB

RECIPE = """\
data: {name: table, file: photographs/labels.csv, label_column: kind, group_column: patient}
positive: rare
images: {size: [32, 24], resize: crop, interpolation: bicubic, cache: cache}
backbone: {name: timm, model: test_efficientnet, weights: start.safetensors}
training: {epochs: 2, batch_size: 16, optimizer: {lr: 0.003}, ema: 0.9, threads: 1, accelerator: cpu, monitor: last}
decision: {calibrator: temperature, threshold: youden}
"""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """How many processes `-n auto` starts: none for tests of files that are named, else one a core."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    named = any(Path(argument.split("::")[0]).is_file() for argument in config.args)
    processes = min(available_cores(), MOST_PROCESSES)
    if named or processes == 1:
        return 0
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # inherited: threads of several processes stand in each other's way
    return processes


def contents(folder: Path) -> dict[Path, bytes]:
    """The files under a folder, but for those of an image cache."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "cache" not in path.parts}


@contextmanager
def only_read(folder: Path) -> Iterator[None]:
    """Within it, tests may read a folder and not change it."""
    before = contents(folder)
    yield
    after = contents(folder)
    changed = sorted(str(path) for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    assert not changed, f"a test changed what all tests read, instead of a copy: {changed}"


@pytest.fixture
def no_charts() -> Iterator[None]:
    """For tests of runs that look at something else than the report's charts."""
    with without_charts():
        yield


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    """A folder of 120 PNGs of several shapes in two classes, told apart by colour; three of a patient.

    common/ has 90 and rare/ has 30; labels.csv has a row each: path (relative), kind, patient and site (two thirds of each
    class are of the north, the others of the south).
    """
    root = made_once(tmp_path_factory, "photographs", write_photographs)
    with only_read(root):
        yield root


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory, photographs):
    """The folder of a finished run on `photographs`: two classes, a positive one, patients as groups, a column `site`.

    Every eleventh picture has the other's label, so that the model errs both ways.
    It is `run` in a project folder with what it was made of: recipe.yaml, photographs/, start.safetensors (the weights it
    began with) and cache/; its paths are relative to that folder. Its decision has a temperature and a threshold.
    """
    project = made_once(tmp_path_factory, "project", lambda folder: train_on_photographs(folder, photographs))
    with only_read(project):
        yield project / "run"


@pytest.fixture(scope="session")
def finished_run_of_digits(tmp_path_factory):
    """The folder of a finished run of ten classes: an epoch of the recipe "digits", one grey channel, a temperature."""
    folder = made_once(tmp_path_factory, "digits", train_on_digits)
    with only_read(folder):
        yield folder / "run"


@pytest.fixture(scope="session")
def real_runs(tmp_path_factory):
    """Two real runs on 60 arrays of 16 x 16 px: random drops, copies, loss ranking, copies; with ce and with focal loss."""
    return made_once(tmp_path_factory, "real_runs", train_on_arrays)


def write_photographs(root: Path) -> None:
    from PIL import Image

    random = np.random.default_rng(0)
    rows = []
    for index in range(120):
        name = "rare" if index % 4 == 0 else "common"
        pixels = random.integers(0, 160, (40 + index % 5, 36, 3), dtype=np.uint8)
        pixels[..., 0 if name == "rare" else 2] += 80
        (root / name).mkdir(exist_ok=True)
        Image.fromarray(pixels).save(root / name / f"{index:03}.png")
        site = "north" if index // 3 % 3 else "south"
        rows.append({"path": f"{name}/{index:03}.png", "kind": name, "patient": f"P{index // 3:02}", "site": site})
    pd.DataFrame(rows).to_csv(root / "labels.csv", index=False)


def train_on_photographs(project: Path, photographs: Path) -> None:
    from safetensors.torch import save_file

    from imbalkit import run
    from imbalkit.builtin.backbones import Timm
    from imbalkit.kinds import BuildContext

    shutil.copytree(photographs, project / "photographs")
    table = pd.read_csv(photographs / "labels.csv")
    table.loc[8::11, "kind"] = table.loc[8::11, "kind"].map({"common": "rare", "rare": "common"})
    table.to_csv(project / "photographs" / "labels.csv", index=False)
    body = Timm(model="test_efficientnet").build(BuildContext(("common", "rare"), (1, 1)))
    save_file(body.state_dict(), project / "start.safetensors")
    (project / "recipe.yaml").write_text(RECIPE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        run("recipe.yaml", folder="run")


def train_on_digits(folder: Path) -> None:
    from imbalkit import run

    quick = ["training.epochs=1", "training.threads=1", "training.accelerator=cpu", "decision.calibrator=temperature"]
    run("digits", quick, folder=folder / "run")


def train_on_arrays(root: Path) -> None:
    import imbalkit

    random = np.random.default_rng(0)
    labels = np.repeat(["common", "rare"], [44, 16])
    pixels = random.integers(0, 160, (60, 16, 16, 3), dtype=np.uint8)
    pixels[labels == "rare", :, :, 0] += 90
    np.savez(root / "data.npz", x=pixels, y=labels)
    (root / "r.yaml").write_text(f"""\
data: {{name: arrays, file: {root}/data.npz}}
positive: rare
split: {{validation: 0.25, test: 0.25}}
samplers:
  - {{name: random_under, to: {{common: 18}}}}
  - {{name: oversample, views: {{rare: [[{{name: rotate90, degrees: 90}}, radial_blur], [horizontal_flip]]}}}}
  - {{name: loss_rank, drop: 4, which: highest, warm_start: false, rounds: 2, epochs: 1}}
  - {{name: oversample, views: {{common: [[vertical_flip, {{name: radial_blur, axes: independent}}]]}}}}
backbone: {{name: small_cnn, width: 4}}
training: {{epochs: 1, batch_size: 16, threads: 1}}
decision: {{threshold: youden}}
""")
    for loss in ("ce", "focal"):
        imbalkit.run(root / "r.yaml", [f"loss={loss}"], folder=root / "runs" / loss)
