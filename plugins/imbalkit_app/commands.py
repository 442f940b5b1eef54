"""`imbalkit app`: found through the entry point of the group imbalkit.commands alone."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from imbalkit_lite.command_line import say

PORTS = {"http": 8000, "https": 8443}
ALONE, EVERYONE = "127.0.0.1", "0.0.0.0"


@click.command("app")
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL.tflite")
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
def command(model: Path, out: Path | None, serve: bool, host: str | None, port: int | None, https: bool) -> None:
    """Make an exported MODEL.tflite an app that reads a phone's camera: a page that works offline and sends nothing.

    Class names, threshold, abstention, input size and intended use are those in the file, and its predictions those of
    `imbalkit predict`. The folder can be hosted by any web server, at any path; a phone needs it over https.
    """
    if serve and out is not None:
        raise click.UsageError("--out writes a folder and --serve writes none: leave one of them out")
    if not serve and (https or host is not None or port is not None):
        raise click.UsageError("--host, --port and --https are about --serve: add that")
    model = model.expanduser()
    contents = _contents(model)
    if serve:
        _serve(contents, host or (EVERYONE if https else ALONE), port, https)
    else:
        _write(contents, out.expanduser() if out else model.with_name(f"{model.stem}-app"))


def _contents(model: Path) -> dict[str, bytes]:
    from imbalkit import __version__
    from imbalkit_app.contents import app_contents, read_model
    from imbalkit_app.page import find_page

    card, own = read_model(model, __version__)  # before a build, which may take a minute
    return app_contents(find_page(lambda text: say(text, err=True)), card, own)


def _write(contents: dict[str, bytes], folder: Path) -> None:
    from imbalkit_app.folder import write_app

    write_app(contents, folder)
    size = sum(map(len, contents.values())) / 1e6
    say(f"{folder}: {len(contents)} files, {size:.1f} MB")
    click.echo("any web server can host this folder, at any path; phones need https for the camera (docs/app.md)")
    say(f"to try it here: python -m http.server --directory {folder} --bind 127.0.0.1")


def _serve(contents: dict[str, bytes], host: str, port: int | None, https: bool) -> None:
    from imbalkit_app.invitation import CERTIFICATE, invitation, require_segno
    from imbalkit_app.serving import Server

    scheme, certificate = "https" if https else "http", None
    if https:
        from imbalkit_app.certificate import certificate_folder, ensure_certificate, machine_names, public_part

        require_segno()
        certificate = ensure_certificate(certificate_folder(), machine_names(host), lambda text: say(text, err=True))
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
