"""The core is an engine: a recipe of third-party parts alone runs to its report with the built-in plugin left out."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.slow  # a process for each command

RECIPE = {
    "data": "stripes",
    "samplers": [
        "mirrored",
        {
            "name": "drop_hardest",
            "score": "first_logit",
            "loss": "surprise",
            "epochs": 1,
            "warm_start": True,
            "order": "front_to_back",
        },
    ],
    "augment": ["nothing"],
    "backbone": "brightness",
    "head": "flat",
    "order": "front_to_back",
    "loss": "surprise",
    "metrics": ["right"],
    "decision": {"threshold": "half"},
    "launcher": "here",
    "training": {
        "epochs": 2,
        "monitor": "right",
        "batch_size": 16,
        "threads": 1,
        "accelerator": "cpu",
        "optimizer": {"lr": 0.05},
    },
}
WITHOUT = ["--without", "builtin"]


@pytest.fixture
def imbalkit(tmp_path):
    """Runs a command in a new process, with the third party's distribution installed beside imbalkit."""
    site = tmp_path / "site"
    shutil.copytree(_distribution(tmp_path), site)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(site), *filter(None, sys.path)])}

    def command(*words: str, recipe: dict) -> subprocess.CompletedProcess[str]:
        (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
        return subprocess.run(
            [sys.executable, "-m", "imbalkit", words[0], "recipe.yaml", *words[1:], *WITHOUT],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return command


def _distribution(tmp_path: Path) -> Path:
    """A folder as pip would install it."""
    place = tmp_path / "installed"
    facts = place / "third_party-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[imbalkit.plugins]\nthird = third_party\n")
    shutil.copy(Path(__file__).parents[1] / "third_party.py", place)
    return place


def test_a_run_to_its_report(imbalkit, tmp_path):
    done = imbalkit("run", "--folder", "run", recipe=RECIPE)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "run"
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["test"]["right"] > 0.8
    assert "drop_hardest" in (run / "report.html").read_text()
    modules = json.loads((run / "modules.json").read_text())
    assert "imbalkit.engine.run" in modules
    assert [name for name in modules if name.startswith("imbalkit.builtin")] == []


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("backbone", "backbone: there is no backbone 'small_cnn' (installed: brightness"),
        ("loss", "loss: there is no loss 'ce'"),
        ("decision", ": there is no threshold 'fixed'"),
        ("training", "training.monitor: there is no metric 'balanced_accuracy' to choose an epoch by (or last): right"),
        ("launcher", "launcher: there is no launcher 'local' (installed: here"),
    ],
)
def test_a_default_that_is_built_in_is_an_error_that_names_it(imbalkit, key, message):
    done = imbalkit("plan", recipe={name: value for name, value in RECIPE.items() if name != key})
    assert done.returncode == 1
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
