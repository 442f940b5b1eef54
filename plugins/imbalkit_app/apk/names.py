"""What Android calls an app: its id, its label, and its version."""

from __future__ import annotations

import re
import zlib
from datetime import datetime, timezone

from imbalkit_lite.errors import ImbalkitError
from imbalkit_lite.text import printable

MOST_ID = 200  # characters; Android makes a folder's name of it
MOST_VERSION = 2_100_000_000  # of a store; Android's own limit is 2**31 - 1
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+")


class AppNameError(ImbalkitError):
    """An id or a label that no app can have."""


def app_id(name: str, fingerprint: str) -> str:
    """An id that is of one key alone: `org.imbalkit.k<8 hex digits of the certificate>.<name>`.

    Android's developer verification gives an id to the key that registers it first. What is no letter or digit of ASCII falls
    away, and a checksum of the whole name stands for it.

    >>> app_id("Moles of a test", "c0ffee" * 10 + "abcd")
    'org.imbalkit.kc0ffeec0.moles_of_a_test'
    """
    plain = re.sub(r"[ _-]+", "_", name.lower())
    slug = "_".join(re.findall(r"[a-z0-9]+", plain))[:40].rstrip("_")
    if slug != plain:
        slug = f"{slug}_{zlib.crc32(name.encode('utf-8', 'surrogatepass')):08x}".lstrip("_")
    return f"org.imbalkit.k{fingerprint[:8]}.{slug if slug[:1].isalpha() else 'app_' + slug}"


def check_id(name: str) -> str:
    """An id as it is. Raises AppNameError where it is none of Android's."""
    if len(name) > MOST_ID or not _ID.fullmatch(name):
        raise AppNameError(
            "--apk-id: expected two or more words with dots between them, such as org.example.moles, of letters a to z, digits "
            f"and _, each beginning with a letter, {MOST_ID} characters at most; got {name[: MOST_ID + 10]!r}"
        )
    return name


def clean_label(text: str) -> str:
    """A label as a phone may show it: one line, without control codes. Raises AppNameError where nothing is left."""
    label = printable(" ".join(text.split()))
    if not label:
        raise AppNameError("--label: expected the name that a phone shows, got an empty one")
    return label


def version_code(created: str | None) -> int:
    """Minutes since 1970 of a time in ISO 8601, 1 where it is not known: a later export replaces an earlier one."""
    when = _time(created)
    return 1 if when is None else min(max(int(when.timestamp() // 60), 1), MOST_VERSION)


def version_name(created: str | None, imbalkit: str) -> str:
    """What a phone's settings show: the day of the export and imbalkit's version.

    >>> version_name("2026-11-27T08:30:00Z", "0.1.0")
    '2026-11-27, imbalkit 0.1.0'
    """
    when = _time(created)
    return f"imbalkit {imbalkit}" if when is None else f"{when:%Y-%m-%d}, imbalkit {imbalkit}"


def _time(created: str | None) -> datetime | None:
    try:
        when = datetime.fromisoformat((created or "").replace("Z", "+00:00"))  # Python 3.10 does not know the Z
        return (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
