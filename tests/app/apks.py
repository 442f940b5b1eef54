"""Android's own tools, as a reference for what is written here; and what an app is signed with in tests."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def tool(name: str, *words: object) -> subprocess.CompletedProcess[str]:
    """A tool of Android's SDK, as Debian packages it; without it the test is skipped."""
    if shutil.which(name) is None:
        pytest.skip(f"needs {name}: apt-get install {name}")
    return subprocess.run([name, *map(str, words)], capture_output=True, text=True, encoding="utf-8", check=False)


def verified(apk: Path) -> subprocess.CompletedProcess[str]:
    """What apksigner says of an APK for Android 7."""
    return tool("apksigner", "verify", "--verbose", "--print-certs", "--min-sdk-version", 24, apk)


def badging(apk: Path) -> str:
    """What Android's packaging tool reads in an APK."""
    done = tool("aapt", "dump", "badging", apk)
    assert done.returncode == 0, done.stderr
    return done.stdout
