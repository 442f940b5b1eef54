"""Pictures on disk and finished runs, each made once a session and only read: a test that changes one copies it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

RECIPE = """\
data: {name: table, file: photographs/labels.csv, label_column: kind, group_column: patient}
positive: rare
images: {size: [32, 24], resize: crop, interpolation: bicubic, cache: cache}
backbone: {name: timm, model: test_efficientnet, weights: start.safetensors}
training: {epochs: 2, batch_size: 16, optimizer: {lr: 0.003}, ema: 0.9, threads: 1, accelerator: cpu, select: last}
decision: {calibrator: temperature, threshold: youden}
"""


def contents(folder: Path) -> dict[Path, bytes]:
    """The files under a folder, but for those of an image cache."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "cache" not in path.parts}


def assert_unchanged(folder: Path, before: dict[Path, bytes]) -> None:
    after = contents(folder)
    changed = sorted(str(path) for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    assert not changed, f"a test changed what all tests read, instead of a copy: {changed}"


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    """A folder of 120 PNGs of several shapes in two classes, told apart by colour; three of a patient.

    common/ has 90 and rare/ has 30; labels.csv has a row each: path (relative), kind, patient and site (two thirds of each
    class are of the north, the others of the south).
    """
    from PIL import Image

    root = tmp_path_factory.mktemp("photographs")
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
    before = contents(root)
    yield root
    assert_unchanged(root, before)


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory, photographs):
    """The folder of a finished run on `photographs`: two classes, a positive one, patients as groups, a column `site`.

    Every eleventh picture has the other's label, so that the model errs both ways.
    It is `run` in a project folder with what it was made of: recipe.yaml, photographs/, start.safetensors (the weights it
    began with) and cache/; its paths are relative to that folder. Its decision has a temperature and a threshold.
    """
    from safetensors.torch import save_file

    from imbalkit.builtin.backbones import Timm
    from imbalkit.engine.run import run
    from imbalkit.kinds import BuildContext

    project = tmp_path_factory.mktemp("project")
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
    before = contents(project)
    yield project / "run"
    assert_unchanged(project, before)


@pytest.fixture(scope="session")
def finished_run_of_digits(tmp_path_factory):
    """The folder of a finished run of ten classes: an epoch of the recipe "digits", one grey channel, a temperature."""
    from imbalkit.engine.run import run

    quick = ["training.epochs=1", "training.threads=1", "training.accelerator=cpu", "decision.calibrator=temperature"]
    folder = run("digits", quick, folder=tmp_path_factory.mktemp("digits") / "run")
    before = contents(folder)
    yield folder
    assert_unchanged(folder, before)
