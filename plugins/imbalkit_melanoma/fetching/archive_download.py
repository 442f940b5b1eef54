"""Download of single images from the ISIC Archive: which are missing, what the archive states of them, getting them."""

from __future__ import annotations

import csv
import re
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from imbalkit.errors import DataError, listing
from imbalkit_lite.files import write_atomic
from imbalkit_lite.text import cell
from imbalkit_melanoma.fetching.archive_api import PAGE, ArchiveImage, list_collection, read_image
from imbalkit_melanoma.fetching.archive_image import GONE, Outcome, download_image
from imbalkit_melanoma.fetching.client import Client, public
from imbalkit_melanoma.fetching.fetch import Estimate, FetchSettings, locked, nearest_folder, write_licence
from imbalkit_melanoma.fetching.licences import Statement, read_licences, write_licences
from imbalkit_melanoma.fetching.parallel import for_each
from imbalkit_melanoma.fetching.progress import ProgressLines
from imbalkit_melanoma.fetching.record import Record
from imbalkit_melanoma.fetching.requested import images_on_disk, requested_names
from imbalkit_melanoma.fetching.sources import Source

FOLDER = "isic_archive"  # below `images`
ISIC_ID = re.compile(r"ISIC_\d{7}")
NOT_FETCHED = "not_fetched.csv"
MOST_FAILURES = 10  # in a row: then it is the server, not an image
BLOCK = 4096  # bytes of a disk's block


@dataclass(frozen=True)
class ArchiveSettings:
    """What to download, beyond the tables."""

    fetch: FetchSettings
    api: str
    threads: int
    melanomas_only: bool = False  # of ISIC 2019

    @property
    def images(self) -> Path:
        """Where the images go."""
        return self.fetch.folder / "images" / FOLDER

    def requested(self, source: Source) -> list[str]:
        """The images of a source that are requested; needs its table."""
        only = self.melanomas_only and source.name == "isic_2019"
        return requested_names(self.fetch.folder, source, melanomas_only=only)

    def client(self, note: Callable[[str], None], stop: threading.Event | None = None) -> Client:
        """For one thread."""
        return Client(self.fetch.retries, note, stop)


@dataclass(frozen=True)
class ArchiveLookup:
    """The archive's records of the missing images."""

    images: list[ArchiveImage]
    gone: list[str]  # images that the archive does not have
    estimate: Estimate


def missing_images(archive: ArchiveSettings) -> dict[Source, list[str]]:
    """The images that are not on disk, by source, without a request. Raises DataError for names that are not the archive's.

    Any file that the data sets would find counts, but those in `FOLDER` only in the size that the archive stated.
    """
    folder = archive.fetch.folder
    on_disk, stated, record = images_on_disk(folder), read_licences(folder), Record.read(folder)

    def is_there(name: str) -> bool:
        path = on_disk.get(name)
        if path is None or path.parent != archive.images:
            return path is not None
        known = name in stated and record.sum_of(path) is not None
        return known and path.stat().st_size == stated[name].size

    missing: dict[Source, list[str]] = {}
    seen: set[str] = set()
    for source in archive.fetch.sources:
        names = archive.requested(source)
        if wrong := [name for name in names if not ISIC_ID.fullmatch(name)]:
            raise DataError(
                f"{source.tables[0].name} names images that are none of the archive's (such as ISIC_0000000): "
                f"{listing(wrong, 5)}"
            )
        missing[source] = [name for name in names if name not in seen and not is_there(name)]
        seen.update(names)
    return missing


def look_up_images(
    archive: ArchiveSettings, missing: dict[Source, list[str]], note: Callable[[str], None]
) -> ArchiveLookup:
    """Sizes, licences and addresses from the archive: page by page, or image by image where that takes fewer requests."""
    found: dict[str, ArchiveImage] = {}
    client = archive.client(note)
    for source, names in missing.items():
        if len(names) > len(requested_names(archive.fetch.folder, source)) / PAGE:
            found |= _listed(client, archive.api, source, names, note)
    names = [name for several in missing.values() for name in several]
    gone = []

    def add(name: str, image: ArchiveImage | None) -> None:
        if image is None:
            gone.append(name)
        else:
            found[name] = image

    rest = [name for name in names if name not in found]
    for_each(
        rest,
        lambda client, name: read_image(client, archive.api, name),
        add,
        archive.threads,
        lambda stop: archive.client(note, stop),
    )
    images = [found[name] for name in names if name in found]
    return ArchiveLookup(images, sorted(gone), _estimate(archive, images))


def _listed(
    client: Client, api: str, source: Source, names: list[str], note: Callable[[str], None]
) -> dict[str, ArchiveImage]:
    """Records of some images, from the archive's list of a collection."""
    requested, read = set(names), 0
    found: dict[str, ArchiveImage] = {}
    note(f"asking {public(api)} for the images of {source.title}")
    for total, images in list_collection(client, api, source.collection):
        found |= {image.isic_id: image for image in images if image.isic_id in requested}
        read += len(images)
        if read % 5000 < len(images):
            note(f"{read:,} of {total:,} read")
        if len(found) == len(requested):
            break
    return found


def _estimate(archive: ArchiveSettings, images: list[ArchiveImage]) -> Estimate:
    """Bytes to download; files fill whole blocks."""
    folder = archive.images
    on_disk = {path.name: path.stat().st_size for path in folder.iterdir()} if folder.is_dir() else {}
    sizes = [image.size for image in images if on_disk.get(image.isic_id + image.suffix) != image.size]
    disk = sum(-(-size // BLOCK) * BLOCK for size in sizes)
    free = shutil.disk_usage(nearest_folder(archive.fetch.folder)).free
    return Estimate([(f"{len(sizes):,} images", sum(sizes), 0)], sum(sizes), disk, free, {})


def fetch_images(archive: ArchiveSettings, lookup: ArchiveLookup, progress: ProgressLines) -> dict[str, str]:
    """Download the images that were found; the reasons of those that failed, by name, also in `not_fetched.csv`.

    Raises DataError when many images in a row fail; downloaded images stay, whatever happens.
    """
    folder = archive.fetch.folder
    reasons = dict.fromkeys(lookup.gone, GONE)
    failures = 0
    with locked(folder):
        record = Record.read(folder)
        stated = read_licences(folder) | {
            p.isic_id: Statement(p.isic_id, p.size, p.licence, p.attribution) for p in lookup.images
        }
        write_licences(folder, (stated[name] for name in sorted(stated)))
        write_licence(archive.fetch, record)
        archive.images.mkdir(parents=True, exist_ok=True)
        if lookup.images:
            progress.step(f"{len(lookup.images):,} images", sum(image.size for image in lookup.images))

        def add(image: ArchiveImage, outcome: Outcome) -> None:
            nonlocal failures
            progress.advance(image.size)
            if outcome.path is not None:
                record.add_sum(outcome.path, outcome.sha256)
                failures = 0
                return
            reasons[image.isic_id] = outcome.reason
            failures += outcome.reason != GONE
            if failures == MOST_FAILURES:
                raise DataError(
                    f"{failures} images in a row could not be fetched, the last one {image.isic_id}: "
                    f"{outcome.reason}. Downloaded images stay; the same command resumes here"
                )

        try:
            for_each(
                lookup.images,
                lambda client, image: download_image(client, archive.api, image, archive.images),
                add,
                archive.threads,
                lambda stop: archive.client(progress.note, stop),
            )
            now = datetime.now(timezone.utc).isoformat(timespec="seconds")
            count = sum(name.startswith(f"images/{FOLDER}/") for name in record.sums)
            record.update(FOLDER, url=public(archive.api), fetched=now, pictures=count)
        finally:
            record.close()
        _write_reasons(folder / NOT_FETCHED, reasons)
    return reasons


def _write_reasons(path: Path, reasons: dict[str, str]) -> None:
    if not reasons:
        path.unlink(missing_ok=True)
        return

    def write(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(("isic_id", "reason"))
            writer.writerows(map(cell, row) for row in sorted(reasons.items()))

    write_atomic(path, write)


def require_all(archive: ArchiveSettings, reasons: dict[str, str]) -> None:
    """Raises DataError that names the images which are missing."""
    if not reasons:
        return
    gone = [name for name, reason in sorted(reasons.items()) if reason == GONE]
    other = [f"{name} ({reason})" for name, reason in sorted(reasons.items()) if reason != GONE]
    parts = [f"{len(gone):,} are not in the archive (any more): {listing(gone)}"] if gone else []
    parts += [f"{len(other):,} could not be fetched: {listing(other, 5)}"] if other else []
    raise DataError(
        f"{len(reasons):,} images are missing; {'; '.join(parts)}. {archive.fetch.folder / NOT_FETCHED} lists them; all "
        "others are there. The same command requests them again; --via archives gets the challenge's own files"
    )
