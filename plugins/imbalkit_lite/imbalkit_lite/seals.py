"""The checksum at the end of an exported file: without it, damaged weights would give wrong probabilities and no error.

It is the SHA-256 of all that stands before it: in TFLite as the comment that ends the ZIP archive of the associated files, in
ONNX as one more entry of `metadata_props`, which may stand anywhere, so also last. It has no key: it finds damage, not malice.
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from imbalkit_lite.errors import ModelError

_DIGITS = 64
_KEY = b"imbalkit.sha256"
_ENTRY = b"\x0a" + bytes([len(_KEY)]) + _KEY + b"\x12" + bytes([_DIGITS])  # a StringStringEntryProto, up to the digits
_BEGINNINGS = {
    ".tflite": b"sha256:",
    ".onnx": b"\x72" + bytes([len(_ENTRY) + _DIGITS]) + _ENTRY,
}  # field 14 of ModelProto


def seal(path: Path, kind: str) -> None:
    """End a file of a kind (".tflite", ".onnx"), which has no checksum yet or an older one, with its checksum."""
    beginning = _BEGINNINGS[kind]
    if kind == ".tflite":  # ZIP has the comment's length before it
        with zipfile.ZipFile(path, "a") as archive:
            archive.comment = beginning + bytes(_DIGITS)
    content, _ = _split(path.read_bytes(), kind)
    path.write_bytes(content + beginning + _digits(content))


def check_seal(path: Path, content: bytes, needed: bool = True) -> None:
    """Raise ModelError for a file whose `content` is not that of its checksum, or that has none where it is `needed`."""
    content, found = _split(content, path.suffix.lower())
    if found is None:
        if needed:
            raise ModelError(f"{path} does not end with its checksum: it is damaged, or was changed; export it anew")
    elif found != _digits(content):
        raise ModelError(f"{path} is damaged: its checksum is not the one that it was exported with")


def _split(content: bytes, kind: str) -> tuple[bytes, bytes | None]:
    """A file's content before the checksum, and the checksum; all of it and None where there is none."""
    beginning = _BEGINNINGS[kind]
    place = len(content) - _DIGITS - len(beginning)
    if place < 0 or not content.startswith(beginning, place):
        return content, None
    return content[:place], content[-_DIGITS:]


def _digits(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
