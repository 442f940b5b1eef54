"""The API of the ISIC Archive: its records of the images of a collection, or of one image. Why not isic-cli: `__init__.py`.

Sources: isic-cli 12.4 (`isic_cli/io/http.py`, `session.py`) and the server's own code (github.com/ImageMarkup/isic:
`isic/core/api/image.py`, `isic/core/pagination.py`, `isic/core/storages/s3.py`):

- GET images/search/?query=&collections=NUMBER is a page: `results`, `next` (the address of the next page, or null) and,
  on the first page, `count`. No page is longer than 100.
- GET images/ISIC_ID/ is one image; 404 if the public cannot see it (any more).
- An image has `isic_id`, `copyright_license`, `attribution`, `files.full.url` and `files.full.size` (bytes), among others.
- `files.full.url` may be signed, for six to seven days; afterwards it is refused.
- isic-cli retries after 429, 500, 502, 503 and 504, and respects Retry-After. The limits are published nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlencode, urlsplit

from imbalkit.errors import DataError
from imbalkit_melanoma.fetching.client import Client, Refused, public
from imbalkit_melanoma.fetching.unpack import PICTURES

OFFICIAL = "https://api.isic-archive.com/api/v2"
PAGE = 100  # images; the server's limit
MOST_PAGES = 100_000
HOSTS = (".isic-archive.com", ".amazonaws.com", ".cloudfront.net")  # where the archive keeps its files


@dataclass(frozen=True)
class ArchiveImage:
    """The archive's record of an image."""

    isic_id: str
    url: str
    size: int  # bytes
    licence: str  # such as CC-BY-NC
    attribution: str

    @property
    def suffix(self) -> str:
        """Of its file's name, from the address as in isic-cli."""
        suffix = PurePosixPath(urlsplit(self.url).path).suffix.lower()
        return suffix if suffix in PICTURES else ".jpg"


def list_collection(client: Client, api: str, collection: int) -> Iterator[tuple[int, list[ArchiveImage]]]:
    """The images of a collection page by page, each with the number of all images (0 if the server does not state it).

    Raises DataError where there is no such API, or for a response of another form.
    """
    url = f"{api.rstrip('/')}/images/search/?{urlencode({'query': '', 'collections': collection, 'limit': PAGE})}"
    total, pages = 0, 0
    while url:
        try:
            page = client.read_json(url)
        except Refused as refused:
            raise DataError(
                f"{public(url)} answered {refused.status}: there is no API of the ISIC Archive, or it lacks this "
                "collection; see --api, or use --via archives"
            ) from None
        try:
            total = page.get("count") or total
            images, next_url = [_image(entry, api) for entry in page["results"]], page["next"]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _other_form(url, error) from None
        if next_url:
            _require_known(next_url, api)
        pages += 1
        if pages > MOST_PAGES:
            raise DataError(f"{public(url)} has more than {MOST_PAGES:,} pages: use --via archives")
        yield total, images
        url = next_url


def read_image(client: Client, api: str, isic_id: str) -> ArchiveImage | None:
    """One image, or None if the archive does not have it (any more). Raises DataError for a response of another form."""
    url = f"{api.rstrip('/')}/images/{isic_id}/"
    try:
        record = client.read_json(url)
    except Refused as refused:
        if refused.status in (404, 410):
            return None
        raise
    try:
        image = _image(record, api)
        if image.isic_id != isic_id:
            raise ValueError(f"the image {image.isic_id}")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _other_form(url, error) from None
    return image


def _image(entry: Any, api: str) -> ArchiveImage:
    file = entry["files"]["full"]
    _require_known(str(file["url"]), api)
    return ArchiveImage(
        str(entry["isic_id"]),
        str(file["url"]),
        int(file["size"]),
        str(entry["copyright_license"]),
        str(entry["attribution"]),
    )


def _require_known(url: str, api: str) -> None:
    """Raise DataError for an address that is neither on the API's own host nor, by https, on one of `HOSTS`."""
    address, own = urlsplit(url), urlsplit(api)
    same_host = (address.scheme, address.hostname, address.port) == (own.scheme, own.hostname, own.port)
    if not same_host and not (address.scheme == "https" and f".{address.hostname or ''}".endswith(HOSTS)):
        raise DataError(
            f"{public(api)} names the address {public(url)!r}, which is neither its own nor one of the archive's "
            f"({', '.join(f'https://*{host}' for host in HOSTS)}): nothing is fetched from there"
        )


def _other_form(url: str, error: Exception) -> DataError:
    return DataError(
        f"{public(url)} answered in another form than isic-cli 12.4 expects (expected isic_id, copyright_license, "
        f"attribution, files.full.url and files.full.size of each image; {type(error).__name__}: {error}); use --via archives"
    )
