"""The command's output while it serves: addresses, a QR code for the phone, and why a phone would get no camera."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator

from imbalkit_app.addresses import is_any, is_loop, lan_addresses
from imbalkit_lite.errors import MissingExtraError

CERTIFICATE = "imbalkit.crt"  # served beside the app with --https, for a phone to install


def require_segno() -> None:
    """Raise MissingExtraError where the package for QR codes is not installed."""
    try:
        import segno  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(f'--https needs segno: pip install "imbalkit[app]" ({error})') from None


def urls(scheme: str, host: str, port: int) -> list[str]:
    """The addresses that a server listens at, those for other machines first."""
    hosts = [*lan_addresses(), "localhost"] if is_any(host) else [f"[{host}]" if ":" in host else host]
    usual = {"http": 80, "https": 443}[scheme]
    return [f"{scheme}://{each}{'' if port == usual else f':{port}'}/" for each in hosts]


def invitation(scheme: str, host: str, port: int) -> Iterator[str]:
    """Lines for a person."""
    found = urls(scheme, host, port)
    yield "the app is at " + "  ".join(found)
    if scheme == "https":
        if not is_loop(host):
            yield from qr_code(found[0])
        yield "the browser warns of the certificate, as this machine signed it itself: go on all the same for the camera;"
        yield f"to install the app and use it offline, install {found[0]}{CERTIFICATE} on the phone first (docs/app.md)"
    elif is_loop(host):
        yield "for a phone: --https (browsers give the camera to https and to this machine itself, to no other http)"
    else:
        yield "other machines get no camera and nothing offline from http, only pictures that they open: for those --https"
    yield "Ctrl-C ends it"


def qr_code(text: str) -> Iterator[str]:
    """Lines of a QR code for a terminal; nothing where its encoding has no blocks."""
    import segno

    stream = io.StringIO()
    segno.make(text, micro=False).terminal(out=stream, compact=True)
    try:
        stream.getvalue().encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return
    yield from stream.getvalue().splitlines()
