"""A ZIP file as Android wants an APK: what is stored begins at multiples of 4, and the resource table is stored."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

MANIFEST = "AndroidManifest.xml"
STORED = (".png", ".arsc")  # compressed already; the table is mapped from the file as it lies there (API 30)
TIME = (1981, 1, 1, 1, 1, 2)  # of every entry: the same files give the same bytes
HEADER, ALIGNMENT = 30, 4  # bytes


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The aligned ZIP file of `files` (name -> content), the manifest first."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in sorted(files, key=lambda name: (name != MANIFEST, name)):
            entry = zipfile.ZipInfo(name, TIME)
            entry.create_system = 0  # whatever system this is
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(STORED) else zipfile.ZIP_DEFLATED
            if entry.compress_type == zipfile.ZIP_STORED:
                entry.extra = bytes(-(out.tell() + HEADER + len(name.encode())) % ALIGNMENT)
            archive.writestr(entry, files[name], compresslevel=9)
    return out.getvalue()
