"""The steps of a fetch: missing files, their sizes, disk space, download and unpacking."""

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
from imbalkit_melanoma.fetching.download import download, part_path, use_local_file
from imbalkit_melanoma.fetching.licences import read_licences, summarise
from imbalkit_melanoma.fetching.progress import ProgressLines
from imbalkit_melanoma.fetching.record import Record
from imbalkit_melanoma.fetching.sources import SOURCES, File, Source, licence_text
from imbalkit_melanoma.fetching.unpack import unpack


@dataclass(frozen=True)
class FetchSettings:
    """What to download, and how."""

    sources: tuple[Source, ...]
    folder: Path
    tables_only: bool = False
    keep_zips: bool = False
    mirror: str | None = None
    retries: int = 5


@dataclass(frozen=True)
class Job:
    """One file that is not complete."""

    file: File
    target: Path
    images: Path | None  # where an archive is unpacked to
    on_disk: bool  # so that it need not be downloaded


@dataclass(frozen=True)
class Estimate:
    """Sizes in bytes, as the server states them."""

    files: list[tuple[str, int | None, int]]  # name, size, bytes of an earlier download
    download: int
    disk: int  # the most that is needed at one time, beyond what is on disk now
    free: int
    remotes: dict[str, Remote]


def missing_files(settings: FetchSettings) -> list[Job]:
    """Files that are not complete, tables first; no server is asked."""
    record = Record.read(settings.folder)
    jobs = []
    for source in settings.sources:
        for file in source.tables:
            target = settings.folder / "tables" / file.name
            if not record.intact(file.name, target):
                jobs.append(Job(file, target, None, on_disk=target.is_file()))
    for source in () if settings.tables_only else settings.sources:
        for file in source.archives:
            target, images = (
                settings.folder / "downloads" / file.name,
                settings.folder / "images" / Path(file.name).stem,
            )
            if not record.unpacked(file.name, images):
                jobs.append(Job(file, target, images, on_disk=target.is_file()))
    return jobs


def look_up(settings: FetchSettings, jobs: list[Job], note: Callable[[str], None]) -> Estimate:
    """Sizes from the server.

    An archive counts as large unpacked as packed: photographs as JPEG do not shrink in a zip.
    """
    client = Client(settings.retries, note)
    files, remotes = [], {}
    download = used = most = 0
    for job in jobs:
        size = job.target.stat().st_size if job.on_disk else 0
        if not job.on_disk:
            remote = remotes[job.file.name] = client.look_up(job.file.address(settings.mirror))
            size = remote.size or 0
            part = part_path(job.target)
            already = part.stat().st_size if part.is_file() else 0
            files.append((job.file.name, remote.size, min(already, size)))
            download += max(0, size - already)
            used += max(0, size - already)
        if job.images is not None:
            unpacked = sum(p.stat().st_size for p in job.images.iterdir()) if job.images.is_dir() else 0
            used += max(0, size - unpacked)
        most = max(most, used)
        if job.images is not None and not settings.keep_zips:
            used -= size
    margin = most // 100  # files fill whole blocks
    return Estimate(files, download, most + margin, shutil.disk_usage(nearest_folder(settings.folder)).free, remotes)


def require_space(settings: FetchSettings, estimate: Estimate) -> None:
    """Raises DataError if the disk is too small."""
    from rich.filesize import decimal

    if estimate.disk > estimate.free:
        raise DataError(
            f"the disk of {settings.folder} has {decimal(estimate.free)} free, but {decimal(estimate.disk)} are needed: "
            "make room, choose another folder with --to, fetch one set at a time, or use --tables-only"
        )


def download_files(
    settings: FetchSettings, jobs: list[Job], remotes: dict[str, Remote], progress: ProgressLines
) -> None:
    """Download, check, unpack. Finished files stay, whatever happens."""
    with locked(settings.folder):
        record = Record.read(settings.folder)
        write_licence(settings, record)
        try:
            for job in jobs:
                _do(settings, job, remotes, record, progress)
        finally:
            record.close()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The folder, made and locked for one fetch. Raises DataError while another holds it."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(folder / ".fetch.lock").acquire(timeout=0)
    except Timeout:
        raise DataError(f"another fetch is running in {folder}: wait for it, or choose another --to") from None
    with lock:
        yield


def _do(settings: FetchSettings, job: Job, remotes: dict[str, Remote], record: Record, progress: ProgressLines) -> None:
    name = job.file.name
    if not record.intact(name, job.target):
        if job.on_disk:
            facts = use_local_file(job.file, job.target, progress)
        else:
            client = Client(settings.retries, progress.note)
            facts = download(client, job.file, job.file.address(settings.mirror), job.target, remotes[name], progress)
        record.add_sum(job.target, facts["sha256"])
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        record.update(name, **facts, fetched=now, unpacked=False)
        progress.note(f"{name} is complete, checked by {', '.join(facts['checked']) or 'its form alone'}")
    if job.images is not None:
        pictures = unpack(job.target, job.images, record, progress)
        record.update(name, unpacked=True, pictures=pictures)
        progress.note(f"{name} is unpacked: {pictures:,} images")
        if not settings.keep_zips:
            record.remove_sum(job.target)
            job.target.unlink()


def write_licence(settings: FetchSettings, record: Record) -> None:
    """The licence beside the data, of this download and earlier ones."""
    sources = [
        source
        for source in SOURCES.values()
        if source in settings.sources or any(f.name in record.files for f in (*source.tables, *source.archives))
    ]
    text = "\n".join(filter(None, (licence_text(sources), summarise(read_licences(record.folder).values()))))
    write_text(record.folder / "LICENCE.txt", text)


def disk_error_text(error: OSError, folder: Path) -> str:
    """The message for a file that cannot be written or read."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        from rich.filesize import decimal

        free = shutil.disk_usage(nearest_folder(folder)).free
        return (
            f"the disk of {folder} is full ({decimal(free)} free): make room; downloaded files stay, and the same "
            "command resumes there"
        )
    return f"{error.filename or folder}: {error.strerror or error}"


def nearest_folder(folder: Path) -> Path:
    """The folder, or its nearest parent that exists."""
    folder = folder.absolute()
    return next(path for path in (folder, *folder.parents) if path.exists())
