"""The server: the app's files and nothing else, with the headers that keep the page to itself."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from imbalkit_app.certificate import machine_names
from imbalkit_app.connections import Connections
from imbalkit_app.headers import SECURITY, caching_of, type_of
from imbalkit_app.serving import MOST, Server, ServingError

CONTENTS = {
    "index.html": b"<!doctype html>",
    "sw.js": b"sw",
    "files.js": b"self.FILES = {};",
    "assets/index-a1b2.js": b"export {};",
    "litert/litert.wasm": b"\0asm",
    "manifest.webmanifest": b"{}",
    "model/model.tflite": b"TFL3" * 1000,
}


@contextmanager
def serving(contents=CONTENTS, host="127.0.0.1", certificate=None):
    with Server(contents, host, 0, certificate) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def server():
    with serving() as server:
        yield server


@pytest.fixture
def ask(server):
    """`ask(path, method, headers)`: the answer and its content."""

    def go(path: str, method: str = "GET", headers: dict[str, str] | None = None):
        with closing(http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)) as connection:
            connection.putrequest(method, path, skip_host="Host" in (headers or {}))
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return answer, answer.read()

    return go


@pytest.mark.parametrize("path, name", [("/", "index.html"), *((f"/{name}", name) for name in CONTENTS)])
def test_files_are_served_as_they_are(ask, path, name):
    answer, content = ask(path)
    assert (answer.status, content) == (200, CONTENTS[name])
    assert int(answer.headers["Content-Length"]) == len(content)


@pytest.mark.parametrize(
    "name, expected",
    [
        ("index.html", "text/html; charset=utf-8"),
        ("sw.js", "text/javascript; charset=utf-8"),
        ("litert/litert.wasm", "application/wasm"),
        ("manifest.webmanifest", "application/manifest+json"),
        ("model/model.tflite", "application/octet-stream"),
    ],
)
def test_types(ask, name, expected):
    assert ask(f"/{name}")[0].headers["Content-Type"] == expected


def test_types_of_what_a_page_may_hold():
    assert type_of("icons/192.PNG") == "image/png"
    assert type_of("model/card.json") == "application/json"
    assert type_of("LICENSE") == "application/octet-stream"


@pytest.mark.parametrize(
    "path, method, status", [("/", "GET", 200), ("/index.html", "HEAD", 200), ("/gone", "GET", 404), ("/", "POST", 405)]
)
def test_every_answer_keeps_the_page_to_itself(ask, path, method, status):
    answer, _ = ask(path, method)
    assert answer.status == status
    assert {name: answer.headers[name] for name in SECURITY} == SECURITY
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';")
    assert policy.endswith("frame-ancestors 'none'")
    assert "unsafe-inline" not in policy
    assert "http" not in policy
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "camera=(self)" in answer.headers["Permissions-Policy"]
    assert answer.headers["Server"].strip() == "imbalkit"  # not which Python this is


def test_head_sends_no_content(ask):
    answer, content = ask("/model/model.tflite", "HEAD")
    assert (answer.status, content, answer.headers["Content-Length"]) == (200, b"", "4000")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_nothing_can_be_changed(ask, method):
    answer, _ = ask("/", method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml",
        "/..%2fpyproject.toml",
        "/assets/../index.html",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/etc/passwd",
        "/assets",
        "/assets/",
        "/model/",
        "/index.html%00.js",
        "/" + "a" * 3000,
    ],
)
def test_there_is_no_other_file_and_no_listing(ask, path):
    answer, content = ask(path)
    assert (answer.status, content) == (404, b"there is no such file in this app\n")


def test_a_query_is_no_part_of_the_name(ask):
    assert ask("/index.html?a=1")[1] == CONTENTS["index.html"]


@pytest.mark.parametrize("name", ["index.html", "sw.js", "files.js", "manifest.webmanifest", "model/model.tflite"])
def test_files_that_may_change_are_revalidated(ask, name):
    answer, _ = ask(f"/{name}")
    assert answer.headers["Cache-Control"] == "no-cache"
    tag = answer.headers["ETag"]
    again, content = ask(f"/{name}", headers={"If-None-Match": f'"other", W/{tag}'})
    assert (again.status, content, again.headers["ETag"]) == (304, b"", tag)
    assert ask(f"/{name}", headers={"If-None-Match": '"other"'})[0].status == 200


def test_files_with_a_hash_in_their_name_are_cached(ask):
    assert ask("/assets/index-a1b2.js")[0].headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert caching_of("litert/litert.wasm") == "no-cache"


def test_one_connection_serves_many_files(server):
    with closing(http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)) as connection:
        for name in ("index.html", "gone", "sw.js"):
            connection.request("GET", f"/{name}")
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (
                (200, CONTENTS[name]) if name in CONTENTS else (404, b"there is no such file in this app\n")
            )


def test_a_silent_client_does_not_hold_up_others(server, ask):
    with closing(socket.create_connection(("127.0.0.1", server.server_port))):
        assert ask("/")[0].status == 200


def test_what_cannot_be_read_is_answered_with_the_same_headers(server):
    with closing(socket.create_connection(("127.0.0.1", server.server_port), timeout=30)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n")
        text = connection.makefile("rb").read().decode()
    assert "nosniff" in text
    assert text.startswith("HTTP/1.1 431 ")


# --- the host of a request --------------------------------------------------------------------------------------------


def say_raw(server, text: str) -> str:
    """The answer to a request, to its end."""
    with closing(socket.create_connection(("127.0.0.1", server.server_port), timeout=30)) as connection:
        connection.sendall(text.encode("latin-1"))
        return connection.makefile("rb").read().decode("latin-1")


OWN = [
    "127.0.0.1",
    "127.0.0.1:8000",
    "localhost",
    "LocalHost.:1",
    "[::1]:8000",
    "[::ffff:127.0.0.1]",
    "[0:0:0:0:0:0:0:1]",
]


@pytest.mark.parametrize("host", [*OWN, *machine_names("127.0.0.1")])
def test_it_answers_to_its_own_names(ask, host):
    host = f"[{host}]" if host == "::1" else host
    assert ask("/", headers={"Host": host})[0].status == 200


FOREIGN = [
    "evil.example",
    "localhost.evil.example",
    "evil.example:80",
    "192.0.2.7",
    "[2001:db8::1]",
    "0.0.0.0",
    "127.0.0.1.nip.io",
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("host", FOREIGN)
def test_and_to_no_other(ask, host, method):
    """Another site's page whose name was made to mean this machine gets nothing to read."""
    answer, content = ask("/model/model.tflite", method, {"Host": host})
    assert answer.status == 421
    assert content in (b"", b"this app has another name: open an address that imbalkit printed\n")
    assert {name: answer.headers[name] for name in SECURITY} == SECURITY


@pytest.mark.parametrize(
    "host",
    ["", " ", "::1", "[localhost]", "[::1", "a b", "user@localhost", "localhost:x", "localhost:99999", ".", "\xe4"],
)
def test_what_is_no_name_is_refused(server, host):
    assert say_raw(server, f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").startswith("HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "request_, status",
    [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
        ("GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        ("GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        ("GET http://localhost:1/ HTTP/1.1\r\nHost: LOCALHOST\r\nConnection: close\r\n\r\n", 200),
        ("GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n", 413),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", 413),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n" + f"X: {'y' * 8000}\r\n" * 9 + "\r\n", 431),
    ],
)
def test_requests_as_no_browser_makes_them(server, capfd, request_, status):
    assert say_raw(server, request_).startswith(f"HTTP/1.1 {status} ")
    assert capfd.readouterr().err == ""


def test_every_address_means_those_of_this_machine():
    with serving(host="0.0.0.0") as server:
        for host, status in [
            *((name, 200) for name in machine_names("0.0.0.0") if name != "::1"),
            ("evil.example", 421),
        ]:
            text = f"GET /sw.js HTTP/1.1\r\nHost: {host}:{server.server_port}\r\nConnection: close\r\n\r\n"
            assert say_raw(server, text).startswith(f"HTTP/1.1 {status} ")


def test_the_address_that_was_connected_to_is_its_own():
    with serving(host="0.0.0.0") as server, closing(socket.socket()) as connection:
        try:
            connection.connect(("127.0.0.5", server.server_port))
        except OSError:
            pytest.skip("this system has no other address of its own loop")
        connection.sendall(
            b"GET /sw.js HTTP/1.1\r\nHost: 127.0.0.5\r\nConnection: close\r\n\r\n"
        )  # in no list of names
        assert connection.makefile("rb").read().endswith(b"\r\n\r\nsw")


# --- many at once -----------------------------------------------------------------------------------------------------


def test_half_open_connections_make_few_threads_and_shut_out_no_client(server, ask):
    before = threading.active_count()
    opened = [socket.create_connection(("127.0.0.1", server.server_port), timeout=30) for _ in range(300)]
    try:
        for connection in opened:
            with suppress(OSError):
                connection.sendall(b"GET / HTTP/1.1\r\nHost: local")
        began = time.monotonic()
        assert ask("/model/model.tflite")[1] == CONTENTS["model/model.tflite"]
        assert time.monotonic() - began < 10
        while threading.active_count() - before > MOST and time.monotonic() - began < 10:
            time.sleep(0.01)  # a thread has given its place away before it has ended
        assert threading.active_count() - before <= MOST
    finally:
        for connection in opened:
            connection.close()
    assert ask("/")[0].status == 200


def test_the_one_that_was_quiet_longest_gives_way():
    places = Connections(2, quiet=60)
    pairs = [socket.socketpair() for _ in range(3)]
    (first, _), (second, second_client), (third, _) = pairs

    def thread():  # of the second: it leaves when its connection is ended
        second.recv(1)
        places.leave(second)

    assert places.enter(first)
    assert places.enter(second)
    waiting = threading.Thread(target=thread)
    waiting.start()
    places.progress(first)
    assert places.enter(third)
    waiting.join()
    assert second_client.recv(1) == b""
    for pair in pairs:
        for end in pair:
            end.close()


def test_a_byte_now_and_then_is_not_progress(monkeypatch):
    monkeypatch.setattr("imbalkit_app.serving.IDLE", 0.3)
    with serving() as server, closing(socket.create_connection(("127.0.0.1", server.server_port), timeout=30)) as slow:
        began = time.monotonic()
        with suppress(OSError):
            for _ in range(200):
                slow.sendall(b"G")
                time.sleep(0.05)
        assert time.monotonic() - began < 5


def test_a_port_in_use(server):
    with pytest.raises(ServingError, match=rf"port {server.server_port} of 127\.0\.0\.1 is in use: choose another"):
        Server({}, "127.0.0.1", server.server_port)


def test_an_address_that_is_not_ours():
    with pytest.raises(ServingError, match=r"cannot listen at 192\.0\.2\.7, port 0"):
        Server({}, "192.0.2.7", 0)
    with pytest.raises(ServingError, match=r"cannot listen at no such host, port 0"):
        Server({}, "no such host", 0)


# --- https ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pem(tmp_path_factory) -> Path:
    pytest.importorskip("cryptography", reason="needs cryptography: pip install 'imbalkit[app]'")
    from imbalkit_app.certificate import ensure_certificate

    return ensure_certificate(tmp_path_factory.mktemp("certificate"), ["localhost", "127.0.0.1"])


def test_https_with_a_certificate_of_ones_own(pem, capsys):
    import ssl

    with serving(certificate=pem) as server:
        trusting = ssl.create_default_context(cafile=str(pem))
        for host in ("localhost", "127.0.0.1"):
            with closing(http.client.HTTPSConnection(host, server.server_port, context=trusting, timeout=30)) as secure:
                secure.request("GET", "/sw.js")
                assert secure.getresponse().read() == b"sw"
        # Clients that do not trust it, speak no TLS or say nothing: no traceback, and the next one is served.
        untrusting = http.client.HTTPSConnection("127.0.0.1", server.server_port, timeout=30)
        with closing(untrusting), pytest.raises(ssl.SSLCertVerificationError):
            untrusting.request("GET", "/")
        with closing(socket.create_connection(("127.0.0.1", server.server_port), timeout=30)) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            plain.recv(1)
        with closing(socket.create_connection(("127.0.0.1", server.server_port))):
            again = http.client.HTTPSConnection("localhost", server.server_port, context=trusting, timeout=30)
            with closing(again):
                again.request("GET", "/")
                assert again.getresponse().status == 200
    assert capsys.readouterr().err == ""
