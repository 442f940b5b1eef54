"""The files of an app: the built page, the model with its card and facts, manifest and file list."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imbalkit_app.page import PageError
from imbalkit_lite import card as cards
from imbalkit_lite.card import Card
from imbalkit_lite.columns import ColumnEncoding
from imbalkit_lite.errors import ModelError, listing
from imbalkit_lite.model import is_model, open_model
from imbalkit_lite.text import json_text

Contents = dict[str, bytes]  # name with slashes -> content

MODEL, CARD, FACTS = "model/model.tflite", "model/card.json", "model/facts.json"
LIST, MANIFEST, INDEX, WORKER = "files.js", "manifest.webmanifest", "index.html", "sw.js"
SHORT = 12  # characters of a name below an icon on a phone


def app_contents(page: Path, card: Card, own: Contents) -> Contents:
    """Every file of the app of a model.

    Args:
        page: folder of the built page
        card: of the model
        own: the model's own files, as `read_model` gives them

    Raises PageError where the page's folder is not one.
    """
    contents = read_page(page) | own
    contents[MANIFEST] = to_json(named(json.loads(contents[MANIFEST]), card))
    contents[LIST] = file_list(contents)
    return contents


def read_model(path: Path, version: str) -> tuple[Card, Contents]:
    """The card of a TFLite file, and the files that the page needs of the model: itself, its card and its facts.

    `version` is imbalkit's. The model is loaded once, to check it; the card is copied from the file.

    Raises:
        ModelError, CardError: the file is missing, damaged, of another kind, or has no card
        MissingExtraError: LiteRT, which loads it, is not installed
    """
    if is_model(path) and path.suffix.lower() != ".tflite":
        raise ModelError(
            f"the app runs TFLite files, {path} is {path.suffix.lstrip('.').upper()}: `imbalkit export RUN --to tflite` "
            "writes one"
        )
    card = open_model(path).card
    if card.bits != 16:
        raise ModelError(
            f"{path} was trained on grey pictures of {card.bits} bits (images.bits), which a browser cannot distinguish from 16 "
            "bits: it would show them to the network nearly black. `imbalkit predict` reads them"
        )
    if card.input is None:
        raise ModelError(
            f"{path} takes rows of a table and no pictures, and the app is about a camera: `imbalkit predict` reads tables"
        )
    if card.columns is not None:
        raise takes_columns(path, card.columns)
    data = path.read_bytes()
    facts = {
        "file": path.name,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "imbalkit": version,
    }
    with zipfile.ZipFile(path) as archive:
        return card, {MODEL: data, CARD: archive.read(cards.FILE), FACTS: to_json(facts)}


def read_page(folder: Path) -> Contents:
    """The files of the built page. Raises PageError where one that is needed is missing."""
    contents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}
    missing = [name for name in (INDEX, WORKER, MANIFEST) if name not in contents]
    if missing:
        raise PageError(f"expected a built page in {folder}, there is no {' and no '.join(missing)}")
    return contents


def named(manifest: Mapping[str, Any], card: Card) -> dict[str, Any]:
    """The page's manifest with the name of a model: what a phone shows when it installs the app."""
    short = card.name if len(card.name) <= SHORT else card.name[: SHORT - 1].rstrip() + "…"
    own = {"name": card.name, "short_name": short}
    if card.description:
        own["description"] = card.description
    return {**manifest, **own}


def version_of(contents: Mapping[str, bytes]) -> str:
    """16 hex digits of the SHA-256 over names and contents, in the order of the names; the list itself is left out."""
    whole = hashlib.sha256()
    for name in sorted(contents.keys() - {LIST}):
        whole.update(f"{name}\0{hashlib.sha256(contents[name]).hexdigest()}\n".encode())
    return whole.hexdigest()[:16]


def file_list(contents: Mapping[str, bytes]) -> bytes:
    """files.js: what the service worker stores. It and its list are not in it: the browser stores those two itself."""
    names = sorted(contents.keys() - {LIST, WORKER, INDEX})
    listed = {"version": version_of(contents), "files": ["./", INDEX, *names]}
    return b"self.FILES = " + json_text(listed).encode() + b";\n"


def to_json(value: Mapping[str, Any]) -> bytes:
    """JSON as a file, UTF-8."""
    return json_text(value, indent=2).encode() + b"\n"


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def takes_columns(path: Path, columns: ColumnEncoding) -> ModelError:
    """Why a model that takes table columns beside the picture is none for the app."""
    return ModelError(
        f"{path} takes {listing(columns.names)} beside the picture, which the app does not ask for: export a run without "
        "`inputs` for it (`imbalkit predict` reads such columns from a table)"
    )
