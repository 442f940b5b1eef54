"""One image of the ISIC Archive: downloaded, checked, and only then renamed to its own name."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from imbalkit.errors import DataError
from imbalkit_lite.images import probe
from imbalkit_melanoma.fetching.archive_api import ArchiveImage, read_image
from imbalkit_melanoma.fetching.client import Client, Refused, Remote, TemporaryError
from imbalkit_melanoma.fetching.download import WrongFile

GONE = "the archive does not have it"


@dataclass(frozen=True)
class Outcome:
    """Result of a download: path and SHA-256, or the reason why there is none."""

    path: Path | None = None
    sha256: str = ""
    reason: str = ""


def download_image(client: Client, api: str, image: ArchiveImage, folder: Path) -> Outcome:
    """Download an image into `folder`, unless it is there whole. A fault of this image alone is its Outcome's reason."""
    target = folder / (image.isic_id + image.suffix)
    try:
        if target.is_file() and target.stat().st_size == image.size:
            try:
                _require_picture(target)
                return Outcome(target, hashlib.sha256(target.read_bytes()).hexdigest())
            except WrongFile:
                pass  # as after a crash of the machine: it is downloaded again
        try:
            return Outcome(target, _receive(client, image, target))
        except Refused:  # the address has expired, or the image was withdrawn
            renewed = read_image(client, api, image.isic_id)
            if renewed is None:
                return Outcome(reason=GONE)
            return Outcome(target, _receive(client, renewed, target))
    except Refused as refused:
        return Outcome(reason=f"the archive lists it, but refuses its file ({refused.status})")
    except (WrongFile, DataError) as error:
        return Outcome(reason=str(error))


def _receive(client: Client, image: ArchiveImage, target: Path) -> str:
    """Download under a temporary name, then rename; the SHA-256. Raises WrongFile for other bytes."""
    part = target.with_name(f".{target.name}.part")
    try:
        sha256 = client.retry(lambda: _write(client, image, part))
        _require_picture(part)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return sha256


def _write(client: Client, image: ArchiveImage, part: Path) -> str:
    sha256, md5, received = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    part.unlink(missing_ok=True)
    with client.open(image.url) as response, part.open("xb") as stream:
        remote = Remote.of(response)
        if remote.size is not None and remote.size != image.size:
            raise WrongFile(f"its file has {remote.size:,} bytes, the archive states {image.size:,}")
        for chunk in client.chunks(image.url, response):
            stream.write(chunk)
            received += len(chunk)
            sha256.update(chunk)
            md5.update(chunk)
    if received < image.size:
        raise TemporaryError(f"{image.isic_id} ended after {received:,} of {image.size:,} bytes")
    if received > image.size:
        raise WrongFile(f"its file has more than the {image.size:,} bytes that the archive states")
    if remote.md5 and md5.hexdigest() != remote.md5:
        raise WrongFile(f"its MD5 is {md5.hexdigest()}, the server states {remote.md5}")
    return sha256.hexdigest()


def _require_picture(path: Path) -> None:
    try:
        probe(path)
    except DataError as error:
        raise WrongFile(f"it is no complete image ({str(error).removeprefix(f'{path}: ')})") from None
