"""HTTP: what a server states about a file, its bytes from an offset on, and retries.

The retries are not urllib3's: its Retry ends where a body begins, and most failures of a 23 GB file come after that.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from imbalkit import __version__
from imbalkit.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    from requests import Response

TEMPORARY = {408, 425, 429, 500, 502, 503, 504}  # status codes that are worth a retry
CHUNK = 1 << 16  # bytes
MOST_JSON = 1 << 24  # bytes of a response; a page of a hundred images has some 200,000
LONGEST_PAUSE = 60.0  # seconds
LONGEST_RETRY_AFTER = 900.0  # seconds; a server that requests a longer pause is tried earlier
TIMEOUT = (10.0, 60.0)  # seconds: to connect, between bytes
Result = TypeVar("Result")


class TemporaryError(Exception):
    """A failure that may not happen again: worth a retry."""

    def __init__(self, message: str, pause: float | None = None, advice: str = ""):
        super().__init__(message)
        self.pause = pause  # seconds, as the server requests
        self.advice = advice  # for the user, once all retries have failed


class OutOfRange(TemporaryError):
    """The server's file has no bytes from there on."""


class Refused(DataError):
    """A server refuses a file."""

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.status = status


class Stopped(Exception):
    """Another thread failed, so that this work is not needed any more."""


@dataclass(frozen=True)
class Remote:
    """What a server states about a file."""

    size: int | None  # bytes
    etag: str | None
    md5: str | None  # hex, where the server's ETag is one

    @classmethod
    def of(cls, response: Response) -> Remote:
        """From the headers of a whole (200) or partial (206) response."""
        headers = response.headers
        if response.status_code == 206:
            total = headers.get("Content-Range", "").rpartition("/")[2]
        else:
            total = headers.get("Content-Length", "")
        etag = headers.get("ETag")
        # S3: the ETag is the MD5 unless the upload came in parts ("...-17") or a key of the owner's encrypts it.
        own_key = "kms" in headers.get("x-amz-server-side-encryption", "") or any(
            name.lower().startswith("x-amz-server-side-encryption-customer") for name in headers
        )
        plain = re.fullmatch(r'"([0-9a-f]{32})"', etag or "")
        md5 = plain[1] if plain and headers.get("Server") == "AmazonS3" and not own_key else None
        return cls(int(total) if total.isdigit() else None, etag, md5)


class Client:
    """A session with retries, for one thread; setting `stop` ends its pauses and downloads with Stopped.

    Attributes:
        received: bytes so far
    """

    def __init__(self, retries: int, note: Callable[[str], None], stop: threading.Event | None = None):
        try:
            import requests
        except ImportError:
            raise MissingExtraError("downloads need the package requests: pip install 'imbalkit[melanoma]'") from None
        self.requests, self.retries, self.note, self.received = requests, retries, note, 0
        self.stop = stop or threading.Event()
        self.session = requests.Session()
        # identity: sizes and ranges count the bytes of the file itself
        self.session.headers.update({"User-Agent": f"imbalkit/{__version__}", "Accept-Encoding": "identity"})

    def look_up(self, url: str) -> Remote:
        """Size and checksum of a file, without its bytes.

        A GET that is closed after the headers: a signed redirect, as Dataverse gives, is refused for HEAD.
        """

        def ask() -> Remote:
            with self.open(url) as response:
                return Remote.of(response)

        return self.retry(ask)

    def read_json(self, url: str) -> Any:
        """A JSON response. Raises DataError for a large one or no JSON, Refused for a file that is not there."""

        def ask() -> bytes:
            content = bytearray()
            with self.open(url) as response:
                for chunk in self.chunks(url, response):
                    content += chunk
                    if len(content) > MOST_JSON:
                        raise DataError(
                            f"{public(url)} answered with more than {MOST_JSON:,} bytes, expected a page of JSON"
                        )
            return bytes(content)

        content = self.retry(ask)
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise DataError(f"{public(url)} answered with {content[:80]!r}, expected JSON") from None

    def retry(self, action: Callable[[], Result], resumes: bool = False) -> Result:
        """Call again after a TemporaryError, with growing pauses. Raises DataError after `retries` failures in a row.

        With `resumes`, the action goes on where it was: after a failure that let bytes through, counting starts again.
        """
        failures = 0
        while True:
            before = self.received
            try:
                return action()
            except TemporaryError as error:
                failures = 1 if resumes and self.received > before else failures + 1
                if failures > self.retries:
                    raise DataError(f"{error}{error.advice}; the same command resumes here") from None
                if error.pause is None:
                    pause = min(LONGEST_PAUSE, 2.0 ** (failures - 1))
                else:
                    pause = min(LONGEST_RETRY_AFTER, error.pause)
                self.note(f"{error}; retry {failures} of {self.retries} in {pause:.0f} s")
                self.wait(pause)

    def wait(self, seconds: float) -> None:
        """Pause. Raises Stopped when `stop` is set meanwhile."""
        if self.stop.wait(seconds):
            raise Stopped

    def open(self, url: str, start: int = 0) -> Response:
        """A file's bytes from `start` on, as a streaming response to be closed.

        Raises TemporaryError where a retry may help, DataError where it cannot.
        """
        requests = self.requests
        try:
            response = self.session.get(
                url, headers={"Range": f"bytes={start}-"} if start else {}, stream=True, timeout=TIMEOUT
            )
        except requests.exceptions.SSLError as error:
            raise DataError(f"there is no secure connection to {_host(url)}: {_reason(error)}") from None
        except (requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema):
            raise DataError(f"expected an address that begins with https:// or http://, got {public(url)!r}") from None
        except (requests.ConnectionError, requests.Timeout) as error:
            raise TemporaryError(
                f"{_host(url)} cannot be reached ({_reason(error)})",
                advice=": check the connection (and HTTPS_PROXY behind a proxy), or name a --mirror",
            ) from None
        except (requests.RequestException, ValueError) as error:
            raise DataError(f"{public(url)} cannot be requested: {error}") from None
        if response.status_code in (200, 206):
            return response
        with response:
            raise _refusal(url, response)

    def chunks(self, url: str, response: Response) -> Iterator[bytes]:
        """The bytes of a response; a cut or silent connection is a TemporaryError."""
        requests = self.requests
        try:
            # A chunk that a break cuts short is lost in urllib3: small ones lose little.
            for chunk in response.iter_content(CHUNK):
                if self.stop.is_set():
                    raise Stopped
                self.received += len(chunk)
                yield chunk
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            raise TemporaryError(f"{_host(url)} broke the connection ({_reason(error)})") from None


def _refusal(url: str, response: Response) -> Exception:
    text = f"{public(url)} answered {response.status_code} {response.reason}"
    if response.status_code in TEMPORARY:
        return TemporaryError(text, _retry_after(response))
    if response.status_code == 416:
        return OutOfRange(text)
    if response.status_code in (401, 403, 404, 410):
        return Refused(
            f"{text}: the file is not (or no longer) available there. See https://challenge.isic-archive.com/data/ for "
            "where it is now and put it into the folder `downloads` (a table: `tables`) yourself, or name a --mirror",
            response.status_code,
        )
    return DataError(f"{text}: expected 200 or 206")


def _retry_after(response: Response) -> float | None:
    """Seconds that a server requests, as a number or until a date; None if it requests none, or another text."""
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry

    try:
        return Retry().parse_retry_after(response.headers.get("Retry-After", ""))
    except (InvalidHeader, ValueError, OverflowError):  # also numbers and years without end
        return None


def public(url: str) -> str:
    """An address without the user and password that a mirror's may hold, and without a signature."""
    parts = urlsplit(url)
    query = "" if "signature=" in parts.query.lower() else parts.query
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query))


def _host(url: str) -> str:
    return urlsplit(public(url)).netloc or url


def _reason(error: BaseException) -> str:
    """The innermost cause, without the object that urllib3 puts before it."""
    seen = set()
    while id(error) not in seen:
        seen.add(id(error))
        nested = (getattr(error, "reason", None), *error.args, error.__cause__)
        error = next((inner for inner in nested if isinstance(inner, BaseException)), error)
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return re.sub(r"^<.*?>: |^\w+\(.*?\): ", "", text)
