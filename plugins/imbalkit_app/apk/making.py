"""`imbalkit app MODEL --apk FILE`: what was asked for is checked first, then the APK is made and written whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imbalkit_app.apk import build
from imbalkit_app.apk.key import SigningKey, back_up, check_copy, ensure_key, key_file, read_key
from imbalkit_app.apk.names import app_id, check_id, clean_label, version_code, version_name
from imbalkit_lite.errors import ImbalkitError
from imbalkit_lite.files import write_atomic

if TYPE_CHECKING:
    from PIL.Image import Image

    from imbalkit_lite.card import Card

Note = Callable[[str], object]


class PlaceError(ImbalkitError):
    """The APK cannot lie where it is to lie."""


@dataclass(frozen=True)
class Request:
    """What the user asked for; None for what the model or the user's own key decides.

    Attributes:
        path: the APK
        id, label: of the app
        icon: RGBA
        key: file of the key that signs
        copy: where a copy of the key goes
    """

    path: Path
    id: str | None = None
    label: str | None = None
    icon: Image | None = None
    key: Path | None = None
    copy: Path | None = None


def checked(
    path: Path, id: str | None, label: str | None, icon: Path | None, key: Path | None, copy: Path | None
) -> Request:
    """A request that can be met, as far as can be seen without the model. Raises ImbalkitError."""
    from imbalkit_app.apk.icon import read_icon

    check_place(path)
    if key is not None:
        read_key(key)
    if copy is not None:  # before an export, which may take minutes
        signs = key or key_file()
        check_copy(copy, signs.read_bytes() if signs.is_file() else None)
    return Request(
        path=path,
        id=None if id is None else check_id(id),
        label=None if label is None else clean_label(label),
        icon=None if icon is None else read_icon(icon),
        key=key,
        copy=copy,
    )


def check_place(path: Path) -> None:
    """Raise PlaceError where something else than an earlier APK of this command would be replaced."""
    if path.suffix.lower() != ".apk":
        raise PlaceError(f"--apk: expected a name that ends in .apk, by which a phone knows an app, got {path}")
    parent = next(folder for folder in path.absolute().parents if folder.exists())
    if not parent.is_dir():
        raise PlaceError(f"--apk: {path} cannot be written: {parent.name} is a file and no folder")
    if path.is_dir():
        raise PlaceError(f"--apk: expected a file to write, {path} is a folder")
    if path.exists() and not build.is_apk(path):
        raise PlaceError(
            f"{path} is there and is no earlier APK of `imbalkit app`: choose another name, or delete it yourself"
        )


def make_apk(request: Request, card: Card, contents: Mapping[str, bytes], version: str, note: Note) -> build.Identity:
    """Write the APK of a model's app. `version` is imbalkit's; `note` gets lines on the key. Raises ImbalkitError."""
    signer = ensure_key(key_file(), note) if request.key is None else read_key(request.key)
    if request.copy is not None:
        back_up(signer, request.copy)
    identity = identity_of(request, card, signer, version)
    apk = build.build_apk(build.TEMPLATE, contents, identity, signer, request.icon)
    path = Path(os.path.realpath(request.path))  # a link is followed, not replaced
    write_atomic(path, lambda temporary: temporary.write_bytes(apk), len(apk))
    return identity


def identity_of(request: Request, card: Card, signer: SigningKey, version: str) -> build.Identity:
    """What Android calls the app: as was asked for, else as the card says."""
    return build.Identity(
        id=request.id or app_id(card.name, signer.fingerprint),
        label=request.label or clean_label(card.name),
        version=version_code(card.run.created),
        version_name=version_name(card.run.created, version),
    )
