"""The whole errand: what is still to do, how large it is, doing it, and what is there in the end."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from imbalkit.errors import DataError
from imbalkit_lite.files import write_text
from imbalkit_melanoma.fetching.client import Client, Remote
from imbalkit_melanoma.fetching.download import adopt, bring, part_of
from imbalkit_melanoma.fetching.licences import read_licences, summarise
from imbalkit_melanoma.fetching.progress import Lines
from imbalkit_melanoma.fetching.record import Record
from imbalkit_melanoma.fetching.sources import SOURCES, File, Source, licence_text
from imbalkit_melanoma.fetching.unpack import unpack


@dataclass(frozen=True)
class Errand:
    """What is asked for."""

    sources: tuple[Source, ...]
    folder: Path
    tables_only: bool = False
    keep_zips: bool = False
    mirror: str | None = None
    retries: int = 5


@dataclass(frozen=True)
class Job:
    """One file that is not done."""

    file: File
    target: Path
    images: Path | None  # where an archive is unpacked to
    here: bool  # on disk, so that nothing is to be downloaded


@dataclass(frozen=True)
class Estimate:
    """Sizes in bytes, from what the server says."""

    files: list[tuple[str, int | None, int]]  # name, size, bytes that came before
    download: int
    disk: int  # the most that is needed at one time, above what is on disk now
    free: int
    remotes: dict[str, Remote]


def outstanding(errand: Errand) -> list[Job]:
    """What is not done, tables first. Asks no server."""
    record = Record.read(errand.folder)
    jobs = []
    for source in errand.sources:
        for file in source.tables:
            target = errand.folder / "tables" / file.name
            if not record.intact(file.name, target):
                jobs.append(Job(file, target, None, here=target.is_file()))
    for source in () if errand.tables_only else errand.sources:
        for file in source.archives:
            target, images = errand.folder / "downloads" / file.name, errand.folder / "images" / Path(file.name).stem
            if not record.unpacked(file.name, images):
                jobs.append(Job(file, target, images, here=target.is_file()))
    return jobs


def look_up(errand: Errand, jobs: list[Job], note: Callable[[str], None]) -> Estimate:
    """Ask the server for the sizes.

    An archive is taken to be as large unpacked as packed: photographs as JPEG do not shrink in a zip.
    """
    client = Client(errand.retries, note)
    files, remotes = [], {}
    download = used = most = 0
    for job in jobs:
        size = job.target.stat().st_size if job.here else 0
        if not job.here:
            remote = remotes[job.file.name] = client.look_up(job.file.address(errand.mirror))
            size = remote.size or 0
            part = part_of(job.target)
            already = part.stat().st_size if part.is_file() else 0
            files.append((job.file.name, remote.size, min(already, size)))
            download += max(0, size - already)
            used += max(0, size - already)
        if job.images is not None:
            unpacked = sum(p.stat().st_size for p in job.images.iterdir()) if job.images.is_dir() else 0
            used += max(0, size - unpacked)
        most = max(most, used)
        if job.images is not None and not errand.keep_zips:
            used -= size
    margin = most // 100  # files fill whole blocks
    return Estimate(files, download, most + margin, shutil.disk_usage(nearest_folder(errand.folder)).free, remotes)


def require_space(errand: Errand, estimate: Estimate) -> None:
    """Raises DataError if the disk is too small."""
    from rich.filesize import decimal

    if estimate.disk > estimate.free:
        raise DataError(
            f"the disk of {errand.folder} has {decimal(estimate.free)} free, but {decimal(estimate.disk)} are needed: "
            "make room, choose another folder with --to, fetch one set at a time, or take --tables-only"
        )


def carry_out(errand: Errand, jobs: list[Job], remotes: dict[str, Remote], progress: Lines) -> None:
    """Fetch, check, unpack. What is done stays done, whatever happens."""
    with locked(errand.folder):
        record = Record.read(errand.folder)
        write_licence(errand, record)
        try:
            for job in jobs:
                _do(errand, job, remotes, record, progress)
        finally:
            record.close()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The folder, made and for one fetch alone. Raises DataError while another is at work."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(folder / ".fetch.lock").acquire(timeout=0)
    except Timeout:
        raise DataError(f"another fetch is at work in {folder}: wait for it, or choose another --to") from None
    with lock:
        yield


def _do(errand: Errand, job: Job, remotes: dict[str, Remote], record: Record, progress: Lines) -> None:
    name = job.file.name
    if not record.intact(name, job.target):
        if job.here:
            facts = adopt(job.file, job.target, progress)
        else:
            client = Client(errand.retries, progress.note)
            facts = bring(client, job.file, job.file.address(errand.mirror), job.target, remotes[name], progress)
        record.add_sum(job.target, facts["sha256"])
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        record.keep(name, **facts, fetched=now, unpacked=False)
        progress.note(f"{name} is here, checked by {', '.join(facts['checked']) or 'its form alone'}")
    if job.images is not None:
        pictures = unpack(job.target, job.images, record, progress)
        record.keep(name, unpacked=True, pictures=pictures)
        progress.note(f"{name} is unpacked: {pictures:,} images")
        if not errand.keep_zips:
            record.forget(job.target)
            job.target.unlink()


def write_licence(errand: Errand, record: Record) -> None:
    """The licence beside the data, for what comes and what came before."""
    sources = [
        source
        for source in SOURCES.values()
        if source in errand.sources or any(f.name in record.files for f in (*source.tables, *source.archives))
    ]
    text = "\n".join(filter(None, (licence_text(sources), summarise(read_licences(record.folder).values()))))
    write_text(record.folder / "LICENCE.txt", text)


def disk_trouble(error: OSError, folder: Path) -> str:
    """What to say of a file that cannot be written or read."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        from rich.filesize import decimal

        free = shutil.disk_usage(nearest_folder(folder)).free
        return (
            f"the disk of {folder} is full ({decimal(free)} free): make room; what came is kept, and the same command "
            "goes on from there"
        )
    return f"{error.filename or folder}: {error.strerror or error}"


def nearest_folder(folder: Path) -> Path:
    """The folder, or the parent that is there."""
    folder = folder.absolute()
    return next(path for path in (folder, *folder.parents) if path.exists())
