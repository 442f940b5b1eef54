"""imbalkit-lite's own wheel in a fresh environment: no torch, no imbalkit, and the answers are still the network's."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest

from imbalkit_lite.images import ImageRule, read_image

pytestmark = pytest.mark.slow  # half a minute: what pip builds and installs

PROJECT = Path(__file__).parents[2] / "plugins" / "imbalkit_lite"
INSTALL = ("-m", "pip", "--disable-pip-version-check", "--quiet")
RUNTIMES = {"tflite": "ai-edge-litert", "onnx": "onnxruntime"}


def call(*words: object, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=timeout)


def build(project: Path, folder: Path) -> Path:
    built = call(sys.executable, *INSTALL, "wheel", "--no-deps", "--wheel-dir", folder, project)
    if built.returncode and "No matching distribution found for hatchling" in built.stderr:
        pytest.skip("needs a package index, to build the wheel with hatchling")
    assert built.returncode == 0, built.stderr
    (found,) = folder.glob("*.whl")
    return found


def package_files():
    modules = {f"imbalkit_lite/{path.name}" for path in (PROJECT / "imbalkit_lite").glob("*.py")}
    return {*modules, "imbalkit_lite/py.typed"}  # the marker of PEP 561


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build(PROJECT, tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_package_its_licence_and_its_command(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    package = package_files()
    assert package < set(names)
    others = {name.split("/", 1)[1] for name in names if ".dist-info/" in name}
    assert others == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
    assert len(names) == len(package) + len(others)


def test_the_wheel_of_imbalkit_ships_the_package_too(tmp_path):
    names = zipfile.ZipFile(build(PROJECT.parents[1], tmp_path)).namelist()
    assert package_files() <= set(names)
    assert {"imbalkit/cli/main.py", "imbalkit_tflite/__init__.py", "imbalkit_melanoma/__init__.py"} <= set(names)
    plugins = {path.name for path in (PROJECT.parents[1] / "plugins").glob("imbalkit_*")}
    assert {name.split("/")[0].split("-")[0] for name in names} == {"imbalkit", *plugins}
    assert not [name for name in names if name.startswith("imbalkit_app/") and "/web/" in name]
    assert [name for name in names if "imbalkit_app/android" in name] == ["imbalkit_app/android/template.apk"]


def test_it_works_in_an_environment_without_torch(wheel, exported, network, pictures, tmp_path):
    """Installs the wheel with both runtimes; half a minute."""
    home = tmp_path / "environment"
    venv.create(home, with_pip=True)
    python, command = home / "bin" / "python", home / "bin" / "imbalkit-lite"
    installed = call(python, *INSTALL, "install", f"{wheel}[tflite,onnx]")
    if installed.returncode and "No matching distribution found" in installed.stderr:
        pytest.skip("needs a package index, to install NumPy, Pillow, click and the runtimes")
    assert installed.returncode == 0, installed.stderr
    names = {
        line.split("==")[0].lower() for line in call(python, "-m", "pip", "list", "--format=freeze").stdout.split()
    }
    assert {"imbalkit-lite", "numpy", "pillow", "click", *RUNTIMES.values()} <= names
    assert not {"imbalkit", "torch", "torchvision", "pandas", "pydantic", "scikit-learn"} & names

    files = sorted(pictures.iterdir())
    rule = ImageRule((20, 16), "crop", "bicubic")
    expected = network.answers(np.stack([read_image(file, rule) for file in files]))
    for kind, runtime in RUNTIMES.items():
        done = call(command, "predict", exported(kind), pictures)
        assert done.returncode == 0, done.stderr
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        assert [row["path"] for row in rows] == [str(file) for file in files]
        found = [[float(row[f"probability_{name}"]) for name in ("aster", "poppy", "tulip")] for row in rows]
        np.testing.assert_allclose(found, expected, atol=2e-6)

        call(python, *INSTALL, "uninstall", "--yes", runtime)
        done = call(command, "predict", exported(kind), pictures)
        assert done.returncode == 1
        assert f"pip install {runtime} (or 'imbalkit-lite[{kind}]'" in done.stderr
        assert "Traceback" not in done.stderr
