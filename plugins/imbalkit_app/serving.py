"""An app from this machine: Python's own HTTP server over the files in memory, so that no other file can be asked for."""

from __future__ import annotations

import errno
import hashlib
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import AF_INET6
from urllib.parse import unquote, urlsplit

from imbalkit_app.contents import INDEX
from imbalkit_app.headers import SECURITY, caching_of, type_of
from imbalkit_lite.errors import ImbalkitError

IDLE = 30  # seconds until a connection that says nothing is closed


class ServingError(ImbalkitError):
    """The address or port cannot be used."""


@dataclass(frozen=True)
class File:
    """One file as it is sent."""

    name: str
    content: bytes
    tag: str  # of the content

    @classmethod
    def of(cls, name: str, content: bytes) -> File:
        return cls(name, content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


class Server(ThreadingHTTPServer):
    """Serves named contents at http(s)://host:port/. Raises ServingError where that cannot be listened to.

    Args:
        contents: name with slashes -> content
        host: address or name to listen at
        port: 0 for any that is free
        certificate: PEM file with key and certificate, for https; None for http
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, contents: Mapping[str, bytes], host: str, port: int, certificate: Path | None = None):
        self.files = {name: File.of(name, content) for name, content in contents.items()}
        if ":" in host:
            self.address_family = AF_INET6
        try:
            super().__init__((host, port), Handler)
        except OSError as error:
            raise _cannot_listen(host, port, error) from None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # The handshake is made by the connection's own thread: a slow client keeps nobody waiting.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def server_bind(self) -> None:
        """HTTPServer would look its own name up, which takes seconds on some networks."""
        super(ThreadingHTTPServer, self).server_bind()
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away, or does not trust the certificate, is no news."""
        if not isinstance(sys.exc_info()[1], OSError):  # ssl.SSLError and TimeoutError are of these
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """GET and HEAD of the server's files."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "imbalkit", ""
    timeout = IDLE

    def do_GET(self) -> None:
        name = unquote(urlsplit(self.path).path).removeprefix("/") or INDEX
        file = self.server.files.get(name)
        if file is None:
            self._say(HTTPStatus.NOT_FOUND, "there is no such file in this app\n")
            return
        if file.tag in (tag.strip().removeprefix("W/") for tag in self.headers.get("If-None-Match", "").split(",")):
            self._answer(HTTPStatus.NOT_MODIFIED, {"ETag": file.tag, "Cache-Control": caching_of(name)})
            return
        self._answer(
            HTTPStatus.OK,
            {"Content-Type": type_of(name), "ETag": file.tag, "Cache-Control": caching_of(name)},
            file.content,
        )

    do_HEAD = do_GET

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class says of methods that are not here, and of what is no HTTP; with this server's headers."""
        self.close_connection = True  # what was sent with the request is not read
        if code == HTTPStatus.NOT_IMPLEMENTED:
            self._say(
                HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD\n", {"Allow": "GET, HEAD", "Connection": "close"}
            )
        else:
            self._say(HTTPStatus(code), f"{HTTPStatus(code).phrase}\n", {"Connection": "close"})

    def _say(self, status: HTTPStatus, text: str, headers: Mapping[str, str] | None = None) -> None:
        own = {"Content-Type": type_of(".txt"), "Cache-Control": "no-store", **(headers or {})}
        self._answer(status, own, text.encode())

    def _answer(self, status: HTTPStatus, headers: Mapping[str, str], content: bytes = b"") -> None:
        self.send_response(status)
        for name, value in (headers | SECURITY).items():
            self.send_header(name, value)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: the page is what the user looks at."""


def _cannot_listen(host: str, port: int, error: OSError) -> ServingError:
    if error.errno == errno.EADDRINUSE:
        return ServingError(f"port {port} of {host} is in use: choose another with --port (0: any that is free)")
    if error.errno == errno.EACCES:
        return ServingError(f"port {port} of {host} is not for ordinary users: choose one above 1023 with --port")
    return ServingError(f"cannot listen at {host}, port {port}: {error.strerror or error}")
