"""Zip and tar files, as imbalkit_lite reads them."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from imbalkit.kinds import Container, Members
from imbalkit_lite.archives import TarMembers, ZipMembers


class Zip(Container):
    """A zip file: `photos.zip!set/a.jpg`. Members that are stored are read where they lie, packed ones are unpacked."""

    name = "zip"
    endings = (".zip",)

    def open(self, place: str) -> Members:
        return ZipMembers(place)

    def example(self, folder: Path, files: Mapping[str, bytes]) -> tuple[str, list[str]]:
        place = folder / "example.zip"
        with zipfile.ZipFile(place, "w") as archive:
            for number, (name, content) in enumerate(files.items()):
                archive.writestr(name, content, zipfile.ZIP_DEFLATED if number % 2 else zipfile.ZIP_STORED)
        return str(place), list(files)


class Tar(Container):
    """A tar file that is not packed: `photos.tar!set/a.jpg`, as WebDataset writes them."""

    name = "tar"
    endings = (".tar",)

    def open(self, place: str) -> Members:
        return TarMembers(place)

    def example(self, folder: Path, files: Mapping[str, bytes]) -> tuple[str, list[str]]:
        place = folder / "example.tar"
        with tarfile.open(place, "w") as archive:
            for name, content in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return str(place), list(files)
