"""Images at remote places, through fsspec: s3://, gs://, https:// and others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

from imbalkit.kinds import Container, DataError, Facts, Members, MissingExtraError

_AT_ONCE = 16  # requests of one thread that fills the cache
_ASKED = 16  # images whose facts are asked for one by one, before their folder is listed
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "created")
_VERSIONS = ("ETag", "etag", "generation", "md5Hash", "content_settings")


class Remote(Container):
    """A place that fsspec reads: `s3://bucket/set/a.jpg`, `https://host/a.jpg`. Each image is fetched once, into the cache.

    Needs fsspec, and its package of the scheme (s3fs for s3://, aiohttp for https://). Keys, endpoints and other options
    are those of fsspec's own configuration.
    """

    name = "remote"
    schemes = ("s3", "s3a", "gs", "gcs", "az", "abfs", "http", "https", "ftp", "sftp", "hf", "memory")
    requires = {"fsspec": "imbalkit[s3]"}

    def open(self, place: str) -> Members:
        return RemoteMembers(place)

    def example(self, folder: Path, files: Mapping[str, bytes]) -> tuple[str, list[str]]:
        import fsspec

        place = f"memory://{folder.as_posix().strip('/')}"
        fsspec.filesystem("memory").pipe({f"{place}/{name}": content for name, content in files.items()})
        return place, list(files)


class RemoteMembers(Members):
    """What lies below a remote place; asked for over the network when it is needed, and listed once."""

    def __init__(self, place: str):
        self.place = place if place.endswith("/") else place + "/"
        self._facts: dict[str, Facts | None] = {}

    @cached_property
    def _system(self) -> Any:
        import fsspec

        try:
            return fsspec.core.url_to_fs(self.place)[0]
        except ImportError as error:  # the scheme's own package
            raise MissingExtraError(f"{self.place} needs a package that is not installed: {error}") from None
        except Exception as error:
            raise _failed(self.place, error) from None

    def names(self) -> Sequence[str]:
        root = self._system._strip_protocol(self.place).rstrip("/") + "/"
        try:
            return [name[len(root) :] for name in self._system.find(root)]
        except Exception as error:
            raise _failed(self.place, error) from None

    def __contains__(self, name: str) -> bool:
        return self.facts(name) is not None

    def in_order(self, names: Iterable[str]) -> list[str]:
        return list(names)

    def read(self, name: str) -> bytes:
        try:
            return bytes(self._system.cat_file(self.place + name))
        except Exception as error:
            raise _failed(self.place + name, error) from None

    def read_several(self, names: Sequence[str]) -> Sequence[bytes | DataError]:
        read = super().read_several
        if len(names) == 1:
            return read(names)
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="imbalkit-fetch") as pool:
            return [found for (found,) in pool.map(lambda name: read([name]), names)]

    def facts(self, name: str) -> Facts | None:
        if name not in self._facts:
            if len(self._facts) >= _ASKED:
                self._facts.update(self._listed)
            if name not in self._facts:
                self._facts[name] = self._asked(name)
        return self._facts[name]

    def _asked(self, name: str) -> Facts | None:
        try:
            info = self._system.info(self.place + name)
        except MissingExtraError:
            raise
        except Exception:  # said when it is read
            return None
        return None if info.get("type") == "directory" else _facts_of(info)

    @cached_property
    def _listed(self) -> dict[str, Facts | None]:
        """Facts of all images of the folder; none where it cannot be listed, as that of a web server."""
        try:
            infos = [] if self.place.startswith("http") else self._system.ls(self.place, detail=True)
        except Exception:
            return {}
        return {info["name"].rpartition("/")[2]: _facts_of(info) for info in infos if info.get("type") != "directory"}


def _facts_of(info: Mapping[str, Any]) -> Facts:
    """Size, time and version as the place states them, 0 for what it does not."""
    time = next((info[key] for key in _TIMES if info.get(key)), 0)
    seconds = time.timestamp() if hasattr(time, "timestamp") else time if isinstance(time, int | float) else 0
    version = "".join(str(info[key]) for key in _VERSIONS if info.get(key))
    digest = hashlib.blake2b(version.encode(), digest_size=7).digest() if version else b""
    return Facts(int(info.get("size") or 0), int(seconds * 10**9), int.from_bytes(digest, "little"))


def _failed(what: str, error: Exception) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(f"there is nothing at {what}")
    reason = " ".join(str(error).split()) or type(error).__name__
    return DataError(f"{what} cannot be read ({reason})")
