"""One image of the ISIC Archive: received, checked, and only then named."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from imbalkit.errors import DataError
from imbalkit_lite.images import probe
from imbalkit_melanoma.fetching.archive_api import Picture, ask_for
from imbalkit_melanoma.fetching.client import Client, Refused, Remote, Trouble
from imbalkit_melanoma.fetching.download import WrongFile

GONE = "the archive does not have it"


@dataclass(frozen=True)
class Outcome:
    """What became of an image: a path and its SHA-256, or why it did not come."""

    path: Path | None = None
    sha256: str = ""
    reason: str = ""


def bring_picture(client: Client, api: str, picture: Picture, folder: Path) -> Outcome:
    """Fetch an image into `folder`, unless it is there whole. What is wrong with this image alone is its Outcome's reason."""
    target = folder / (picture.isic_id + picture.ending)
    try:
        if target.is_file() and target.stat().st_size == picture.size:
            try:
                _require_picture(target)
                return Outcome(target, hashlib.sha256(target.read_bytes()).hexdigest())
            except WrongFile:
                pass  # as after a crash of the machine: it comes again
        try:
            return Outcome(target, _receive(client, picture, target))
        except Refused:  # the address has expired, or the image was withdrawn
            today = ask_for(client, api, picture.isic_id)
            if today is None:
                return Outcome(reason=GONE)
            return Outcome(target, _receive(client, today, target))
    except Refused as refused:
        return Outcome(reason=f"the archive names it, but its file is refused ({refused.status})")
    except (WrongFile, DataError) as error:
        return Outcome(reason=str(error))


def _receive(client: Client, picture: Picture, target: Path) -> str:
    """The image under a temporary name, then under its own; its SHA-256. Raises WrongFile for other bytes."""
    part = target.with_name(f".{target.name}.part")
    try:
        sha256 = client.patiently(lambda: _write(client, picture, part))
        _require_picture(part)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return sha256


def _write(client: Client, picture: Picture, part: Path) -> str:
    sha256, md5, came = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    part.unlink(missing_ok=True)
    with client.open(picture.url) as response, part.open("xb") as stream:
        remote = Remote.of(response)
        if remote.size is not None and remote.size != picture.size:
            raise WrongFile(f"its file has {remote.size:,} bytes, the archive states {picture.size:,}")
        for chunk in client.chunks(picture.url, response):
            stream.write(chunk)
            came += len(chunk)
            sha256.update(chunk)
            md5.update(chunk)
    if came < picture.size:
        raise Trouble(f"{picture.isic_id} ended after {came:,} of {picture.size:,} bytes")
    if came > picture.size:
        raise WrongFile(f"its file has more than the {picture.size:,} bytes that the archive states")
    if remote.md5 and md5.hexdigest() != remote.md5:
        raise WrongFile(f"its MD5 is {md5.hexdigest()}, the server states {remote.md5}")
    return sha256.hexdigest()


def _require_picture(path: Path) -> None:
    try:
        probe(path)
    except DataError as error:
        raise WrongFile(f"it is no whole picture ({str(error).removeprefix(f'{path}: ')})") from None
