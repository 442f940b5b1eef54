"""The API of the ISIC Archive: what it says of the images of a collection, or of one image.

Learnt from isic-cli 12.4 (`isic_cli/io/http.py`, `session.py`) and the server's own code (github.com/ImageMarkup/isic:
`isic/core/api/image.py`, `isic/core/pagination.py`, `isic/core/storages/s3.py`):

- GET images/search/?query=&collections=NUMBER is a page: `results`, `next` (the address of the next page, or null) and,
  on the first page, `count`. No page is longer than 100.
- GET images/ISIC_ID/ is one image; 404 if the public cannot see it (any more).
- An image has `isic_id`, `copyright_license`, `attribution`, `files.full.url` and `files.full.size` (bytes), among others.
- `files.full.url` may be signed, for six to seven days; afterwards it is refused.
- isic-cli tries again after 429, 500, 502, 503 and 504, and heeds Retry-After. The limits are published nowhere.
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
class Picture:
    """What the archive says of an image."""

    isic_id: str
    url: str
    size: int  # bytes
    licence: str  # such as CC-BY-NC
    attribution: str

    @property
    def ending(self) -> str:
        """Of its file's name; isic-cli takes it from the address, too."""
        ending = PurePosixPath(urlsplit(self.url).path).suffix.lower()
        return ending if ending in PICTURES else ".jpg"


def list_collection(client: Client, api: str, collection: int) -> Iterator[tuple[int, list[Picture]]]:
    """The images of a collection page by page, each with how many there are in all (0 if the server does not say).

    Raises DataError where there is no such API, or it answers in another form.
    """
    url = f"{api.rstrip('/')}/images/search/?{urlencode({'query': '', 'collections': collection, 'limit': PAGE})}"
    total, pages = 0, 0
    while url:
        try:
            page = client.read_json(url)
        except Refused as refused:
            raise DataError(
                f"{public(url)} answered {refused.status}: there is no API of the ISIC Archive, or it lacks this "
                "collection; see --api, or take --via archives"
            ) from None
        try:
            total = page.get("count") or total
            images, following = [_picture(entry, api) for entry in page["results"]], page["next"]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _other_form(url, error) from None
        if following:
            _require_known(following, api)
        pages += 1
        if pages > MOST_PAGES:
            raise DataError(f"{public(url)} has more than {MOST_PAGES:,} pages: take --via archives")
        yield total, images
        url = following


def ask_for(client: Client, api: str, isic_id: str) -> Picture | None:
    """One image, or None if the archive does not have it (any more). Raises DataError for an answer in another form."""
    url = f"{api.rstrip('/')}/images/{isic_id}/"
    try:
        answer = client.read_json(url)
    except Refused as refused:
        if refused.status in (404, 410):
            return None
        raise
    try:
        picture = _picture(answer, api)
        if picture.isic_id != isic_id:
            raise ValueError(f"the image {picture.isic_id}")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _other_form(url, error) from None
    return picture


def _picture(entry: Any, api: str) -> Picture:
    file = entry["files"]["full"]
    _require_known(str(file["url"]), api)
    return Picture(
        str(entry["isic_id"]),
        str(file["url"]),
        int(file["size"]),
        str(entry["copyright_license"]),
        str(entry["attribution"]),
    )


def _require_known(url: str, api: str) -> None:
    """Raise DataError for an address that is neither on the API's own host nor, by https, on one of `HOSTS`."""
    there, here = urlsplit(url), urlsplit(api)
    own = (there.scheme, there.hostname, there.port) == (here.scheme, here.hostname, here.port)
    if not own and not (there.scheme == "https" and f".{there.hostname or ''}".endswith(HOSTS)):
        raise DataError(
            f"{public(api)} names the address {public(url)!r}, which is neither its own nor one of the archive's "
            f"({', '.join(f'https://*{host}' for host in HOSTS)}): nothing is fetched from there"
        )


def _other_form(url: str, error: Exception) -> DataError:
    return DataError(
        f"{public(url)} answered in another form than that of isic-cli 12.4 (expected isic_id, copyright_license, "
        f"attribution, files.full.url and files.full.size of each image; {type(error).__name__}: {error}); take --via archives"
    )
