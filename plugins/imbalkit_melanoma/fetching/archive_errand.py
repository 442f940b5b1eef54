"""The errand through the ISIC Archive: which images are missing, what the archive says of them, fetching them."""

from __future__ import annotations

import csv
import re
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from imbalkit.checkpoints import write_atomic
from imbalkit.errors import DataError, listing
from imbalkit_lite.text import cell
from imbalkit_melanoma.fetching.archive_api import PAGE, Picture, ask_for, list_collection
from imbalkit_melanoma.fetching.archive_image import GONE, Outcome, bring_picture
from imbalkit_melanoma.fetching.client import Client, public
from imbalkit_melanoma.fetching.fetch import Errand, Estimate, locked, nearest_folder, write_licence
from imbalkit_melanoma.fetching.licences import Statement, read_licences, write_licences
from imbalkit_melanoma.fetching.parallel import for_each
from imbalkit_melanoma.fetching.progress import Lines
from imbalkit_melanoma.fetching.record import Record
from imbalkit_melanoma.fetching.sources import Source
from imbalkit_melanoma.fetching.wanted import images_on_disk, names_wanted

FOLDER = "isic_archive"  # below `images`
ISIC_ID = re.compile(r"ISIC_\d{7}")
NOT_FETCHED = "not_fetched.csv"
MOST_FAILURES = 10  # in a row: then it is the server, not an image
BLOCK = 4096  # bytes of a disk's block


@dataclass(frozen=True)
class ArchiveErrand:
    """What is asked for, beyond the tables."""

    errand: Errand
    api: str
    threads: int
    melanomas_only: bool = False  # of ISIC 2019

    @property
    def images(self) -> Path:
        """Where the images go."""
        return self.errand.folder / "images" / FOLDER

    def wanted(self, source: Source) -> list[str]:
        """The images of a source that are asked for; needs its table."""
        only = self.melanomas_only and source.name == "isic_2019"
        return names_wanted(self.errand.folder, source, melanomas_only=only)

    def client(self, note: Callable[[str], None], stop: threading.Event | None = None) -> Client:
        """For one thread."""
        return Client(self.errand.retries, note, stop)


@dataclass(frozen=True)
class Offer:
    """What the archive says of the missing images."""

    pictures: list[Picture]
    gone: list[str]  # images that it does not have
    estimate: Estimate


def missing_images(asked: ArchiveErrand) -> dict[Source, list[str]]:
    """The images that are not there, by source. Asks no server. Raises DataError for names that are not the archive's.

    Any file that the data sets would find counts, but those of this errand only in the size that the archive stated.
    """
    folder = asked.errand.folder
    there, stated, record = images_on_disk(folder), read_licences(folder), Record.read(folder)

    def is_there(name: str) -> bool:
        path = there.get(name)
        if path is None or path.parent != asked.images:
            return path is not None
        known = name in stated and record.sum_of(path) is not None
        return known and path.stat().st_size == stated[name].size

    missing: dict[Source, list[str]] = {}
    seen: set[str] = set()
    for source in asked.errand.sources:
        names = asked.wanted(source)
        if wrong := [name for name in names if not ISIC_ID.fullmatch(name)]:
            raise DataError(
                f"{source.tables[0].name} names images that are none of the archive's (such as ISIC_0000000): "
                f"{listing(wrong, 5)}"
            )
        missing[source] = [name for name in names if name not in seen and not is_there(name)]
        seen.update(names)
    return missing


def look_up_images(asked: ArchiveErrand, missing: dict[Source, list[str]], note: Callable[[str], None]) -> Offer:
    """Ask the archive for sizes, licences and addresses: page by page, or image by image where that asks less often."""
    found: dict[str, Picture] = {}
    client = asked.client(note)
    for source, names in missing.items():
        if len(names) > len(names_wanted(asked.errand.folder, source)) / PAGE:
            found |= _listed(client, asked.api, source, names, note)
    names = [name for several in missing.values() for name in several]
    gone = []

    def keep(name: str, picture: Picture | None) -> None:
        if picture is None:
            gone.append(name)
        else:
            found[name] = picture

    rest = [name for name in names if name not in found]
    for_each(
        rest,
        lambda client, name: ask_for(client, asked.api, name),
        keep,
        asked.threads,
        lambda stop: asked.client(note, stop),
    )
    pictures = [found[name] for name in names if name in found]
    return Offer(pictures, sorted(gone), _estimate(asked, pictures))


def _listed(
    client: Client, api: str, source: Source, names: list[str], note: Callable[[str], None]
) -> dict[str, Picture]:
    """What the archive's list of a collection says of some images."""
    wanted, found, read = set(names), {}, 0
    note(f"asking {public(api)} for the images of {source.title}")
    for total, pictures in list_collection(client, api, source.collection):
        found |= {picture.isic_id: picture for picture in pictures if picture.isic_id in wanted}
        read += len(pictures)
        if read % 5000 < len(pictures):
            note(f"{read:,} of {total:,} read")
        if len(found) == len(wanted):
            break
    return found


def _estimate(asked: ArchiveErrand, pictures: list[Picture]) -> Estimate:
    """Bytes to come; files fill whole blocks."""
    folder = asked.images
    there = {path.name: path.stat().st_size for path in folder.iterdir()} if folder.is_dir() else {}
    sizes = [picture.size for picture in pictures if there.get(picture.isic_id + picture.ending) != picture.size]
    disk = sum(-(-size // BLOCK) * BLOCK for size in sizes)
    free = shutil.disk_usage(nearest_folder(asked.errand.folder)).free
    return Estimate([(f"{len(sizes):,} images", sum(sizes), 0)], sum(sizes), disk, free, {})


def fetch_images(asked: ArchiveErrand, offer: Offer, progress: Lines) -> dict[str, str]:
    """Fetch what is offered; why an image did not come, by name, also in `not_fetched.csv`.

    Raises DataError when many images in a row fail; what came is kept, whatever happens.
    """
    folder = asked.errand.folder
    reasons = dict.fromkeys(offer.gone, GONE)
    failures = 0
    with locked(folder):
        record = Record.read(folder)
        stated = read_licences(folder) | {
            p.isic_id: Statement(p.isic_id, p.size, p.licence, p.attribution) for p in offer.pictures
        }
        write_licences(folder, (stated[name] for name in sorted(stated)))
        write_licence(asked.errand, record)
        asked.images.mkdir(parents=True, exist_ok=True)
        if offer.pictures:
            progress.step(f"{len(offer.pictures):,} images", sum(picture.size for picture in offer.pictures))

        def keep(picture: Picture, outcome: Outcome) -> None:
            nonlocal failures
            progress.advance(picture.size)
            if outcome.path is not None:
                record.add_sum(outcome.path, outcome.sha256)
                failures = 0
                return
            reasons[picture.isic_id] = outcome.reason
            failures += outcome.reason != GONE
            if failures == MOST_FAILURES:
                raise DataError(
                    f"{failures} images in a row could not be fetched, the last one {picture.isic_id}: "
                    f"{outcome.reason}. What came is kept; the same command goes on from here"
                )

        try:
            for_each(
                offer.pictures,
                lambda client, picture: bring_picture(client, asked.api, picture, asked.images),
                keep,
                asked.threads,
                lambda stop: asked.client(progress.note, stop),
            )
            now = datetime.now(timezone.utc).isoformat(timespec="seconds")
            here = sum(name.startswith(f"images/{FOLDER}/") for name in record.sums)
            record.keep(FOLDER, url=public(asked.api), fetched=now, pictures=here)
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


def require_all(asked: ArchiveErrand, reasons: dict[str, str]) -> None:
    """Raises DataError that names the images which did not come."""
    if not reasons:
        return
    gone = [name for name, reason in sorted(reasons.items()) if reason == GONE]
    other = [f"{name} ({reason})" for name, reason in sorted(reasons.items()) if reason != GONE]
    said = [f"{len(gone):,} are not in the archive (any more): {listing(gone)}"] if gone else []
    said += [f"{len(other):,} could not be fetched: {listing(other, 5)}"] if other else []
    raise DataError(
        f"{len(reasons):,} images did not come; {'; '.join(said)}. {asked.errand.folder / NOT_FETCHED} lists them; all "
        "others are kept. The same command asks for them again; --via archives gets the challenge's own files"
    )
