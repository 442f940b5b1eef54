"""`imbalkit app`: found through the entry point of the group imbalkit.commands alone."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from imbalkit_lite.command_line import say

if TYPE_CHECKING:
    from imbalkit_app.apk.making import Request
    from imbalkit_lite.card import Card

FILE = click.Path(path_type=Path)
PORTS = {"http": 8000, "https": 8443}
ALONE, EVERYONE = "127.0.0.1", "0.0.0.0"


@click.command("app")
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL.tflite|RUN")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write the app as a folder for any web server.  [default: MODEL-app beside the model]",
)
@click.option("--serve", is_flag=True, help="Write nothing: serve the app from here until Ctrl-C or SIGTERM.")
@click.option(
    "--host",
    help="Address to listen at.  [default: 127.0.0.1, this machine alone; with --https 0.0.0.0, the whole network]",
)
@click.option("--port", type=click.IntRange(0, 65535), help="0: any that is free.  [default: 8000; with --https 8443]")
@click.option(
    "--https", is_flag=True, help="With a certificate that this machine signs: a phone gives no camera to plain http."
)
@click.option(
    "--apk", type=FILE, metavar="FILE", help="Write a signed Android app (Android 7 or newer) and nothing else."
)
@click.option("--apk-id", metavar="ID", help="Its id on phones.  [default: org.imbalkit.kYOURKEY.NAME]")
@click.option("--label", metavar="TEXT", help="Its name on phones.  [default: the model's]")
@click.option("--icon", type=FILE, metavar="PNG", help="Its icon, square, at least 96 px a side.")
@click.option(
    "--key", type=FILE, metavar="FILE", help="The key that signs it.  [default: your own, made at the first time]"
)
@click.option("--backup-key", type=FILE, metavar="FILE", help="Also copy the key, without which no update is possible.")
def command(
    model: Path,
    out: Path | None,
    serve: bool,
    host: str | None,
    port: int | None,
    https: bool,
    apk: Path | None,
    **of_apk: Any,
) -> None:
    """Make an exported MODEL.tflite an app that reads a phone's camera: a page that works offline and sends nothing.

    Class names, threshold, abstention, input size and intended use are those in the file, and its predictions those of
    `imbalkit predict`. The folder can be hosted by any web server, at any path; a phone needs it over https. With --apk
    it is an app to install on Android phones, which needs no server. A finished RUN is exported first, into its folder.
    """
    if serve + (out is not None) + (apk is not None) > 1:
        raise click.UsageError("--out writes a folder, --apk a file, and --serve writes nothing: choose one of them")
    if not serve and (https or host is not None or port is not None):
        raise click.UsageError("--host, --port and --https are about --serve: add that")
    if apk is None and any(value is not None for value in of_apk.values()):
        raise click.UsageError("--apk-id, --label, --icon, --key and --backup-key are about --apk: add that")
    request = None if apk is None else _request(apk, **of_apk)
    if out is not None:
        from imbalkit_app.folder import check_folder

        check_folder(out.expanduser().resolve())  # before an export, which may take minutes
    model = _file_of(model.expanduser())
    card, contents = _contents(model)
    if serve:
        _serve(contents, host or (EVERYONE if https else ALONE), port, https)
    elif request is not None:
        _write_apk(request, card, contents)
    else:
        _write(contents, out.expanduser() if out else model.with_name(f"{model.stem}-app"))


def _file_of(model: Path) -> Path:
    """The model file: of a run's folder its export."""
    if not model.is_dir():
        return model
    from imbalkit_app.exporting import exported

    return exported(model, _note)


def _contents(model: Path) -> tuple[Card, dict[str, bytes]]:
    from imbalkit import __version__
    from imbalkit_app.contents import app_contents, read_model
    from imbalkit_app.page import find_page

    card, own = read_model(model, __version__)  # before a build, which may take a minute
    return card, app_contents(find_page(_note), card, own)


def _write(contents: dict[str, bytes], folder: Path) -> None:
    from imbalkit_app.folder import write_app

    write_app(contents, folder)
    size = sum(map(len, contents.values())) / 1e6
    say(f"{folder}: {len(contents)} files, {size:.1f} MB")
    click.echo("any web server can host this folder, at any path; phones need https for the camera (docs/app.md)")
    say(f"to try it here: python -m http.server --directory {folder} --bind 127.0.0.1")


def _request(
    path: Path, apk_id: str | None, label: str | None, icon: Path | None, key: Path | None, backup_key: Path | None
) -> Request:
    from imbalkit_app.apk.making import checked

    icon, key, backup_key = (each and each.expanduser() for each in (icon, key, backup_key))
    return checked(path.expanduser(), apk_id, label, icon, key, backup_key)


def _write_apk(request: Request, card: Card, contents: dict[str, bytes]) -> None:
    from imbalkit import __version__
    from imbalkit_app.apk.making import make_apk

    identity = make_apk(request, card, contents, __version__, _note)
    size = request.path.stat().st_size / 1e6
    say(f"{request.path}: {size:.1f} MB, {identity.label!r}, {identity.id}, version {identity.version}")
    click.echo("it asks for the camera alone and has no access to the network")
    say(f"to install it: adb install -r {request.path}, or open the file on the phone (docs/app.md)")


def _note(text: str) -> None:
    say(text, err=True)


def _serve(contents: dict[str, bytes], host: str, port: int | None, https: bool) -> None:
    from imbalkit_app.invitation import CERTIFICATE, invitation, require_segno
    from imbalkit_app.serving import Server

    scheme, certificate = "https" if https else "http", None
    if https:
        from imbalkit_app.certificate import certificate_folder, ensure_certificate, machine_names, public_part

        require_segno()
        certificate = ensure_certificate(certificate_folder(), machine_names(host), _note)
        contents = contents | {CERTIFICATE: public_part(certificate)}
    try:
        with (
            _stopped_by_signals(),
            Server(contents, host, PORTS[scheme] if port is None else port, certificate) as server,
        ):
            for line in invitation(scheme, host, server.server_port):
                say(line)
            server.serve_forever()
    except KeyboardInterrupt:
        click.echo("\nstopped")


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Within it, SIGINT and SIGTERM are a KeyboardInterrupt.

    A shell starts what it runs in the background with SIGINT ignored, and Python then leaves it so.
    """
    if threading.current_thread() is not threading.main_thread():  # others cannot have handlers
        yield
        return
    before = {each: signal.signal(each, signal.default_int_handler) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler if handler is not None else signal.SIG_DFL)
