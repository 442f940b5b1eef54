"""An app from this machine: Python's own HTTP server over the files in memory, so that no other file can be requested."""

from __future__ import annotations

import errno
import hashlib
import http.client
import io
import socket
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from imbalkit_app.certificate import machine_names
from imbalkit_app.connections import Connections
from imbalkit_app.contents import INDEX
from imbalkit_app.headers import SECURITY, caching_of, type_of
from imbalkit_app.hosts import host_of, plain
from imbalkit_lite.errors import ImbalkitError

IDLE = 30  # seconds until a silent connection is closed
MOST = 64  # connections at once, each a thread; a browser opens 6
LARGEST_HEAD = 2**16  # bytes of a request's headers
PIECE = 2**16  # bytes of a response that are sent at a time: a slow phone has IDLE seconds for each


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
    request_queue_size = 512  # what comes at once; a fuller queue costs each newcomer a second or more

    def __init__(self, contents: Mapping[str, bytes], host: str, port: int, certificate: Path | None = None):
        self.files = {name: File.of(name, content) for name, content in contents.items()}
        self.host, self.connections = host, Connections(MOST, IDLE)
        if ":" in host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), Handler)
        except OSError as error:
            raise _cannot_listen(host, port, error) from None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # The handshake is made by the connection's own thread: a slow client does not hold up the others.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def server_bind(self) -> None:
        """HTTPServer would look its own name up, which takes seconds on some networks."""
        super(ThreadingHTTPServer, self).server_bind()
        name, self.server_port = self.server_address[:2]
        self.server_name = str(name)

    @cached_property
    def names(self) -> set[str]:
        """The names of this machine, for every host that is listened to."""
        return {plain(name) for name in (*machine_names(self.host), socket.gethostname())}

    def has_name(self, host: str, connection: socket.socket) -> bool:
        """Whether a host is one that is listened to: the address that was connected to, or a name of this machine."""
        return host in (plain(connection.getsockname()[0]), "localhost") or host in self.names

    def process_request(self, request: Any, client_address: object) -> None:
        if self.connections.enter(request):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: object) -> None:
        try:
            self.finish_request(request, client_address)
        except Exception:
            self.handle_error(request, client_address)
        finally:
            self.connections.leave(request)
            self.shutdown_request(request)

    def service_actions(self) -> None:
        self.connections.end_quiet()

    def handle_error(self, request: Any, client_address: object) -> None:
        """A client that disconnects, or does not trust the certificate, is not reported."""
        if not isinstance(sys.exc_info()[1], OSError):  # ssl.SSLError and TimeoutError are of these
            super().handle_error(request, client_address)


class _Lines(io.BufferedIOBase):
    """The headers of one request, line by line: at most LARGEST_HEAD bytes."""

    def __init__(self, file: io.BufferedIOBase):
        self._file, self._remaining = file, LARGEST_HEAD

    def readline(self, size: int | None = -1, /) -> bytes:
        line = self._file.readline(size)
        self._remaining -= len(line)
        if self._remaining < 0:
            raise http.client.LineTooLong("header")  # becomes status 431
        return line


class Handler(BaseHTTPRequestHandler):
    """GET and HEAD of the server's files."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "imbalkit", ""
    timeout = IDLE

    def parse_request(self) -> bool:
        """As the base class, with checks of every request: its size, its host, no content."""
        sent, self.rfile = self.rfile, _Lines(self.rfile)
        try:
            if not super().parse_request():
                return False
        finally:
            self.rfile = sent
        self.server.connections.progress(self.connection)
        refused = self._refused()
        if refused is not None:
            self.close_connection = True
            self._respond_text(*refused, {"Connection": "close"})
        return refused is None

    def _refused(self) -> tuple[HTTPStatus, str] | None:
        named = self.headers.get_all("Host", [])
        try:
            target = urlsplit(self.path)
        except ValueError:
            return HTTPStatus.BAD_REQUEST, "the address cannot be read\n"
        # That of http://host/path would count instead of the header.
        hosts = {host_of(each) for each in (*named, *([] if self.path.startswith("/") else [target.netloc]))}
        host = hosts.pop() if len(hosts) == 1 else None
        if len(named) != 1 or host is None:
            return HTTPStatus.BAD_REQUEST, "expected one Host header that names this server\n"
        if not self.server.has_name(host, self.connection):
            return HTTPStatus.MISDIRECTED_REQUEST, "this app has another name: open an address that imbalkit printed\n"
        content = self.headers.get("Content-Length", "0").strip() != "0" or "Transfer-Encoding" in self.headers
        if content and self.command in ("GET", "HEAD"):  # what is left unread would be taken for the next request
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "nothing can be sent to this app\n"
        return None

    def do_GET(self) -> None:
        name = unquote(urlsplit(self.path).path).removeprefix("/") or INDEX
        file = self.server.files.get(name)
        if file is None:
            self._respond_text(HTTPStatus.NOT_FOUND, "there is no such file in this app\n")
            return
        if file.tag in (tag.strip().removeprefix("W/") for tag in self.headers.get("If-None-Match", "").split(",")):
            self._respond(HTTPStatus.NOT_MODIFIED, {"ETag": file.tag, "Cache-Control": caching_of(name)})
            return
        self._respond(
            HTTPStatus.OK,
            {"Content-Type": type_of(name), "ETag": file.tag, "Cache-Control": caching_of(name)},
            file.content,
        )

    do_HEAD = do_GET

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """The base class's errors for unknown methods and requests that are no HTTP, with this server's headers."""
        self.close_connection = True  # what was sent with the request is not read
        if code == HTTPStatus.NOT_IMPLEMENTED:
            self._respond_text(
                HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD\n", {"Allow": "GET, HEAD", "Connection": "close"}
            )
        else:
            self._respond_text(HTTPStatus(code), f"{HTTPStatus(code).phrase}\n", {"Connection": "close"})

    def _respond_text(self, status: HTTPStatus, text: str, headers: Mapping[str, str] | None = None) -> None:
        defaults = {"Content-Type": type_of(".txt"), "Cache-Control": "no-store", **(headers or {})}
        self._respond(status, defaults, text.encode())

    def _respond(self, status: HTTPStatus, headers: Mapping[str, str], content: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {**headers, **SECURITY}.items():
            self.send_header(name, value)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            for start in range(0, len(content), PIECE):
                self.wfile.write(content[start : start + PIECE])
                self.server.connections.progress(self.connection)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: the page is what the user looks at."""


def _cannot_listen(host: str, port: int, error: OSError) -> ServingError:
    if error.errno == errno.EADDRINUSE:
        return ServingError(f"port {port} of {host} is in use: choose another with --port (0: any that is free)")
    if error.errno == errno.EACCES:
        return ServingError(f"port {port} of {host} is not for ordinary users: choose one above 1023 with --port")
    return ServingError(f"cannot listen at {host}, port {port}: {error.strerror or error}")
