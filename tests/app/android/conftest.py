"""Tools of Android's, each asked for by name; a test without its tool is skipped and says what to install."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import imbalkit_app
import pytest

from tests.made_once import made_once

ANDROID = Path(imbalkit_app.__file__).parent / "android"
TEMPLATE = ANDROID / "template.apk"
BAKSMALI = Path("/usr/share/java/baksmali.jar")
ENJARIFY = [  # Debian's python3 has its module; that of these tests has not
    *("env", "PYTHONPATH=/usr/lib/python3/dist-packages", "/usr/bin/python3", "-O", "-m", "enjarify.main"),
]


def need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}: see docs/contributing.md, Set up")


def call(*command: str | Path) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, f"{command[0]}:\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def android() -> Path:
    """The folder of the sources."""
    return ANDROID


@pytest.fixture(scope="session")
def tools() -> Path:
    """dx.jar and android.d.ts, which fetch.py has brought."""
    folder = os.environ.get("IMBALKIT_ANDROID_TOOLS")
    if folder is None:
        pytest.skip("needs dx and Android's typings: see docs/contributing.md, Set up")
    return Path(folder)


@pytest.fixture(scope="session")
def scripts():
    """The modules build and fetch: they are in no package."""
    sys.path.insert(0, str(ANDROID))
    try:
        import build
        import fetch
    finally:
        sys.path.remove(str(ANDROID))
    return build, fetch


@pytest.fixture(scope="session")
def dex(tmp_path_factory) -> Path:
    """The template's code."""

    def make(folder: Path) -> None:
        with zipfile.ZipFile(TEMPLATE) as archive:
            archive.extract("classes.dex", folder)

    return made_once(tmp_path_factory, "dex", make) / "classes.dex"


@pytest.fixture(scope="session")
def stubs(tmp_path_factory) -> Path:
    """The classes that stand in for Android's, compiled."""
    need("javac")

    def make(folder: Path) -> None:
        sources = sorted((ANDROID / "stubs").rglob("*.java"))
        call("javac", "--release", "8", "-nowarn", "-Xlint:-options", "-d", folder, *sources)

    return made_once(tmp_path_factory, "stubs", make)
